package rules

import (
	"fmt"

	"gmptrace/analyze/words"
	"gmptrace/model"
)

// The rules on threads and system calls: who holds a P.

func (r *rules) observeThreads(f *model.Facts) {
	for i := range f.Starts {
		r.start(&f.Starts[i])
	}
	for i := range f.Sysexits {
		r.sysexit(&f.Sysexits[i])
	}
}

// When sysmon retakes a P: it must have seen the same system call twice, and
// looks every 20 µs to 10 ms. A P whose time slice is used up it retakes at sight.
// An otherwise idle program may keep its P for 10 ms,
// and two looks more.
//
// Source: proc.go, sysmon and retake.
const (
	retakeLeast = model.SysmonLeast                     // ns
	retakeMost  = model.RetakeIdle + 2*model.SysmonMost // ns
)

// The parts of the rule on handoffs.
const (
	handoffBlocking = iota
	handoffRetake
	handoffLate // of these
	handoffPause
	handoffLocked
)

// handoff judges that a P was not taken from a system call too early. That it was
// taken late may be the machine's doing, and the others are what the trace says.
func (r *rules) handoff(h *model.Handoff) {
	t := &r.tallies[ruleHandoff]
	switch h.Cause {
	case model.HandoffRetake:
		r.retake(t, h)
		return
	case model.HandoffBlocking:
		t.parts[handoffBlocking]++
	case model.HandoffSafepoint:
		t.parts[handoffPause]++
	case model.HandoffLockedM, model.HandoffMExit:
		t.parts[handoffLocked]++
	}
	t.applied++
}

func (r *rules) retake(t *tally, h *model.Handoff) {
	t.parts[handoffRetake]++
	if h.After > 0 {
		t.spread.Add(int64(h.After))
	}
	early := h.After < retakeLeast
	switch {
	case h.After == 0, early && r.at(h.P).shared == 0: // it may have used up its slice
		t.applied++
	case h.After > retakeMost:
		t.parts[handoffLate]++
		t.applied++
	case !early, r.sliceUsed(h):
		t.pass(true)
	default:
		t.fail(retakeLeast-h.After, true, func() miss {
			return miss{h.Time - h.After, h.Time, h.G, h.P, fmt.Sprintf("P%d retaken %s into the system call of G%d", h.P, words.Length(int64(h.After)), h.G)}
		})
	}
}

// sliceUsed reports whether the P had its slice used up when it was retaken.
func (r *rules) sliceUsed(h *model.Handoff) bool {
	p := r.at(h.P)
	return p.shared > 0 && h.Time-p.slice >= sliceLeast
}

// start judges that a parked thread is taken before a new one is made. A thread
// seen for the first time may have been parked since before the trace.
func (r *rules) start(s *model.Start) {
	t := &r.tallies[ruleThreads]
	switch {
	case !s.First:
		t.parts[0]++
		t.pass(true)
		t.spread.Add(int64(s.Slept))
	case s.Parked == 0:
		t.parts[1]++
		t.applied++
	default:
		t.parts[2]++
		t.fail(model.Time(s.Parked), false, func() miss {
			return miss{s.Time - near, s.Time + near, -1, s.P, fmt.Sprintf("P%d taken up by a thread not seen before while %s parked", s.P, words.Were(int64(s.Parked), "other thread"))}
		})
	}
}

// sysexit judges where a goroutine went that lost its P in a system call.
func (r *rules) sysexit(x *model.Sysexit) {
	t := &r.tallies[ruleSysexit]
	part := 2
	if !x.Global {
		part = 1
	}
	t.parts[part]++
	switch {
	case x.Global && x.Idle > 0:
		t.fail(model.Time(x.Idle), false, func() miss {
			return miss{x.Time - near, x.Time + near, x.G, -1, fmt.Sprintf("G%d left its system call to the global queue while %s idle", x.G, words.Were(int64(x.Idle), "P"))}
		})
	case x.Global && x.Idle < 0:
		t.applied++
	default:
		t.pass(true)
	}
}

// keptP counts a goroutine that left its system call with the P that it went in
// with: the trace could not show it otherwise.
func (r *rules) keptP() {
	t := &r.tallies[ruleSysexit]
	t.parts[0]++
	t.applied++
}
