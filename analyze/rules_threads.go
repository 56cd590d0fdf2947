package analyze

import (
	"fmt"

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
	retakeLeast = 20_000     // ns
	retakeMost  = 30_000_000 // ns
)

// handoff judges when a P was taken from a system call.
func (r *rules) handoff(h *model.Handoff) {
	t := &r.tallies[ruleHandoff]
	switch h.Cause {
	case model.HandoffBlocking:
		t.parts[0]++
		t.pass(true)
	case model.HandoffSafepoint:
		t.parts[2]++
		t.applied++
	case model.HandoffRetake:
		t.parts[1]++
		switch {
		case h.After == 0:
			t.applied++
			return
		case h.After <= retakeMost && (h.After >= retakeLeast || r.sliceUsed(h)):
			t.pass(true)
		default:
			t.fail(h.After, true, func() miss {
				return miss{h.Time - h.After, h.Time, h.G, h.P, fmt.Sprintf("P%d retaken %s into the system call of G%d", h.P, dur(int64(h.After)), h.G)}
			})
		}
		t.spread.add(int64(h.After))
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
		t.spread.add(int64(s.Slept))
	case s.Parked == 0:
		t.parts[1]++
		t.applied++
	default:
		t.parts[2]++
		t.fail(model.Time(s.Parked), false, func() miss {
			return miss{s.Time - near, s.Time + near, -1, s.P, fmt.Sprintf("P%d taken up by a thread not seen before while %s parked", s.P, were(int64(s.Parked), "other thread"))}
		})
	}
}

// sysexit judges where a goroutine went that lost its P in a system call.
func (r *rules) sysexit(x *model.Sysexit) {
	t := &r.tallies[ruleSysexit]
	switch {
	case !x.Global:
		t.parts[1]++
		t.pass(true)
	case x.Idle == 0:
		t.parts[2]++
		t.pass(true)
	default:
		t.parts[2]++
		t.fail(model.Time(x.Idle), true, func() miss {
			return miss{x.Time - near, x.Time + near, x.G, -1, fmt.Sprintf("G%d left its system call to the global queue while %s idle", x.G, were(int64(x.Idle), "P"))}
		})
	}
}

// keptP counts a goroutine that left its system call with the P that it went in
// with.
func (r *rules) keptP() {
	t := &r.tallies[ruleSysexit]
	t.parts[0]++
	t.pass(true)
}

// were is "1 P was", "2 Ps were".
func were(n int64, thing string) string {
	if n == 1 {
		return plural(n, thing) + " was"
	}
	return plural(n, thing) + " were"
}
