package model

// Whether it is sure where a P's ring ends and the global queue begins.
//
// A batch is taken off the head of the global queue, and run in the order in which it
// stood there: where one P alone passes a long queue through, the trace looks the same
// whichever batch each goroutine came with. One that was taken for larger than it was,
// or a 61-tick pull taken for a batch, makes all that follow begin too late. So a doubt
// about one batch is one about all after it, until something shows that the ring was
// empty.

// loosen notes that p's ring may end elsewhere than in the model.
func (p *P) loosen() { p.loose = true }

// fasten notes that p's ring ends where it does in the model.
func (p *P) fasten() { p.loose = false }

// mayHold reports whether g, in the global queue, may stand in p's ring already.
func (p *P) mayHold(g *G) bool { return p.loose && g.putSeq <= p.lastIn }

// slackMost is for how many events after a pull that took nobody knows which goroutines
// others are in doubt.
const slackMost = 64

// slackFor reports whether g, in the global queue, stood there while another P took
// nobody knows which ones of those ahead of it.
func (s *Sched) slackFor(g *G) bool {
	return s.slack != 0 && s.cur-s.slack < slackMost && g.putSeq < s.slack
}

// fastenByFound fastens p where what it found shows that its ring was empty: it looks
// there before it polls the network or steals.
func (s *Sched) fastenByFound(p *P, f *found) {
	switch f.source {
	case SourceNetpoll, SourceGCIdle:
		if f.certain {
			p.fasten()
		}
	case SourceSteal:
		if !f.certain {
			p.loosen() // it may have been a batch of its own
		}
	}
}

// fastenByIdling fastens p if it was idle because its thread found nothing, unless that
// gave p away for a goroutine that is locked to another.
func (s *Sched) fastenByIdling(e *entry, g *G, p *P) {
	if p.loose && e.woken && p.foundNone && !s.lockedAnywhere(g) {
		p.fasten()
	}
}

// endsInTurn reports whether p's ring ended ahead of the k-th goroutine in it, which
// batches seemed to have brought there: p takes it in its turn, in which the global queue
// comes first, so that it and those behind it are still in that. They are put back there.
func (s *Sched) endsInTurn(e *entry, p *P, k int) bool {
	if s.trial.scouting || k == 0 {
		return false
	}
	for i := range k {
		if s.comes(p.runq.at(i)).p != p.id {
			return false
		}
	}
	for p.runq.len() > k+1 && s.look(p.runq.at(p.runq.len()-1)).batch != 0 {
		s.returnToGlobal(p.runq.at(p.runq.len() - 1))
	}
	s.diverge(DivergePlace, s.look(e.g), p.id)
	p.lastIn = s.cur
	return true
}
