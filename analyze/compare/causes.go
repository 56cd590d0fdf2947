package compare

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// CauseKind is what the time of an instance went to.
type CauseKind string

// The kinds of causes.
const (
	CauseRunning   CauseKind = "running"
	CauseCollector CauseKind = CauseKind(report.BlockedCollector) // marking or sweeping for the collector, or waiting for it
	CauseQueue     CauseKind = "queue"
	CauseLock      CauseKind = CauseKind(report.BlockedLock)
	CauseChannel   CauseKind = CauseKind(report.BlockedChannel)
	CauseNetwork   CauseKind = CauseKind(report.BlockedNetwork)
	CauseSyscall   CauseKind = "syscall"
	CauseSleep     CauseKind = CauseKind(report.BlockedSleep)
	CauseOther     CauseKind = CauseKind(report.BlockedOther) // waiting for something else
	CauseNotKnown  CauseKind = "not-known"                    // too long ago, or the trace does not tell
)

// Causes is where the time of a Series went: what the goroutine that each instance is of
// did meanwhile, over all instances that could be looked at.
type Causes struct {
	Kind      SeriesKind `json:"kind"`
	Name      string     `json:"name"`
	Instances int64      `json:"instances"`
	Ended     []int64    `json:"ended"`               // of the instances, by window
	Causes    []Cause    `json:"causes"`              // most first; those without a place, and of the others the first mostPlaces
	Rest      int64      `json:"rest_ns"`             // of all other places, mean
	Seen      *Seen      `json:"seen,omitempty"`      // of cycles, computing and requests that only compute; nil where it does not show
	NoCPU     int64      `json:"no_cpu_ns,omitempty"` // mean: of the time of all causes, what passed without a CPU; 0 too where the machine was not asked
}

// Cause is a part of the time of instances.
type Cause struct {
	Kind CauseKind `json:"cause"`
	Func string    `json:"func,omitempty"` // of the program, where it waited; "" where that does not show
	File string    `json:"file,omitempty"`
	Line uint64    `json:"line,omitempty"` // of those in the function the one with the most time
	Call string    `json:"call,omitempty"` // what the function called there
	NS   int64     `json:"mean_ns"`

	// Windows are the ns in all instances that ended in each window; nil of what is not held.
	Windows []int64 `json:"windows_ns,omitempty"`
}

// key is what a cause has in common with itself in a trace of another build: lines move.
func (c *Cause) key() [2]string { return [2]string{string(c.Kind), c.Func} }

// Text says what a cause is, and where.
func (c *Cause) Text() string {
	if c.Func == "" {
		return c.did()
	}
	return fmt.Sprintf("%s in %s (%s:%d)", c.did(), words.Function(c.Func), c.File, c.Line)
}

func (c *Cause) did() string {
	switch c.Kind {
	case CauseRunning:
		if c.Func != "" {
			return "running until it stopped"
		}
		return "running"
	case CauseCollector:
		return "working for the garbage collector, or waiting for it"
	case CauseQueue:
		return "waiting for a P"
	case CauseLock:
		return "waiting for " + lockNamed(c.Call)
	case CauseChannel:
		return "waiting for a channel"
	case CauseNetwork:
		return "waiting for the network"
	case CauseSyscall:
		return "in a system call"
	case CauseSleep:
		return "sleeping"
	case CauseNotKnown:
		return "what the trace does not tell"
	}
	return "blocked"
}

// lockNamed says what is waited for in a call.
func lockNamed(call string) string {
	for part, name := range map[string]string{"Mutex)": "the mutex", "WaitGroup)": "the wait group", "Cond)": "the condition variable", "Once)": "the sync.Once"} {
		if strings.HasPrefix(call, "sync.(") && strings.Contains(call, part) {
			return name
		}
	}
	return "a lock, semaphore or wait group"
}

// CauseChange is how much more of the time of a mean instance goes to a cause.
type CauseChange struct {
	Cause          // as among the new ones or, if it is not there, the old ones; NS is that of new
	Old   int64    `json:"old_ns"` // mean
	Fresh bool     `json:"fresh"`  // not among the old ones, nor hidden in their rest
	Of    [2]int64 `json:"of"`     // instances, old and new
}

// Grown is by how much, in ns; less than 0 if it has shrunk.
func (c *CauseChange) Grown() int64 { return c.NS - c.Old }

// Text says what has grown: "+412 µs waiting for the mutex in main.cart (cart.go:69), new".
func (c *CauseChange) Text() string {
	sign := "+"
	if c.Grown() < 0 {
		sign = "−"
	}
	text := sign + words.Length(max(c.Grown(), -c.Grown())) + " " + c.Cause.Text()
	if c.Fresh {
		text += ", new"
	}
	return text
}

// CauseOf says what of the time of a series' mean instance has grown or shrunk, what grew
// most first. It is nil where one side does not tell.
func CauseOf(old, new []*Behaviour, kind SeriesKind, name string) []CauseChange {
	o, n := meanCauses(old, kind, name), meanCauses(new, kind, name)
	if o.Instances == 0 || n.Instances == 0 {
		return nil
	}
	was := map[[2]string]int64{}
	for i := range o.Causes {
		was[o.Causes[i].key()] = o.Causes[i].NS
	}
	var out []CauseChange
	for _, c := range n.Causes {
		before, known := was[c.key()]
		delete(was, c.key())
		out = append(out, CauseChange{Cause: c, Old: before, Fresh: !known && o.Rest < c.NS/4})
	}
	for _, c := range o.Causes {
		if before, gone := was[c.key()]; gone {
			c.NS = 0
			out = append(out, CauseChange{Cause: c, Old: before})
		}
	}
	for i := range out {
		out[i].Of = [2]int64{o.Instances, n.Instances}
	}
	slices.SortStableFunc(out, func(a, b CauseChange) int { return cmp.Compare(b.Grown(), a.Grown()) })
	return out
}

// meanCauses are those of a series over some traces.
func meanCauses(side []*Behaviour, kind SeriesKind, name string) Causes {
	all := Causes{Kind: kind, Name: name}
	at := map[[2]string]int{}
	for _, b := range side {
		for i := range b.Causes {
			s := &b.Causes[i]
			if s.Kind != kind || s.Name != name {
				continue
			}
			all.Instances += s.Instances
			all.Rest += s.Rest * s.Instances
			all.NoCPU += s.NoCPU * s.Instances
			for _, c := range s.Causes {
				k, ok := at[c.key()]
				if !ok {
					k = len(all.Causes)
					at[c.key()] = k
					all.Causes = append(all.Causes, c)
					all.Causes[k].NS = 0
				}
				all.Causes[k].NS += c.NS * s.Instances
			}
		}
	}
	n := max(1, all.Instances)
	all.Rest /= n
	all.NoCPU /= n
	for i := range all.Causes {
		all.Causes[i].NS /= n
	}
	return all
}
