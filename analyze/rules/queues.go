package rules

import (
	"fmt"

	"gmptrace/analyze/words"
	"gmptrace/model"
)

// The rules on run queues: where the next goroutine comes from.
//
// What stands beside a dispatch (model.Dispatch.Beside) was there before the P
// began to look for work and ran later: passing it by is the trace's word, not
// the model's.

// queues judges one dispatch by the rules on queues.
func (r *rules) queues(d *model.Dispatch, p *ruleProc) {
	switch d.Source {
	case model.SourceUnknown, model.SourceGCWorker, model.SourceGCIdle, model.SourceTraceReader,
		model.SourceSyscallExit, model.SourceCoroutine, model.SourceParkCancelled:
		return // they take no goroutine from a queue, and look at none
	}
	beside := d.Beside
	if p.stolen > 0 {
		beside &^= model.QueueRing // that what is there was stolen is the model's word
		if d.Source == model.SourceLocal {
			beside &^= model.QueueSelf
		}
	}
	turn := p.turn(d)
	r.tick(d, beside, turn)
	r.localFirst(d, beside, turn)
	if pulled(d) && beside&model.QueueOwn != 0 && d.Turn >= 0 {
		p.counted = d.Turn == 0
	}
	r.runnext(d, beside)
	switch d.Source {
	case model.SourceGlobal:
		r.globalBatch(d)
	case model.SourceSteal, model.SourceStealRunnext:
		r.steal(d)
	case model.SourceNetpoll:
		r.netpoll(d, p)
	}
	switch d.Source {
	case model.SourceGlobal:
		p.stolen = 0
	case model.SourceSteal:
		p.stolen = int(d.Moved) - 1
	case model.SourceLocal:
		p.stolen = max(0, p.stolen-1)
		r.overflowed(p)
	}
}

// The parts of the rule on the global queue's turn.
const (
	tickShown  = iota // it pulled ahead of local work
	tickEither        // nothing tells it from an ordinary pull
)

// turn is how many ticks ago it was the global queue's turn, by a count that a
// pull ahead of local work has borne out; -1 if none has, or if the count may
// be off by what a dispatch more or less in a time slice makes.
func (p *ruleProc) turn(d *model.Dispatch) int {
	if !p.counted || d.Turn > 0 && (d.Turn <= turnSlack || d.Turn >= model.TickPeriod-turnSlack) {
		return -1
	}
	return int(d.Turn)
}

// turnSlack is by how many ticks the count may be off.
const turnSlack = 2

// pulled reports whether d came from the global queue.
func pulled(d *model.Dispatch) bool {
	return d.Source == model.SourceGlobalTick || d.Source == model.SourceGlobal
}

// tick judges the global queue's turn. A pull ahead of local work says that it
// was its turn, which the P's schedtick must bear out; and when it is its turn,
// nothing may come ahead of what waits there. A pull with nothing to pass by may have been
// a turn or not, however the model calls it.
func (r *rules) tick(d *model.Dispatch, beside model.Queues, turn int) {
	t := &r.tallies[ruleTick]
	local := beside&model.QueueOwn != 0
	pull := pulled(d)
	if d.Source == model.SourceGlobalTick {
		t.spread.Add(int64(d.Time - d.Ready))
	}
	switch {
	case pull && local && turn == 0:
		t.parts[tickShown]++
		t.pass(d.Certain && d.Tick == model.TickYes)
	case pull && local && turn > 0:
		t.parts[tickShown]++
		t.fail(d.Time-d.Ready, d.Certain && d.Tick != model.TickUnknown, func() miss {
			return passing(d, "pulled from the global queue ahead of local work %s after its turn", words.Plural(int64(turn), "tick"))
		})
	case pull && local:
		t.parts[tickShown]++
		t.applied++
	case pull && d.Tick == model.TickUnknown:
		t.parts[tickEither]++
		t.applied++
	case pull: // known to be in its turn, or not to be
	case turn == 0 && beside&model.QueueGlobal != 0:
		t.fail(d.Time-d.Ready, d.Certain, func() miss {
			return passing(d, "came from %s although it was the global queue's turn", d.Source)
		})
	}
}

// localFirst judges that a P with work of its own takes that: where it took it
// though another goroutine stood in the global queue, and where it took another
// though its own surely held one. That a goroutine came from its own queue while
// nothing else was to be had says nothing.
func (r *rules) localFirst(d *model.Dispatch, beside model.Queues, turn int) {
	t := &r.tallies[ruleLocal]
	switch d.Source {
	case model.SourceRunnext, model.SourceLocal:
		t.spread.Add(int64(d.Queue))
		if beside&model.QueueSelf != 0 && beside&model.QueueGlobal != 0 {
			t.pass(d.Certain)
		} else {
			t.applied++
		}
		return
	}
	switch {
	case beside&model.QueueOwn == 0, pulled(d) && d.Turn == 0: // that comes ahead
	case pulled(d) && turn < 0, !pulled(d) && !d.Certain: // it may have been a turn, or come from elsewhere
		t.applied++
	default:
		t.fail(d.Time-d.Ready, d.Certain && d.Tick == model.TickNo, func() miss {
			return passing(d, "came from %s although P%d had goroutines of its own", d.Source, d.P)
		})
	}
}

