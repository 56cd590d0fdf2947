package names

import (
	"cmp"
	"path"
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
	known int               // stacks
	gives map[string]bool   // functions that the stacks show to run what they were given
	runs  map[string]string // by start: what runs on all stacks, see Always
}

// Starts is what the stacks tell of start functions. All stacks must be known. Who asks
// again gets the same.
func (n *Table) Starts() *Starts {
	if n.starts == nil || n.starts.known != len(n.Stacks) {
		n.starts = &Starts{names: n, known: len(n.Stacks), gives: givenByStacks(n.Stacks), runs: map[string]string{}}
	}
	return n.starts
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

// Ours reports whether goroutines that start with a function are the program's: not of the
// standard library, which starts some for itself, but for those that run what they were given.
func Ours(start string) bool { return wrapsStart(start) || !Standard(&report.Frame{Func: start}) }

// MayWrap reports whether a function may turn out to run what it was given, when all has
// been read: it is known to, or a closure.
func MayWrap(fn string) bool { return IsClosure(lastPart(fn)) || wrapsStart(fn) }

// Gives reports whether a stack shows what its goroutine was given to run, if it turns
// out that the function that it started with is a wrapper.
func Gives(frames []report.Frame) bool { return givenTo(frames, len(frames)-1) >= 0 }

// GivenStart is the function that a goroutine runs by the frames of a stack, where the one that it
// started with is known to run what it was given; "" for others.
func GivenStart(frames []report.Frame) string {
	i := len(frames) - 1
	if i < 0 || !wrapsStart(frames[i].Func) {
		return ""
	}
	for i >= 0 && wrapsStart(frames[i].Func) {
		i = givenTo(frames, i)
	}
	if i < 0 {
		return ""
	}
	return frames[i].Func
}

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
//     line that calls two of its own may call them by name, one after the other; but not
//     if each is called by another copy of the closure, see givingLine.
func givenByStacks(stacks [][]report.Frame) map[string]bool {
	g := giving{calls: map[givingLine]*givingCalls{}, gives: map[string]bool{}}
	for _, frames := range stacks {
		for i := len(frames) - 1; i > 0; i-- {
			if wrapsStart(frames[i].Func) {
				continue
			}
			if !g.call(&frames[i], &frames[i-1]) {
				break
			}
		}
	}
	return g.gives
}

// leading are the functions that do so by what stacks show anywhere: middleware and the
// like too.
func leading(stacks [][]report.Frame) map[string]bool {
	g := giving{calls: map[givingLine]*givingCalls{}, gives: map[string]bool{}}
	for _, frames := range stacks {
		for i := len(frames) - 1; i > 0; i-- {
			g.call(&frames[i], &frames[i-1])
		}
	}
	return g.gives
}

// copied are the closures of which stacks show several that are in one line: the compiler made
// a copy wherever what makes them is called, as middleware is for each handler.
func copied(stacks [][]report.Frame) map[string]bool {
	type line struct {
		file string
		n    uint64
	}
	first, copies := map[line]string{}, map[string]bool{}
	for _, frames := range stacks {
		for i := range frames {
			f := &frames[i]
			if f.File == "" || !IsClosure(lastPart(f.Func)) {
				continue
			}
			at := line{f.File, f.Line}
			if was, ok := first[at]; !ok {
				first[at] = f.Func
			} else if was != f.Func {
				copies[was], copies[f.Func] = true, true
			}
		}
	}
	return copies
}

// giving finds functions that run what they were given.
type giving struct {
	calls map[givingLine]*givingCalls
	gives map[string]bool
}

// givingLine is a line of the source, of a function where its file is not known: of a
// function that makes closures the compiler may have many copies, with names of their own.
type givingLine struct {
	in  string
	at  uint64
	own bool // it calls functions of its own package
}

// givingCalls are what a line calls, and the functions that it is of.
type givingCalls struct{ of, to map[string]bool }

// call takes in that one function has called another. It reports whether the first may
// have been given the second.
func (g *giving) call(from, to *report.Frame) bool {
	const several, manyOwn = 2, 3
	if !IsClosure(lastPart(from.Func)) || Standard(from) || Foreign(to) || strings.HasPrefix(to.Func, from.Func+".") {
		return false
	}
	at := givingLine{cmp.Or(from.File, from.Func), from.Line, SamePackage(from, to)}
	if g.calls[at] == nil {
		g.calls[at] = &givingCalls{map[string]bool{}, map[string]bool{}}
	}
	calls := g.calls[at]
	calls.of[from.Func], calls.to[to.Func] = true, true
	if n := len(calls.to); n >= manyOwn || n >= several && (!at.own || len(calls.of) > 1) || !at.own && Package(to.Func) == "main" {
		for fn := range calls.of {
			g.gives[fn] = true
		}
	}
	return true
}

// SamePackage reports whether two frames are of one package. A closure of a function that
// the compiler put into a caller of another package is named after that, so folders tell
// more than names, where they are known.
func SamePackage(a, b *report.Frame) bool {
	return Package(a.Func) == Package(b.Func) && (a.File == "" || b.File == "" || path.Dir(a.File) == path.Dir(b.File))
}

func lastPart(fn string) string { return fn[strings.LastIndexByte(fn, '.')+1:] }

// IsClosure reports whether the last part of a function's name is a closure's: func1, or
// 1 of one in another.
func IsClosure(last string) bool {
	last = strings.TrimPrefix(last, "func")
	return last != "" && strings.Trim(last, "0123456789") == ""
}

// Base is a function without the numbers of the closures in it.
func Base(fn string) string {
	for {
		dot := strings.LastIndexByte(fn, '.')
		if dot < 0 || !IsClosure(fn[dot+1:]) {
			return fn
		}
		fn = fn[:dot]
	}
}

// Trails numbers, while a trace is read, what stacks say of what their goroutines run:
// the function that they started with, and, as far as that may turn out to run what it
// was given, what that was. Starts tells at the end what a trail comes to.
type Trails struct {
	names  *Table
	of     []uint32 // by stack, 0 for not looked at yet
	by     map[string]uint32
	stacks []uint32 // by number: one that has it
	bare   []bool   // by number: it does not show what a wrapper was given
}

// maxTrail is how many functions that may be wrappers a trail tells apart.
const maxTrail = 6

// NewTrails numbers from 1 on: 0 is nobody's.
func NewTrails(n *Table) *Trails {
	return &Trails{names: n, by: map[string]uint32{}, stacks: make([]uint32, 1), bare: make([]bool, 1)}
}

// Of is the number of a stack's trail.
func (t *Trails) Of(stack uint32) uint32 {
	if int(stack) < len(t.of) && t.of[stack] != 0 {
		return t.of[stack]
	}
	return t.look(stack)
}

// look looks at a stack for the first time.
func (t *Trails) look(stack uint32) uint32 {
	if n := int(stack) + 1 - len(t.of); n > 0 {
		t.of = append(t.of, make([]uint32, n)...)
	}
	t.of[stack] = t.number(stack)
	return t.of[stack]
}

func (t *Trails) number(stack uint32) uint32 {
	key := []byte(t.names.StartFunc(stack))
	bare := len(key) == 0 // it is cut off, or none
	if !bare {
		var given []string
		given, bare = Given(t.names.Stacks[stack])
		for _, fn := range given {
			key = append(append(key, 0), fn...)
		}
	}
	n, ok := t.by[string(key)]
	if !ok {
		n = uint32(len(t.stacks))
		t.by[string(key)] = n
		t.stacks, t.bare = append(t.stacks, stack), append(t.bare, bare)
	}
	return n
}

// Given are the functions that a goroutine was given to run by the one that it started
// with, and by each other, as far as a stack shows them and each may turn out to be a
// wrapper. The stack is bare where the last of them shows not what it was given.
func Given(frames []report.Frame) (given []string, bare bool) {
	i := len(frames) - 1
	for range maxTrail {
		if i < 0 || !MayWrap(frames[i].Func) {
			break
		}
		if i = givenTo(frames, i); i >= 0 {
			given = append(given, frames[i].Func)
		}
	}
	return given, i < 0
}

// Bare reports whether a trail shows nothing but who may run something.
func (t *Trails) Bare(n uint32) bool { return t.bare[n] }

// Frames are of a stack that has the trail.
func (t *Trails) Frames(n uint32) []report.Frame { return t.names.Stacks[t.stacks[n]] }

// Len is how many trails there are, nobody's among them.
func (t *Trails) Len() int { return len(t.stacks) }

// Name is what goroutines run by a trail.
func (s *Starts) Name(t *Trails, n uint32) string {
	stack := t.stacks[n]
	start := s.names.StartFunc(stack)
	if start == "" || !s.Wrapper(start) {
		return start
	}
	return cmp.Or(s.Runs(s.names.Stacks[stack]), s.Always(start))
}
