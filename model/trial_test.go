package model

import (
	"fmt"
	"math/rand"
	"strings"
	"testing"
)

// whole is all that a trial could change, as text.
func (s *Sched) whole() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%+v head=%d facts=%+v depth=%d\n", s.progress, s.ahead.head, s.Facts.counts(), s.trial.depth)
	for r := gref(1); r <= s.gs.used; r++ {
		g := *s.gs.at(r)
		g.kept = 0
		fmt.Fprintf(&out, "%d %+v\n", r, g)
	}
	for _, p := range s.ps {
		if p != nil && (p.seen || p.opTail != 0 || p.runTail != 0) {
			q := *p
			q.kept, q.runq = 0, ring{}
			fmt.Fprintf(&out, "%+v ring:", q)
			for i := range p.runq.len() {
				fmt.Fprintf(&out, " %d", p.runq.at(i))
			}
			out.WriteByte('\n')
		}
	}
	for pos := s.globq.head; pos < s.globq.tail; pos++ {
		fmt.Fprintf(&out, "%d:%d ", pos, s.globq.at(pos))
	}
	for _, m := range s.ms {
		m.kept = 0
		fmt.Fprintf(&out, "%+v\n", m)
	}
	for seq := s.ahead.head; seq < s.ahead.tail; seq++ {
		fmt.Fprintf(&out, "%d ahead: %+v\n", seq, *s.ahead.at(seq))
	}
	return out.String()
}

// TestTrialLeavesNothing: after a trial, and one inside it, the model is what it
// was before, whatever was decided meanwhile.
func TestTrialLeavesNothing(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	s := New(RulesFor(26), 64)
	now := Time(0)
	for range 20_000 {
		now += Time(rnd.Intn(400))
		ev := Event{Time: now, Op: []Op{OpNewproc, OpExecute, OpExecute, OpGosched, OpGosched, OpPark, OpReady, OpGoexit,
			OpEntersyscall, OpExitsyscallNoP, OpAcquirep, OpReleasep}[rnd.Intn(12)],
			Subject: int64(rnd.Intn(12)), G: GoID(rnd.Intn(12)) - 1, P: ProcID(rnd.Intn(3)), M: MIndex(rnd.Intn(3)), Reason: ReasonGosched, Flags: FlagStack}
		s.Step(&ev)
		if rnd.Intn(50) > 0 || s.ahead.head == s.ahead.tail {
			continue
		}
		before := s.whole()
		m := s.begin()
		s.trial.until, s.trial.agreed = s.ahead.tail, 1<<20
		s.trial.budget = 1 + rnd.Intn(20)
		s.follow()
		inside := s.whole()
		n := s.begin()
		s.trial.budget = 1 << 20
		s.follow()
		s.undo(&n)
		if after := s.whole(); after != inside {
			t.Fatalf("the trial inside left\n%s", difference(inside, after))
		}
		s.undo(&m)
		if after := s.whole(); after != before {
			t.Fatalf("the trial left\n%s", difference(before, after))
		}
	}
}

// difference is the first line in which b is not a.
func difference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range y {
		if i >= len(x) || x[i] != y[i] {
			return y[i] + "\nwhere there was\n" + x[min(i, len(x)-1)]
		}
	}
	return "less than there was"
}

// TestPhaseVotes: a phase holds against single hits elsewhere, is given up for
// one that outweighs it, and for none after as many misses.
func TestPhaseVotes(t *testing.T) {
	h := noPhase
	for _, step := range []struct {
		hit    int // residue; -1 is a miss
		weight int // 0 is a rumour
		want   int
	}{
		{9, 0, -1}, {17, 0, -1}, // rumours at two places say nothing
		{5, weakHit, 5}, {5, weakHit, 5}, // seen twice
		{17, weakHit, 5}, {5, weakHit, 5}, // once elsewhere
		{17, weakHit, 5}, {17, strongHit, 17}, // more often than it
		{-1, 0, 17}, {-1, 0, 17}, {-1, 0, 17}, {-1, 0, 5}, // refuted: the rival takes its place
		{-1, 0, 5}, {-1, 0, 5}, {-1, 0, -1},
		{9, 0, -1}, {9, 0, 9}, // two rumours at one place
		{17, 0, 9}, {17, 0, 9}, {17, 0, 17},
	} {
		switch {
		case step.hit < 0:
			h.miss()
		case step.weight == 0:
			h.rumour(step.hit)
		default:
			h.hit(step.hit, step.weight)
		}
		if h.at != step.want {
			t.Errorf("after %+v: phase %d, want %d (%+v)", step, h.at, step.want, h)
		}
	}
}

// TestFreshPhase: what little a fresh P may have run before is settled by one hit, or
// a rumour of one. Elsewhere that it is fresh holds against a weak hit, not against a
// strong one; and where it was passed by, it is none of the places.
func TestFreshPhase(t *testing.T) {
	if f := freshPhase; f.hit(9, weakHit) || f.at != 0 {
		t.Errorf("a weak hit refutes that a P is fresh: %+v", f)
	}
	if f := freshPhase; !f.hit(9, strongHit) || f.at != 9 {
		t.Errorf("a strong hit does not refute that a P is fresh: %+v", f)
	}
	for _, was := range []phase{freshPhase, firstPhase} {
		if f := was; !f.rumour(58) || f.at != 58 || f.may != 0 {
			t.Errorf("a rumour does not settle that it ran a few: %+v", f)
		}
		if f := was; !f.hit(58, strongHit) || f.votes < votesKnown {
			t.Errorf("a strong hit does not settle that it ran a few: %+v", f)
		}
	}
	p := P{phase: freshPhase, tick: 60}
	if p.inTurn() || p.outOfTurn() {
		t.Errorf("at tick 60 a fresh P is known to be in its turn or out of it")
	}
	p.phase.miss()
	if p.tick = 61; p.inTurn() || p.phase.rumour(0) || !p.phase.rumour(60) {
		t.Errorf("passed by at tick 0, a fresh P is believed to be in its turn at 61, or not at 60: %+v", p.phase)
	}
}

// TestDrifted: a phase that was known gives way to two pulls elsewhere, where none has
// borne it out since.
func TestDrifted(t *testing.T) {
	s := New(RulesFor(26), 0)
	p := s.p(0)
	p.phase.settle(5, votesMost)
	p.tick, p.hitTick = 5+3*TickPeriod-1, 5
	if s.hit(p, weakHit) || p.phase.at != 5 {
		t.Errorf("after one pull elsewhere: %+v", p.phase)
	}
	if p.tick += TickPeriod; !s.hit(p, weakHit) || p.phase.at != 4 {
		t.Errorf("after two: %+v", p.phase)
	}
}
