package model_test

import (
	"testing"

	"gmptrace/fixtures/scenario"
	"gmptrace/model"
)

// factsOf is what the model says of events written as text, on two Ps.
func factsOf(t *testing.T, text string) *model.Facts {
	t.Helper()
	lines, err := scenario.Expand("gomaxprocs n=2\nstatus-p q=0 m=0 p=0 state=held\nstatus-g g=1 m=0 p=0 by=1 state=running\n" + text)
	if err != nil {
		t.Fatal(err)
	}
	var in scenario.Reader
	s := model.New(model.RulesFor(26), 0)
	for _, line := range lines {
		ev, err := in.Parse(line)
		if err != nil {
			t.Fatal(err)
		}
		s.Step(&ev)
	}
	s.Drain()
	return &s.Facts
}

// TestDueOfSteal: half of the ring, rounded up, where thief and victim show
// which goroutines were taken; with nothing behind the stolen ones seen to stay,
// it is not known.
func TestDueOfSteal(t *testing.T) {
	const ring = `
repeat 5
newproc g=$(i+11) p=0 m=0 by=1
end
acquirep q=1 m=1
execute g=12 p=1 m=1
park g=12 p=1 m=1 reason=sleep
execute g=11 p=1 m=1
`
	d := factsOf(t, ring+"park g=1 p=0 m=0 reason=sleep\nexecute g=15 p=0 m=0\npark g=15 p=0 m=0 reason=sleep\nexecute g=13 p=0 m=0\n").Dispatches[0]
	if d.Source != model.SourceSteal || d.Queue != 4 || d.Moved != 2 || d.DueMin != 2 || d.DueMax != 2 {
		t.Errorf("half of four: %+v", d)
	}
	if d := factsOf(t, ring).Dispatches[0]; d.DueMax != 0 {
		t.Errorf("nothing shows where the stolen ones end: %+v", d)
	}
}

// TestTurn: a pull ahead of local work shows when it is the global queue's turn;
// 61 ticks later it is again, and what waits there is passed by.
func TestTurn(t *testing.T) {
	f := factsOf(t, `
newproc g=2 p=0 m=0 by=1
newproc g=3 p=0 m=0 by=1
gosched g=1 p=0 m=0
execute g=1 p=0 m=0
goyield g=1 p=0 m=0
execute g=3 p=0 m=0
park g=3 p=0 m=0 reason=sleep
execute g=2 p=0 m=0
goyield g=2 p=0 m=0
execute g=1 p=0 m=0
goyield g=1 p=0 m=0
repeat 28
execute g=2 p=0 m=0
goyield g=2 p=0 m=0
execute g=1 p=0 m=0
goyield g=1 p=0 m=0
end
execute g=2 p=0 m=0
gosched g=2 p=0 m=0
execute g=1 p=0 m=0
goyield g=1 p=0 m=0
execute g=1 p=0 m=0
park g=1 p=0 m=0 reason=sleep
execute g=2 p=0 m=0
`)
	first, last := f.Dispatches[0], f.Dispatches[len(f.Dispatches)-2]
	if first.Source != model.SourceGlobalTick || first.Turn != -1 || first.Beside != model.QueueRunnext|model.QueueRing {
		t.Errorf("the first pull: %+v", first)
	}
	if last.G != 1 || last.Turn != 0 || last.Beside != model.QueueGlobal {
		t.Errorf("61 ticks later: %+v", last)
	}
}

// TestOverflowNoted: the goroutine that does not fit is told, with the queue's
// length and that none of those given away ran early.
func TestOverflowNoted(t *testing.T) {
	f := factsOf(t, `
repeat 258
newproc g=$(i+1000) p=0 m=0 by=1
end
park g=1 p=0 m=0 reason=sleep
execute g=1257 p=0 m=0
park g=1257 p=0 m=0 reason=sleep
execute g=1128 p=0 m=0
`)
	if len(f.Overflows) != 1 || f.Overflows[0].G != 1256 || f.Overflows[0].Global != 129 || f.Overflows[0].Early != 0 {
		t.Errorf("overflows: %+v", f.Overflows)
	}
}

// TestSysexitsAndStarts: a goroutine that lost its P goes to the global queue,
// though a P stood idle before and long after; the thread that took its P was
// new, and is not when it comes back.
func TestSysexitsAndStarts(t *testing.T) {
	f := factsOf(t, `
status-p q=1 state=idle
entersyscall g=1 p=0 m=0
retake q=0 dt=5ms
acquirep q=0 m=1
releasep q=0 m=1 dt=2ms
exitsyscall-nop g=1 m=0 by=1 dt=3ms
acquirep q=0 m=1 dt=4ms
execute g=1 p=0 m=1
`)
	if len(f.Sysexits) != 1 || !f.Sysexits[0].Global || f.Sysexits[0].Idle != 1 {
		t.Errorf("system call exits: %+v", f.Sysexits)
	}
	if len(f.Starts) != 2 || !f.Starts[0].First || f.Starts[1].First || f.Starts[1].Slept != 7_000_000 {
		t.Errorf("starts: %+v", f.Starts)
	}
}
