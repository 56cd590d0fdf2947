package perfetto

import (
	"fmt"
	"slices"
	"strings"
)

// Tracks is a set of what to write.
type Tracks uint16

// What there is to write.
const (
	Ps          Tracks = 1 << iota // which goroutines ran on them
	Ms                             // which P threads held, and their system calls
	Gs                             // states of goroutines
	Tasks                          // tasks, regions and messages of the program
	Collections                    // mark phases, and when the world was stopped
	Counters                       // heap, runnable goroutines, busy Ps
	Flows                          // who made whom runnable: needs Gs
	Decisions                      // where dispatched goroutines came from, handoffs and preemptions: needs Ps
	Findings                       // what gmptrace found

	AllTracks = 1<<iota - 1
)

var spelled = []string{"p", "m", "g", "tasks", "gc", "counters", "flows", "decisions", "findings"}

// TrackNames are the names of all, for ParseTracks.
func TrackNames() []string { return slices.Clone(spelled) }

// ParseTracks is the set of these names.
func ParseTracks(names []string) (Tracks, error) {
	var set Tracks
	for _, name := range names {
		i := slices.Index(spelled, name)
		if i < 0 {
			return 0, fmt.Errorf("%q: need some of %s", name, strings.Join(spelled, ", "))
		}
		set |= 1 << i
	}
	switch {
	case set.Has(Flows) && !set.Has(Gs):
		return 0, fmt.Errorf("flows are arrows between goroutines: add g")
	case set.Has(Decisions) && !set.Has(Ps):
		return 0, fmt.Errorf("decisions are shown on Ps: add p")
	}
	return set, nil
}

// Has reports whether all of x is in the set.
func (t Tracks) Has(x Tracks) bool { return t&x == x }

func (t Tracks) String() string {
	var names []string
	for i, name := range spelled {
		if t.Has(1 << i) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}
