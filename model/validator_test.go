package model

import "testing"

// validator checks the model's invariants from outside. It shares no code with
// Sched: it keeps its own, naive account of every goroutine's life from the
// events, and looks at the model's state and facts.
type validator struct {
	t     testing.TB
	began map[GoID]Time   // first shown
	ended map[GoID]Time   // exited
	first Time            // event of the trace
	last  Time            // event read
	sum   map[GoID]Time   // of its stretches
	upto  map[GoID]Time   // end of its last stretch
	pUpto map[ProcID]Time // end of a P's last stretch
	broke bool            // events were lost: lives are not whole
}

func newValidator(t testing.TB) *validator {
	return &validator{t: t, began: map[GoID]Time{}, ended: map[GoID]Time{}, first: -1,
		sum: map[GoID]Time{}, upto: map[GoID]Time{}, pUpto: map[ProcID]Time{}}
}

// before notes an event that is about to be read.
func (v *validator) before(ev *Event) {
	if v.first < 0 {
		v.first = ev.Time
	}
	v.last = ev.Time
	id := GoID(ev.Subject)
	switch ev.Op {
	case OpNewproc, OpNewprocBlocked, OpNewprocSyscall:
		v.began[id] = ev.Time
	case OpExecute, OpPark, OpGosched, OpReady, OpGoexit, OpGoexitSyscall, OpEntersyscall, OpExitsyscall, OpExitsyscallNoP, OpGoStatus:
		if _, known := v.began[id]; !known {
			v.began[id] = v.first
		}
		if ev.Op == OpGoexit || ev.Op == OpGoexitSyscall {
			v.ended[id] = ev.Time
		}
	case OpGeneration:
		v.broke = v.broke || ev.Arg != 0
	}
}

// after checks the state, and the facts since they were last reset.
func (v *validator) after(s *Sched) {
	v.state(s)
	v.stretches(&s.Facts)
}

// state checks the state after a step.
func (v *validator) state(s *Sched) {
	v.places(s)
	v.holders(s)
	v.counts(s)
}

// places: a goroutine is in at most one place, and knows which.
func (v *validator) places(s *Sched) {
	where := map[gref]string{}
	put := func(r gref, name string, kind placeKind, p ProcID) {
		if other, twice := where[r]; twice {
			v.t.Fatalf("G%d is in %s and in %s", s.g(r).id, other, name)
		}
		where[r] = name
		if g := s.g(r); g.place != kind || kind != placeGlobal && g.p != p {
			v.t.Fatalf("G%d is in %s of P%d but thinks to be in place %d of P%d", g.id, name, p, g.place, g.p)
		}
	}
	for _, p := range s.ps {
		if p == nil {
			continue
		}
		if p.runnext != 0 {
			put(p.runnext, "runnext", placeRunnext, p.id)
		}
		if p.runq.tail-p.runq.head > RunqSize {
			v.t.Fatalf("P%d's ring holds %d", p.id, p.runq.tail-p.runq.head)
		}
		for i := p.runq.head; i != p.runq.tail; i++ {
			put(p.runq.q[i%RunqSize], "ring", placeRing, p.id)
		}
	}
	n := 0
	first := s.globq.head // of the run of holes at hand
	for pos := s.globq.head; pos < s.globq.tail; pos++ {
		r := s.globq.buf[pos&int64(len(s.globq.buf)-1)]
		if r <= 0 {
			if end := pos + 1 + r.ahead(); r == 0 || end >= s.globq.tail || s.globq.at(end-1) > 0 {
				v.t.Fatalf("the hole at %d says that holes end at %d", pos, end)
			}
			continue
		}
		if holes := pos - first; holes > 0 && (s.globq.at(first).ahead() != holes-1 || s.globq.at(pos-1).back() != holes-1) {
			v.t.Fatalf("%d holes from %d on say %d and %d", holes, first, s.globq.at(first), s.globq.at(pos-1))
		}
		first = pos + 1
		n++
		put(r, "global queue", placeGlobal, NoP)
		if s.g(r).pos != pos {
			v.t.Fatalf("G%d stands at %d and thinks %d", s.g(r).id, pos, s.g(r).pos)
		}
	}
	if n != s.globq.n {
		v.t.Fatalf("the global queue holds %d and counts %d", n, s.globq.n)
	}
}

// holders: a P and the M that holds it know each other; no goroutine runs twice.
func (v *validator) holders(s *Sched) {
	running := map[gref]ProcID{}
	for _, p := range s.ps {
		if p == nil || p.does == PDoesIdle {
			continue
		}
		if p.m >= 0 && s.ms[p.m].p != p.id {
			v.t.Fatalf("P%d is held by M%d, which holds P%d", p.id, p.m, s.ms[p.m].p)
		}
		if p.does == PDoesRun || p.does == PDoesSyscall {
			if p.g == 0 {
				continue // not shown yet
			}
			if other, twice := running[p.g]; twice {
				v.t.Fatalf("G%d runs on P%d and P%d", s.g(p.g).id, other, p.id)
			}
			running[p.g] = p.id
		}
	}
}

// counts: what the model counts is what there is.
func (v *validator) counts(s *Sched) {
	runnable, held := 0, 0
	for r := gref(1); r <= s.gs.used; r++ {
		if g := s.g(r); g.id != NoG && g.seen && g.state == GRunnable {
			runnable++
		}
	}
	for _, p := range s.ps {
		if p != nil && p.does != PDoesIdle {
			held++
		}
	}
	if runnable != s.runnable || held != s.running {
		v.t.Fatalf("%d runnable, counted %d; %d Ps held, counted %d", runnable, s.runnable, held, s.running)
	}
}

// stretches: those of a goroutine or P follow each other without overlap, those
// of a goroutine without gaps.
func (v *validator) stretches(f *Facts) {
	for _, iv := range f.Gs {
		if iv.End < iv.Start {
			v.t.Fatalf("G%d: stretch ends %d before it begins %d", iv.G, iv.End, iv.Start)
		}
		if at, known := v.upto[iv.G]; known && at != iv.Start {
			v.t.Fatalf("G%d: stretch begins at %d, the one before it ended at %d", iv.G, iv.Start, at)
		}
		v.upto[iv.G] = iv.End
		v.sum[iv.G] += iv.End - iv.Start
	}
	for _, iv := range f.Ps {
		if iv.Start < v.pUpto[iv.P] || iv.End <= iv.Start {
			v.t.Fatalf("P%d: stretch %d to %d, the one before it ended at %d", iv.P, iv.Start, iv.End, v.pUpto[iv.P])
		}
		v.pUpto[iv.P] = iv.End
	}
}

// lives: after Close, every goroutine's stretches sum to its life, exactly.
func (v *validator) lives() {
	if v.broke {
		return
	}
	for id, from := range v.began {
		to, exited := v.ended[id]
		if !exited {
			to = v.last
		}
		if v.sum[id] != to-from {
			v.t.Fatalf("G%d lived %d ns, its stretches sum to %d", id, to-from, v.sum[id])
		}
	}
}