// runnext judges that the slot comes before the ring, where both held something.
func (r *rules) runnext(d *model.Dispatch, beside model.Queues) {
	t := &r.tallies[ruleRunnext]
	switch {
	case d.Source == model.SourceRunnext && beside&model.QueueRing != 0:
		t.pass(d.Certain)
	case d.Source == model.SourceRunnext:
		t.applied++
	case d.Source == model.SourceLocal && beside&model.QueueRunnext != 0 && beside&model.QueueSelf != 0:
		t.fail(d.Time-d.Ready, d.Certain, func() miss {
			return passing(d, "came from the ring although another goroutine stood in runnext")
		})
	}
}

// sliceEnds counts a time slice that goroutines shared.
func (r *rules) sliceEnds(p *ruleProc) {
	t := &r.tallies[ruleRunnext]
	if p.shared > 1 {
		t.spread.Add(int64(p.shared))
		t.parts[0]++
	}
}

// globalBatch judges the size of a batch by who ran what stood behind its first
// goroutine, and when: what the model takes is by the rule.
func (r *rules) globalBatch(d *model.Dispatch) {
	t := &r.tallies[ruleGlobal]
	t.spread.Add(int64(d.Moved))
	switch {
	case d.DueMax == 0 || d.Queue < 2:
		t.applied++
	case d.DueMax == d.DueMin:
		t.pass(d.Certain && d.Tick == model.TickNo)
	default:
		t.fail(1, d.Certain && d.Tick == model.TickNo, func() miss {
			return passing(d, "came in a batch of %s, where the queue of %s gives %s", words.Count(int(d.DueMax)), words.Count(d.Queue), words.Count(int(d.DueMin)))
		})
	}
}

// steal judges how much a thief took by how far from its head the victim's ring
// held what it ran. One goroutine leaves nothing to judge.
func (r *rules) steal(d *model.Dispatch) {
	t := &r.tallies[ruleSteal]
	if d.Source == model.SourceStealRunnext {
		t.parts[1]++
		t.applied++
		return
	}
	t.parts[0]++
	t.spread.Add(int64(d.Moved))
	switch {
	case d.DueMax == 0 || d.Queue < 2 || r.at(d.Victim).stolen > 0:
		t.applied++
	case d.Moved >= d.DueMin && d.Moved <= d.DueMax:
		t.pass(d.Certain)
	default:
		t.fail(off(d), d.Certain, func() miss {
			return passing(d, "was number %d in the ring of P%d, of whose %s goroutines a thief takes %s", d.Moved, d.Victim, words.Count(d.Queue), between(d.DueMin, d.DueMax))
		})
	}
}

// netpoll judges that the poller is asked only when the queues are empty. A
// thread that slept in the poller comes back with a P and looks at no queue.
func (r *rules) netpoll(d *model.Dispatch, p *ruleProc) {
	t := &r.tallies[ruleNetpoll]
	t.parts[0]++
	t.applied-- // it is counted where its wait on the network ended
	t.spread.Add(int64(d.Time - d.Ready))
	switch {
	case p.fresh:
		t.applied++
	case d.Beside&(model.QueueOwn|model.QueueGlobal) == 0:
		t.pass(d.Certain)
	default:
		t.fail(d.Time-d.Ready, d.Certain, func() miss {
			return passing(d, "came from the poller although goroutines stood in the queues")
		})
	}
}

// overflow takes a full ring, to be judged when its P first runs something of it:
// until then what was left may leave in the same way, and nobody can tell.
func (r *rules) overflow(o *model.Overflow) {
	p := r.at(o.P)
	if p.over.is {
		p.over.Early = -1
		r.overflowed(p)
	}
	p.over.is, p.over.Overflow = true, *o
	p.over.Full = o.Full && p.stolen == 0
}

// overflowed judges a full ring by when its P runs the half that should have left:
// hardly any of it before what was left. If it runs more of it, the ring surely
// was full only if the P ran all of it, and had stolen none: else the model
// thought so, and the program had no overflow.
func (r *rules) overflowed(p *ruleProc) {
	if !p.over.is {
		return
	}
	p.over.is = false
	t, o := &r.tallies[ruleOverflow], p.over.Overflow
	if o.Early > ticksInHalf && !o.Full {
		t.parts[0]++
		return
	}
	t.spread.Add(int64(o.Global))
	switch {
	case o.Early < 0:
		t.applied++
	case o.Early <= ticksInHalf:
		t.pass(false)
	default:
		t.fail(model.Time(o.Early), false, func() miss {
			return miss{o.Time - near, o.Time + near, o.G, o.P, fmt.Sprintf("P%d ran %s of the goroutines itself that its full ring should have given away", o.P, words.Count(o.Early))}
		})
	}
}

// ticksInHalf is how many of the goroutines given away a P may pull back while
// it runs half a ring: it looks at the global queue at every 61st.
const ticksInHalf = 3

// off is how far a move was from what the rules let it take.
func off(d *model.Dispatch) model.Time {
	return model.Time(max(int(d.DueMin)-int(d.Moved), int(d.Moved)-int(d.DueMax)))
}

func between(least, most uint8) string {
	if least == most {
		return words.Count(int(least))
	}
	return fmt.Sprintf("%s to %s", words.Count(int(least)), words.Count(int(most)))
}

// passing is a dispatch that a rule did not expect.
func passing(d *model.Dispatch, format string, args ...any) miss {
	return miss{d.Time - near, d.Time + near, d.G, d.P, fmt.Sprintf("G%d on P%d ", d.G, d.P) + fmt.Sprintf(format, args...)}
}
