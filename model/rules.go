package model

import "fmt"

// Rules are what differs between the schedulers of Go versions, and the
// constants that do not. They were read from runtime/proc.go and
// runtime/traceruntime.go of Go 1.22 to 1.26.
type Rules struct {
	Minor int // of the Go version: 26 for Go 1.26

	// PreemptToRunnext: a goroutine preempted while a stop-the-world is pending
	// goes to runnext instead of the global queue.
	// Source: proc.go, goschedImpl, Go 1.26.
	PreemptToRunnext bool

	// GoyieldHidden: the stack of a goyield does not show runtime.goyield but
	// begins at runtime.semrelease1.
	// Source: observed, Go 1.22 to 1.24.
	GoyieldHidden bool
}

// Constants of every version covered.
const (
	tickPeriod   = 61  // proc.go, findRunnable: schedtick%61
	runqSize     = 256 // runtime2.go, p.runq
	globBatchMax = 128 // proc.go, globrunqgetbatch and globrunqget: len(pp.runq)/2
)

// OldestRules and NewestRules are the Go minor versions whose schedulers the
// model knows; others are replayed by the nearest of them.
const (
	OldestRules = 22
	NewestRules = 26
)

// RulesFor are the rules of Go 1.minor. Versions outside those known get the
// nearest ones.
func RulesFor(minor int) Rules {
	minor = min(max(minor, OldestRules), NewestRules)
	return Rules{
		Minor:            minor,
		PreemptToRunnext: minor >= 26,
		GoyieldHidden:    minor < 25,
	}
}

// String is the Go version: "1.26".
func (r Rules) String() string { return fmt.Sprintf("1.%d", r.Minor) }
