package analyze

import (
	"fmt"

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
	r.tick(d)
	r.localFirst(d)
	r.runnext(d)
	switch d.Source {
	case model.SourceGlobal:
		r.globalBatch(d)
	case model.SourceSteal, model.SourceStealRunnext:
		r.steal(d)
	case model.SourceNetpoll:
		r.netpoll(d, p)
	}
}

// tick judges the global queue's turn. A pull ahead of local work says that it
// was its turn, which the P's schedtick must bear out; and when it is its turn,
// nothing may come ahead of what waits there. What the tick says is known once
// one such pull has shown its phase.
func (r *rules) tick(d *model.Dispatch) {
	t := &r.tallies[ruleTick]
	local := d.Beside&model.QueueOwn != 0
	switch {
	case d.Source == model.SourceGlobalTick:
		t.spread.add(int64(d.Time - d.Ready))
		switch {
		case !local || d.Turn < 0: // that it was its turn is the model's guess
			t.applied++
		case d.Turn == 0:
			t.pass(d.Certain)
		default:
			t.fail(d.Time-d.Ready, d.Certain, func() miss {
				return passing(d, "pulled from the global queue ahead of local work %s after its turn", plural(int64(d.Turn), "tick"))
			})
		}
	case d.Source == model.SourceGlobal && local && d.Turn > 0:
		t.fail(d.Time-d.Ready, d.Certain, func() miss {
			return passing(d, "can only have come from the global queue, ahead of local work and %s after its turn", plural(int64(d.Turn), "tick"))
		})
	case d.Turn == 0 && d.Beside&model.QueueGlobal != 0:
		t.fail(d.Time-d.Ready, d.Certain, func() miss {
			return passing(d, "came from %s although it was the global queue's turn", d.Source)
		})
	}
}

// localFirst judges that a P with work of its own takes that.
func (r *rules) localFirst(d *model.Dispatch) {
	t := &r.tallies[ruleLocal]
	switch d.Source {
	case model.SourceRunnext, model.SourceLocal:
		t.pass(d.Certain)
		t.spread.add(int64(d.Queue))
	case model.SourceSteal, model.SourceStealRunnext, model.SourceNetpoll: // of the global queue, tick judges
		if d.Beside&model.QueueOwn != 0 {
			t.fail(d.Time-d.Ready, d.Certain, func() miss {
				return passing(d, "came from %s although P%d had goroutines of its own", d.Source, d.P)
			})
		}
	}
}

// runnext judges that the slot comes before the ring, where both held something.
func (r *rules) runnext(d *model.Dispatch) {
	t := &r.tallies[ruleRunnext]
	switch {
	case d.Source == model.SourceRunnext && d.Beside&model.QueueRing != 0:
		t.pass(d.Certain)
	case d.Source == model.SourceRunnext:
		t.applied++
	case d.Source == model.SourceLocal && d.Beside&model.QueueRunnext != 0:
		t.fail(d.Time-d.Ready, d.Certain, func() miss {
			return passing(d, "came from the ring although another goroutine stood in runnext")
		})
	}
}

// sliceEnds counts a time slice that goroutines shared.
func (r *rules) sliceEnds(p *ruleProc) {
	t := &r.tallies[ruleRunnext]
	if p.shared > 1 {
		t.spread.add(int64(p.shared))
		t.parts[0]++
	}
}

// globalBatch judges the size of a batch by who ran what stood behind its first
// goroutine.
func (r *rules) globalBatch(d *model.Dispatch) {
	t := &r.tallies[ruleGlobal]
	t.spread.add(int64(d.Moved))
	switch {
	case d.DueMax == 0 || d.Queue < 2:
		t.applied++
	case d.Moved >= d.DueMin && d.Moved <= d.DueMax:
		t.pass(d.Certain)
	default:
		t.fail(off(d), d.Certain, func() miss {
			return passing(d, "came in a batch of %d where the queue of %d allowed %s", d.Moved, d.Queue, between(d.DueMin, d.DueMax))
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
	t.spread.add(int64(d.Moved))
	switch {
	case d.DueMax == 0 || d.Queue < 2:
		t.applied++
	case d.Moved >= d.DueMin && d.Moved <= d.DueMax:
		t.pass(d.Certain)
	default:
		t.fail(off(d), d.Certain, func() miss {
			return passing(d, "was number %d in the ring of P%d, of whose %d goroutines a thief takes %s", d.Moved, d.Victim, d.Queue, between(d.DueMin, d.DueMax))
		})
	}
}

// netpoll judges that the poller is asked only when the queues are empty. A
// thread that slept in the poller comes back with a P and looks at no queue.
func (r *rules) netpoll(d *model.Dispatch, p *ruleProc) {
	t := &r.tallies[ruleNetpoll]
	t.parts[0]++
	t.applied-- // it is counted where its wait on the network ended
	t.spread.add(int64(d.Time - d.Ready))
	switch {
	case p.fresh:
		t.applied++
	case d.Beside == 0:
		t.pass(d.Certain)
	default:
		t.fail(d.Time-d.Ready, d.Certain, func() miss {
			return passing(d, "came from the poller although goroutines stood in the queues")
		})
	}
}

// overflow judges a full ring by when its P runs the half that should have left:
// hardly any of it before what was left.
func (r *rules) overflow(o *model.Overflow) {
	t := &r.tallies[ruleOverflow]
	t.spread.add(int64(o.Global))
	switch {
	case o.Early < 0:
		t.applied++
	case o.Early <= ticksInHalf:
		t.pass(false)
	default:
		t.fail(model.Time(o.Early), false, func() miss {
			return miss{o.Time - near, o.Time + near, o.G, o.P, fmt.Sprintf("P%d ran %d of the goroutines itself that its full ring should have given away", o.P, o.Early)}
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
		return fmt.Sprint(least)
	}
	return fmt.Sprintf("%d to %d", least, most)
}

// passing is a dispatch that a rule did not expect.
func passing(d *model.Dispatch, format string, args ...any) miss {
	return miss{d.Time - near, d.Time + near, d.G, d.P, fmt.Sprintf("G%d on P%d ", d.G, d.P) + fmt.Sprintf(format, args...)}
}
