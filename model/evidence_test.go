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

// TestTurn: two pulls ahead of local work, 61 ticks apart, show when it is the
// global queue's turn, the first one's too; 61 ticks later it is again, and what
// waits there is passed by.
func TestTurn(t *testing.T) {
	const some = `
repeat 29
execute g=2 p=0 m=0
goyield g=2 p=0 m=0
execute g=1 p=0 m=0
goyield g=1 p=0 m=0
end
execute g=2 p=0 m=0
`
	f := factsOf(t, `
newproc g=2 p=0 m=0 by=1
newproc g=3 p=0 m=0 by=1
gosched g=1 p=0 m=0
execute g=1 p=0 m=0
goyield g=1 p=0 m=0
execute g=3 p=0 m=0
park g=3 p=0 m=0 reason=sleep
`+some+`
goyield g=2 p=0 m=0
execute g=1 p=0 m=0
gosched g=1 p=0 m=0
execute g=1 p=0 m=0
goyield g=1 p=0 m=0
`+some+`
gosched g=2 p=0 m=0
execute g=1 p=0 m=0
goyield g=1 p=0 m=0
execute g=1 p=0 m=0
park g=1 p=0 m=0 reason=sleep
execute g=2 p=0 m=0
`)
	first, second, last := f.Dispatches[0], f.Dispatches[62], f.Dispatches[len(f.Dispatches)-2]
	if first.Source != model.SourceGlobalTick || first.Turn != 0 || first.Tick != model.TickYes || first.Beside != model.QueueRunnext|model.QueueRing {
		t.Errorf("the first pull: %+v", first)
	}
	if second.Source != model.SourceGlobalTick || second.Beside != model.QueueRing {
		t.Errorf("the second pull: %+v", second)
	}
	if last.G != 1 || last.Turn != 0 || last.Beside != model.QueueGlobal|model.QueueSelf {
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
// though two Ps stood idle before and long after; the thread that took its P was
// new, and is not when it comes back.
func TestSysexitsAndStarts(t *testing.T) {
	f := factsOf(t, `
status-p q=1 state=idle
entersyscall g=1 p=0 m=0
retake q=0 dt=5ms
acquirep q=0 m=1
releasep q=0 m=1 dt=2ms
exitsyscall-nop g=1 m=0 by=1 dt=3ms
acquirep q=0 m=1 dt=20ms
execute g=1 p=0 m=1
`)
	if len(f.Sysexits) != 1 || !f.Sysexits[0].Global || f.Sysexits[0].Idle != 2 {
		t.Errorf("system call exits: %+v", f.Sysexits)
	}
	if len(f.Starts) != 2 || !f.Starts[0].First || f.Starts[1].First || f.Starts[1].Slept != 23_000_000 {
		t.Errorf("starts: %+v", f.Starts)
	}
}

// TestParked: threads that parked when their goroutine did may wait for it, locked,
// until it has run on another one; those that ended with it never come back.
func TestParked(t *testing.T) {
	for _, c := range []struct {
		name, stop, later string
		parked            int32
	}{
		{"may be locked", "park g=$(i+11) p=1 m=$(i+1) reason=sleep", "", 0},
		{"ran elsewhere", "gosched g=$(i+11) p=1 m=$(i+1)", "repeat 2\nexecute g=$(i+11) p=0 m=0\npark g=$(i+11) p=0 m=0 reason=sleep\nend\n", 1},
		{"may have ended", "goexit g=$(i+11) p=1 m=$(i+1)", "", 0},
	} {
		f := factsOf(t, `
status-p q=1 state=idle
newproc g=11 p=0 m=0 by=1
newproc g=12 p=0 m=0 by=1
newproc g=13 p=0 m=0 by=1
repeat 2
acquirep q=1 m=$(i+1)
execute g=$(i+11) p=1 m=$(i+1)
`+c.stop+`
releasep q=1 p=1 m=$(i+1)
end
park g=1 p=0 m=0 reason=sleep
`+c.later+`
acquirep q=1 m=5 dt=1ms
releasep q=1 p=1 m=5 dt=1ms
acquirep q=1 m=6 dt=1ms
`)
		if last := f.Starts[len(f.Starts)-1]; !last.First || last.M != 6 || last.Parked != c.parked {
			t.Errorf("%s: %+v", c.name, last)
		}
	}
}

// TestDueOfBatch: what P0 took along from the global queue shows while it runs the
// first of it: another P gets what is behind.
func TestDueOfBatch(t *testing.T) {
	const queue = `
repeat 5
newproc g=$(i+11) p=0 m=0 by=1
end
park g=1 p=0 m=0 reason=sleep
execute g=15 p=0 m=0
gosched g=15 p=0 m=0
repeat 3
execute g=$(i+11) p=0 m=0
gosched g=$(i+11) p=0 m=0
end
execute g=14 p=0 m=0
park g=14 p=0 m=0 reason=sleep
execute g=15 p=0 m=0
`
	for text, due := range map[string]uint8{
		"acquirep q=1 m=1\nexecute g=13 p=1 m=1\npark g=15 p=0 m=0 reason=sleep\nexecute g=11 p=0 m=0\npark g=11 p=0 m=0 reason=sleep\nexecute g=12 p=0 m=0\n": 3,
		"acquirep q=1 m=1\nexecute g=12 p=1 m=1\npark g=15 p=0 m=0 reason=sleep\nexecute g=11 p=0 m=0\n":                                                       2,
		"park g=15 p=0 m=0 reason=sleep\nexecute g=11 p=0 m=0\nacquirep q=1 m=1\nexecute g=12 p=1 m=1\n":                                                       0, // it may have pulled twice
	} {
		f := factsOf(t, queue+text)
		for _, d := range f.Dispatches {
			if d.Source == model.SourceGlobal && d.G == 15 && (d.DueMin != min(due, 1)*3 || d.DueMax != due) {
				t.Errorf("%s: %+v", text, d)
			}
		}
	}
}
