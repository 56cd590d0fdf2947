package model

// trial is what it takes to run ahead and come back: while one is open, every
// G, P and M is copied before it is first changed, every slot of the global
// queue is noted, and the rest is copied whole. Trials nest.
//
// The model asks "what if" with them: it supposes something, decides the events
// that follow, counts what the trace contradicts, and takes everything back.
type trial struct {
	depth  int
	epoch  uint32 // of the innermost trial; 0 outside of any
	last   uint32 // epoch given out last
	agreed int    // divergences before the outermost trial
	until  uint64 // event at which the trials end

	gs                    []keptG
	ps                    []keptP
	ms                    []keptM
	log                   slots
	nextScout, scoutEvery uint64  // event before which looking ahead for phases again is of no use, and the distance
	budget                int     // events left to decide for the question being asked
	steps                 int     // events ever decided in trials
	scouting              bool    // the innermost trial looks for phases: nothing is tried inside
	over                  bool    // a trial inside has come to its end, and so has this one
	differs               bool    // asRun would have made a difference to the batch supposed last
	outlook               outlook // what it led to
	rivals                int     // suppositions that were not refuted
	settled               bool    // nothing but what was chosen last explains the pull
}

type keptG struct {
	at  *G
	was G
}

type keptP struct {
	at  *P
	was P
}

type keptM struct {
	at  *M
	was M
}

// mark is the state at the beginning of a trial.
type mark struct {
	gs, ps, ms, slots int
	epoch             uint32
	progress          progress
	globq             globq
	head              uint64
	facts             factCounts
}

// begin opens a trial.
func (s *Sched) begin() mark {
	t := &s.trial
	m := mark{gs: len(t.gs), ps: len(t.ps), ms: len(t.ms), slots: len(t.log.kept), epoch: t.epoch,
		progress: s.progress, globq: s.globq, head: s.ahead.head, facts: s.Facts.counts()}
	t.depth++
	t.log.on = true
	t.last++
	t.epoch = t.last
	return m
}

// undo takes back all that happened since the trial began, and closes it.
func (s *Sched) undo(m *mark) {
	t := &s.trial
	t.log.undo(m.slots)
	for i := len(t.gs) - 1; i >= m.gs; i-- {
		*t.gs[i].at = t.gs[i].was
	}
	for i := len(t.ps) - 1; i >= m.ps; i-- {
		*t.ps[i].at = t.ps[i].was
	}
	for i := len(t.ms) - 1; i >= m.ms; i-- {
		*t.ms[i].at = t.ms[i].was
	}
	t.gs, t.ps, t.ms = t.gs[:m.gs], t.ps[:m.ps], t.ms[:m.ms]
	s.progress, s.globq, s.ahead.head = m.progress, m.globq, m.head
	s.Facts.cut(m.facts)
	t.depth--
	t.log.on = t.depth > 0
	t.epoch = m.epoch
}

func (s *Sched) keepG(g *G) {
	s.trial.gs = append(s.trial.gs, keptG{g, *g})
	g.kept = s.trial.epoch
}

func (s *Sched) keepP(p *P) {
	s.trial.ps = append(s.trial.ps, keptP{p, *p})
	p.kept = s.trial.epoch
}

func (s *Sched) keepM(m *M) {
	s.trial.ms = append(s.trial.ms, keptM{m, *m})
	m.kept = s.trial.epoch
}
