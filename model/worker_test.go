package model

import "testing"

// Go 1.26 leaves the mode of a mark worker that a P was promised and gave back, so that
// whoever it starts next has the label. Only who shows no stack of its own is taken for
// a worker by it.
func TestLabelOfAnother(t *testing.T) {
	const own, start = 5, 7 // stacks
	s := New(RulesFor(26), 0)
	for i, e := range []Event{
		{Op: OpNewproc, Subject: 3, G: 1, Stack: start},
		{Op: OpExecute, Subject: 3, G: NoG},
		{Op: OpLabel, G: 3, Flags: FlagDedicated},
		{Op: OpPark, Subject: 3, G: 3, Stack: own, Flags: FlagStack},
		{Op: OpReady, Subject: 2, G: NoG}, // by a poll: it has waited since before the trace
		{Op: OpExecute, Subject: 2, G: NoG},
		{Op: OpLabel, G: 2, Flags: FlagDedicated},
		{Op: OpPark, Subject: 2, G: 2, Stack: own, Flags: FlagStack},
		{Op: OpReady, Subject: 4, G: NoG},
		{Op: OpExecute, Subject: 4, G: NoG},
		{Op: OpLabel, G: 4, Flags: FlagDedicated},
	} {
		e.Time = Time(i + 1)
		s.Step(&e)
	}
	for id, want := range map[GoID]bool{3: false, 2: false, 4: true} {
		if got := s.gs.at(s.gs.find(id)).roles&roleWorker != 0; got != want {
			t.Errorf("G%d is taken for a mark worker: %v, want %v", id, got, want)
		}
	}
}
