package diagnose

import (
	"fmt"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/model"
)

// calls answers: for how long did system calls hold Ps that were then retaken, by the
// stack that made them?
type calls struct {
	held map[uint32]int64 // ns
}

func newCalls(*replay.Session) *calls { return &calls{held: map[uint32]int64{}} }

func (c *calls) Watch(f *model.Facts) {
	for i := range f.Handoffs {
		if x := &f.Handoffs[i]; x.Cause == model.HandoffRetake {
			c.held[x.Stack] += int64(x.After)
		}
	}
}

// made is a line in which calls were made, and the share of what all held that they did.
type made struct {
	at    string
	share float64
}

// mostly is the function whose calls held most of the retaken time, with its line; false
// where none did.
func (c *calls) mostly(b bench) (made, bool) {
	var all int64
	for _, ns := range c.held {
		all += ns
	}
	top := topPlaces(b.Names.Places(), c.held)
	if len(top) == 0 || 2*top[0].n <= all {
		return made{}, false
	}
	return made{top[0].name, float64(top[0].n) / float64(all)}, true
}

// advice is what to do about the calls that held most of the retaken time, "" where nothing is
// known of them.
func (c *calls) advice(b bench) string {
	by := map[*names.Call]int64{}
	for stack, ns := range c.held {
		by[names.CallOf(b.Names.Stacks[stack])] += ns
	}
	if c := mostCalled(by); c != nil {
		return c.Advice
	}
	return ""
}

// mostCalled is the kind of calls that took more than half of the time, nil for none or such
// of which nothing is known.
func mostCalled(by map[*names.Call]int64) *names.Call {
	var all int64
	for _, ns := range by {
		all += ns
	}
	for k, ns := range by {
		if 2*ns > all {
			return k
		}
	}
	return nil
}

// advice is what to do about calls made there.
func (m made) advice() string {
	return fmt.Sprintf("Make fewer or shorter calls in %s, or bound how many run at once there: each takes a P until sysmon notices, and a thread for as long as it lasts.", m.at)
}
