package names

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gmptrace/analyze/report"
	"gmptrace/model"
)

// StackFrames is a stack as decoded, innermost frame first. Key is equal for
// equal stacks of any generation.
type StackFrames struct {
	Key    string
	Frames []report.Frame
}

// Table is what a trace calls things, by the numbers that facts have for them:
// stacks, functions, strings, threads. It grows with the distinct ones.
type Table struct {
	Stacks  [][]report.Frame // by index in model events; 0 is none
	Start   []uint32         // by stack: function of its outermost frame
	Funcs   []string         // names of functions; 0 is ""
	Texts   []string         // names of tasks and regions, messages, reasons for pauses …; 0 is ""
	Threads []int64          // by MIndex: the operating system's ids

	places *Places // of as many stacks as there were when they were asked for
	starts *Starts // likewise
}

// Numbering gives out the numbers, the same to what is equal. Who replays a trace has one.
type Numbering struct {
	Table
	byStack  map[string]uint32
	byFunc   map[string]uint32
	byText   map[string]int64
	byThread map[int64]model.MIndex
}

// NewNumbering has given out no number but 0, which is none everywhere.
func NewNumbering() *Numbering {
	return &Numbering{
		Table:   Table{Stacks: [][]report.Frame{nil}, Start: []uint32{0}, Funcs: []string{""}, Texts: []string{""}},
		byStack: map[string]uint32{}, byFunc: map[string]uint32{"": 0}, byText: map[string]int64{"": 0},
		byThread: map[int64]model.MIndex{},
	}
}

// maxFrames is how deep the tracer looks: a stack this deep is cut off, and its
// outermost frame is not where the goroutine started.
//
// Source: runtime/trace.go, traceStackSize.
const maxFrames = 128

// Stack is the number of a stack.
func (n *Numbering) Stack(s StackFrames) uint32 {
	if i, ok := n.byStack[s.Key]; ok {
		return i
	}
	i := uint32(len(n.Stacks))
	n.byStack[s.Key] = i
	frames := unwrapped(s.Frames)
	n.Stacks = append(n.Stacks, frames)
	var outer string
	if len(frames) > 0 && len(s.Frames) < maxFrames {
		outer = frames[len(frames)-1].Func
	}
	if outer == Missing {
		outer = ""
	}
	n.Start = append(n.Start, n.fn(outer))
	return i
}

func (n *Numbering) fn(name string) uint32 {
	i, ok := n.byFunc[name]
	if !ok {
		i = uint32(len(n.Funcs))
		n.byFunc[name] = i
		n.Funcs = append(n.Funcs, name)
	}
	return i
}

// Text is the number of a string.
func (n *Numbering) Text(s string) int64 {
	i, ok := n.byText[s]
	if !ok {
		i = int64(len(n.Texts))
		n.byText[s] = i
		n.Texts = append(n.Texts, s)
	}
	return i
}

// Thread is the number of a thread, by the operating system's id.
func (n *Numbering) Thread(id int64) model.MIndex {
	i, ok := n.byThread[id]
	if !ok {
		i = model.MIndex(len(n.Threads))
		n.byThread[id] = i
		n.Threads = append(n.Threads, id)
	}
	return i
}

// StartFunc is the name of the function that a goroutine with this start stack
// began in; "" when not known.
func (n *Table) StartFunc(stack uint32) string { return n.Funcs[n.Start[stack]] }

// ThreadID is the operating system's id of thread m, -1 for none.
func (n *Table) ThreadID(m model.MIndex) int64 {
	if m < 0 {
		return -1
	}
	return n.Threads[m]
}

// goVersions finds a Go version in the path of a file of the standard library:
// a downloaded toolchain has it in its folder's name, Homebrew's in the one below.
var goVersions = regexp.MustCompile(`\bgo[/@]?1\.(\d{1,2})(?:[.\-/]|rc|beta)[^ ]*/src/runtime/`)

// VersionFromStacks is the Go minor version that the stacks give away, 0 if none.
func (n *Table) VersionFromStacks() int {
	for _, frames := range n.Stacks {
		for _, f := range frames {
			if !strings.HasPrefix(f.Func, "runtime.") {
				continue
			}
			if m := goVersions.FindStringSubmatch(f.File); m != nil {
				v, _ := strconv.Atoi(m[1])
				return v
			}
		}
	}
	return 0
}

// Race reports whether a stack shows that the program was built with -race. Most
// programs that were have none: their scheduling shows the same functions.
func (n *Table) Race() bool {
	for _, frames := range n.Stacks {
		if slices.ContainsFunc(frames, ofRace) {
			return true
		}
	}
	return false
}

// ofRace reports whether f runs in programs built with -race alone. Others have
// functions of the same names that do nothing: compiled without optimisation they
// may stand on a stack.
func ofRace(f report.Frame) bool {
	if file := path.Base(f.File); file == "norace.go" || file == "race0.go" {
		return false
	}
	return strings.HasPrefix(f.Func, "internal/race.") || strings.HasPrefix(f.Func, "runtime.race")
}

// Program is the traced program's name, from the file that has main.main or,
// in a test, from the package under test; "" when the stacks do not show it.
func (n *Table) Program() string {
	test := ""
	for _, frames := range n.Stacks {
		for i := range frames {
			f := &frames[len(frames)-1-i]
			if f.Func == "main.main" {
				if path.Base(f.File) == "_testmain.go" {
					break
				}
				return programIn(path.Dir(f.File))
			}
			if test == "" && strings.HasSuffix(f.File, "_test.go") {
				test = strings.TrimSuffix(Package(f.Func), "_test") + ".test"
			}
		}
	}
	return test
}

// majorVersion is the last element of a module's path from version 2 on.
var majorVersion = regexp.MustCompile(`^v[0-9]+$`)

// programIn is the name of a program whose main package lies in dir: the last
// element that is not a version.
func programIn(dir string) string {
	name, _, _ := strings.Cut(path.Base(dir), "@")
	if majorVersion.MatchString(name) && path.Dir(dir) != dir {
		return programIn(path.Dir(dir))
	}
	return name
}

// Package is the import path in a function's full name.
func Package(fn string) string {
	slash := strings.LastIndexByte(fn, '/')
	if dot := strings.IndexByte(fn[slash+1:], '.'); dot >= 0 {
		return fn[:slash+1+dot]
	}
	return fn
}

// FrameOf is a place in a function: the first that a stack shows.
func (n *Table) FrameOf(function string) report.Frame {
	if function == "" {
		return report.Frame{}
	}
	for _, frames := range n.Stacks {
		for _, f := range frames {
			if f.Func == function {
				return f
			}
		}
	}
	return report.Frame{}
}

// StartFrames are, by the number of their function, where goroutines start. The
// stack of a new goroutine is one frame, the function's first line; of those that
// the trace saw later only, it is the line that they had come to.
func (n *Table) StartFrames() map[uint32]report.Frame {
	at, first := map[uint32]report.Frame{}, map[uint32]bool{}
	for i, frames := range n.Stacks {
		fn := n.Start[i]
		if fn == 0 || first[fn] {
			continue
		}
		lone := len(frames) == 1 && frames[0].File != autogenerated
		if _, seen := at[fn]; !seen || lone || at[fn].File == autogenerated {
			at[fn], first[fn] = frames[len(frames)-1], lone
		}
	}
	return at
}
