package names

import (
	"cmp"
	"strings"

	"gmptrace/analyze/report"
)

// Starts tells what goroutines run by the function that they started with. Some
// functions only run what they were given (those of errgroup, of WaitGroup.Go, of a
// program's own way to start goroutines): what such goroutines run is the first
// function below that which does not. There is no other rule for that.
//
// It is for who has read all of a trace: that a function of the program only runs what
// it was given shows in stacks that may come late.
type Starts struct {
	names *Table
	gives map[string]bool   // functions that the stacks show to run what they were given
	runs  map[string]string // by start: what runs on all stacks, see Always
}

// NewStarts looks at the stacks of n, all of which must be known.
func NewStarts(n *Table) *Starts {
	return &Starts{names: n, gives: givenByStacks(n.Stacks), runs: map[string]string{}}
}

// Wrapper reports whether goroutines that start with a function run what somebody gave
// it.
func (s *Starts) Wrapper(fn string) bool { return s.gives[fn] || wrapsStart(fn) }

// Runs is what runs by the frames of a stack, the outermost of which is where the
// goroutine started; "" where they show nothing but who runs something.
func (s *Starts) Runs(frames []report.Frame) string {
	i := len(frames) - 1
	for i >= 0 && s.Wrapper(frames[i].Func) {
		i = givenTo(frames, i)
	}
	if i < 0 {
		return ""
	}
	return frames[i].Func
}

// Always is what goroutines run that start with a function: where that only runs what
// it was given, and always the same, that; else the function.
func (s *Starts) Always(start string) string {
	if !s.Wrapper(start) {
		return start
	}
	if _, ok := s.runs[start]; !ok {
		s.runs[start] = s.always(start)
	}
	return cmp.Or(s.runs[start], start)
}

// always is what runs on all stacks of a start, "" where those are several or none, or
// where one of the program waits for something of its own between what it runs.
func (s *Starts) always(start string) string {
	run := ""
	for _, frames := range s.names.Stacks {
		n := len(frames)
		if n < 2 || n >= maxFrames || frames[n-1].Func != start {
			continue
		}
		switch r := s.Runs(frames); {
		case r == "" && wrapsStart(start):
		case r == "", run != "" && r != run:
			return ""
		default:
			run = r
		}
	}
	return run
}

// wrappers start goroutines for others, and run nothing of their own. What serves
// connections or takes work from a queue is not among them: it is one goroutine that runs
// many things, and named by none of those.
var wrappers = []string{"runtime.corostart", "iter.Pull", "sync.(*WaitGroup).Go.func", "testing.tRunner", "golang.org/x/sync/errgroup.(*Group).",
	"golang.org/x/sync/singleflight.(*Group).", "github.com/sourcegraph/conc.(*WaitGroup).Go.func", "github.com/sourcegraph/conc/panics.",
	"google.golang.org/grpc.(*Server).serveStreams.func"}

// wrapsStart reports whether a function is known to run what it was given.
func wrapsStart(fn string) bool { return HasPrefix(fn, wrappers) }

// MayWrap reports whether a function may turn out to run what it was given, when all has
// been read: it is known to, or a closure.
func MayWrap(fn string) bool { return IsClosure(lastPart(fn)) || wrapsStart(fn) }

// Gives reports whether a stack shows what its goroutine was given to run, if it turns
// out that the function that it started with is a wrapper.
func Gives(frames []report.Frame) bool { return givenTo(frames, len(frames)-1) >= 0 }

// givenTo is which of the frames further in is of what the i-th, a wrapper, was given:
// wrappers of a module call it through other functions of theirs. -1 for none.
func givenTo(frames []report.Frame, i int) int {
	if i < 0 {
		return -1
	}
	by, standard := Package(frames[i].Func), -1
	for i--; i >= 0; i-- {
		switch f := &frames[i]; {
		case wrapsStart(f.Func):
			return i
		case HasPrefix(f.Func, WaitPackages) || Package(f.Func) == by && Foreign(f):
		case !Standard(f):
			return i
		case standard < 0:
			standard = i
		}
	}
	return standard
}

// givenByStacks are the functions of a program that the stacks show to run what they
// were given. They are closures, and
//
//   - call a function of package main, which no other package can name, from elsewhere:
//     one stack tells that; or
//   - in one line, call several functions of another package, or many of their own. A
//     line that calls two of its own may call them by name, one after the other.
func givenByStacks(stacks [][]report.Frame) map[string]bool {
	const severalOthers, manyOwn = 2, 3
	type line struct {
		fn  string
		at  uint64
		own bool // it calls functions of its own package
	}
	calls, gives := map[line]map[string]bool{}, map[string]bool{}
	for _, frames := range stacks {
		for i := len(frames) - 1; i > 0; i-- {
			from, to := &frames[i], frames[i-1].Func
			if !IsClosure(lastPart(from.Func)) || Standard(from) {
				if wrapsStart(from.Func) {
					continue
				}
				break
			}
			if Foreign(&frames[i-1]) || strings.HasPrefix(to, from.Func+".") {
				break
			}
			if Package(to) == "main" && Package(from.Func) != "main" {
				gives[from.Func] = true
			}
			at := line{from.Func, from.Line, Package(from.Func) == Package(to)}
			if calls[at] == nil {
				calls[at] = map[string]bool{}
			}
			calls[at][to] = true
			if n := len(calls[at]); n >= manyOwn || n >= severalOthers && !at.own {
				gives[from.Func] = true
			}
		}
	}
	return gives
}

func lastPart(fn string) string { return fn[strings.LastIndexByte(fn, '.')+1:] }

// IsClosure reports whether the last part of a function's name is a closure's: func1, or
// 1 of one in another.
func IsClosure(last string) bool {
	last = strings.TrimPrefix(last, "func")
	return last != "" && strings.Trim(last, "0123456789") == ""
}
