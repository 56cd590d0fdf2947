package diagnose

import (
	"gmptrace/analyze/names"
	"gmptrace/analyze/words"
)

// maxStages is how many stages of a pipeline are followed from one to the next.
const maxStages = 16

// downstream is the stage of a pipeline that those before it wait for in the end, and what
// it mostly does, where.
type downstream struct {
	*stage
	most  stageTime
	doing *names.Place // nil where it does not show
}

// behind is, of a stage that mostly waits to send itself, the one that this is about in the
// end: nil where it does anything else, or where that does not show.
func (w *stages) behind(places *names.Places, s *stage) *downstream {
	joined := w.joined(places)
	for n := range maxStages {
		most, doing := s.mostly(places)
		if most != stageSends {
			if n == 0 || 2*s.did[stageReceives] >= s.total() { // it waits for more
				return nil
			}
			return &downstream{s, most, doing}
		}
		if s = receiverAt(joined, places, s.fn, doing); s == nil {
			return nil
		}
	}
	return nil // a ring
}

// receiverAt is the stage that receives what goroutines of a function send at a place.
func receiverAt(joined []*sendPlace, places *names.Places, fn uint32, at *names.Place) *stage {
	for _, p := range joined {
		if at != nil && p.fn == fn && places.Of(p.stack).At == at.At {
			return p.receivedBy()
		}
	}
	return nil
}

// servedBehind is what those who serve a queue wait for in the end to hand on what they
// took, nil where they do not wait for that.
func (r *queueJudge) servedBehind(p *queuePlace) *downstream {
	by := p.by()
	if p.known != nil || by == 0 || p.byEachOther*2 >= p.letIn {
		return nil
	}
	for _, s := range r.stages.stages {
		if s.fn == r.Names.Start[by] {
			return r.stages.behind(r.places, s)
		}
	}
	return nil
}

// inTheEnd says for whom those wait who serve a queue, after who they are.
func (r *queueJudge) inTheEnd(behind *downstream) string {
	if behind == nil {
		return ""
	}
	who, does := behind.who(&r.bench, r.places)
	return ", who wait in turn for " + who + ", which " + does
}

// who is the receiver's function, and what it mostly does.
func (d *downstream) who(b *bench, places *names.Places) (fn, does string) {
	return receiverName(b, places, d.stage), d.does(b.Names, d.most, d.doing)
}

// receiverName is the function of the program that receives.
func receiverName(b *bench, places *names.Places, s *stage) string {
	if p := places.Of(s.stack); p != nil {
		return words.Function(p.At.Func)
	}
	return words.Function(b.Names.Funcs[s.fn])
}

// does is what receivers mostly do, after who they are.
func (s *stage) does(n *names.Table, most stageTime, doing *names.Place) string {
	in := ""
	if doing != nil {
		in = " in " + placeName(&doing.At)
	}
	switch most {
	case stageRuns:
		return "computes" + in
	case stageRunnable:
		return "waits for a P"
	case stageSyscall:
		return s.call(n).Does() + in
	case stageNetwork:
		return "waits for the network" + in
	case stageSleeps:
		return "sleeps" + in
	case stageLock:
		return "waits for a lock" + in
	}
	return "is blocked" + in
}
