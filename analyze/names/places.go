package names

import (
	"path"
	"slices"
	"strings"

	"gmptrace/analyze/report"
)

// Places knows where stacks are in the program, each of which it looks at once. It is
// for who tells what was found when all of a trace has been read: which code is the
// program's own shows in stacks that may come late.
type Places struct {
	names  *Table
	known  int    // stacks
	root   string // folder of the program's module, "" where it does not show
	stacks []*Place
	starts map[string]report.Frame // of functions that goroutines start with
	leads  map[string]bool         // functions that call what they were given, wherever they stand: see leading
	copies map[string]bool         // closures of which there are several, each for what it wraps
}

// Places are those of the stacks, all of which must be known. Who asks again gets the
// same: each stack is looked at once.
func (n *Table) Places() *Places {
	if n.places == nil || n.places.known != len(n.Stacks) {
		n.places = &Places{names: n, known: len(n.Stacks), root: moduleRoot(n)}
	}
	return n.places
}

// Place is where a stack is in the program: what to name when it is asked who did
// something, and in which line.
type Place struct {
	At     report.Frame // innermost frame of the program's own code; else of a module's; else of the standard library's
	Callee string       // what it had called, "" for nothing: At is where the stack ends
	Works  string       // Callee, where that is a function of a library and the stack is of no wait: then it computed in it
	Near   string       // the function of the program that had called into the package of At, or, where From is of that too, At; "" where it is From, or there is none
	Above  string       // the one that had called Near, as far out as From; "" where Near is
	From   string       // the function of the program that the goroutine started with, or that a server, a pool or the like called: of several handlers that call each other the innermost; "" where it is At's
	Own    bool         // At is the program's own code
}

// Caller is who to name as having called the place: From or, where the reader knows that all of
// it is of that, as everything of the main goroutine is of main.main, who called it more nearly.
func (x *Place) Caller(known string) string {
	if x.Near != "" && (x.From == known || x.From == "main.main") {
		return x.Near
	}
	return x.From
}

// Of is the place of a stack, nil where it shows nothing but the runtime. It stays
// valid.
func (p *Places) Of(stack uint32) *Place {
	if int(stack) >= len(p.stacks) {
		p.stacks = slices.Grow(p.stacks, int(stack)+1-len(p.stacks))[:stack+1]
	}
	if p.stacks[stack] == nil {
		p.stacks[stack] = p.find(p.names.Stacks[stack])
	}
	if p.stacks[stack].At.Func == "" {
		return nil
	}
	return p.stacks[stack]
}

// Above is the place of who had called a function on a stack, or part of its name; nil where
// it shows nothing but the runtime.
func (p *Places) Above(stack uint32, fn string) *Place {
	frames := p.names.Stacks[stack]
	at := slices.IndexFunc(frames, func(f report.Frame) bool { return strings.Contains(f.Func, fn) })
	if x := p.find(frames[at+1:]); x.At.Func != "" {
		return x
	}
	return nil
}

// Func is the place of a function that goroutines start with, its line where that shows.
func (p *Places) Func(fn string) *Place {
	if p.starts == nil {
		p.starts = map[string]report.Frame{}
		for i, f := range p.names.StartFrames() {
			p.starts[p.names.Funcs[i]] = f
		}
	}
	f, ok := p.starts[fn]
	if !ok {
		f.Func = fn
	}
	return &Place{At: f, Own: p.codeOf(&f) == codeOwn}
}

// find looks for the innermost frame of the most telling kind.
func (p *Places) find(frames []report.Frame) *Place {
	best, kind := -1, codeOfRuntime
	for i := range frames {
		if k := p.codeOf(&frames[i]); k > kind {
			best, kind = i, k
		}
	}
	if best < 0 {
		return &Place{}
	}
	if kind == codeStandard {
		best = telling(frames, best)
		if w := working(frames); w >= 0 {
			best = w
		}
	}
	x := &Place{At: frames[best], Own: kind == codeOwn}
	if best > 0 {
		x.Callee = frames[best-1].Func
	}
	if best > 0 && kind > codeStandard {
		x.Works = worksIn(frames[:best])
	}
	x.From = p.from(frames, best)
	if k := p.near(frames, best, x.From); k >= 0 && (Package(frames[k].Func) != Package(x.At.Func) || Package(x.From) == Package(x.At.Func)) {
		x.Near, x.Above = frames[k].Func, x.From
		if k := p.near(frames, k, x.From); k >= 0 {
			x.Above = frames[k].Func
		}
	}
	return x
}

// near is the innermost function of the program between the i-th frame and the one of a
// function further out that is of another package than the frame's or, where none is, the
// innermost at all; -1 for none. What a closure of that function calls, it calls itself.
func (p *Places) near(frames []report.Frame, i int, from string) int {
	out := -1
	end := slices.IndexFunc(frames[i+1:], func(f report.Frame) bool { return f.Func == from }) + i + 1
	for k := i + 1; k < end; k++ {
		f := &frames[k]
		switch {
		case p.codeOf(f) != codeOwn || f.Func == frames[i].Func || p.leads[f.Func]:
		case strings.HasPrefix(f.Func, from+"."):
			return out
		case SamePackage(f, &frames[i]):
			if out < 0 {
				out = k
			}
		case !slices.ContainsFunc(frames[k+1:end+1], func(f report.Frame) bool { return SamePackage(&f, &frames[i]) }):
			return k // else it was given what it calls: packages don't import each other
		}
	}
	return out
}

// from is the function of the program that led to the i-th frame: the handler that it
// serves, which is the innermost one that was called as one, as middleware further out
// leads to all of them; else the outermost one that does not only call what it was given.
// "" where there is none but that of the frame.
func (p *Places) from(frames []report.Frame, i int) string {
	if p.leads == nil {
		p.leads, p.copies = leading(p.names.Stacks), copied(p.names.Stacks)
	}
	out := ""
	for k := i + 1; k < len(frames); k++ {
		f := &frames[k]
		if p.codeOf(f) != codeOwn || f.Func == frames[i].Func {
			continue
		}
		if !p.leads[f.Func] && (out == "" || !p.copies[f.Func]) {
			out = f.Func
		}
		if p.handedOn(frames[k+1:]) {
			break
		}
	}
	return out
}

// handedOn reports whether the first of frames, of a module, called what it did as a handler:
// it serves HTTP, or its package stands further out of the program's code as well, which was
// middleware and went on with that package's help, as with Next of gin and fiber.
func (p *Places) handedOn(frames []report.Frame) bool {
	if len(frames) == 0 || !Foreign(&frames[0]) {
		return false
	}
	by := frames[0].Func
	if strings.HasSuffix(by, ".ServeHTTP") {
		return true
	}
	own := slices.IndexFunc(frames, func(f report.Frame) bool { return p.codeOf(&f) == codeOwn })
	return own > 0 && !Sends(by) && slices.ContainsFunc(frames[own:], func(f report.Frame) bool { return Base(f.Func) == Base(by) })
}

// Sends reports whether a function of a module is of what sends requests: what of the program
// it calls is part of that, and no handler.
func Sends(fn string) bool {
	for _, part := range []string{"Client", "Invoker", "Streamer", "Transport"} {
		if strings.Contains(fn, part) {
			return true
		}
	}
	return false
}

// telling is, of a stack of the standard library alone, the innermost frame above its
// lower parts.
func telling(frames []report.Frame, innermost int) int {
	for i := innermost; i < len(frames); i++ {
		if !HasPrefix(frames[i].Func, Plumbing) {
			return i
		}
	}
	return innermost
}

// code is whose code a frame is, the more telling the greater.
type code uint8

const (
	codeOfRuntime code = iota // the runtime's, and what only wraps
	codeStandard              // the standard library's
	codeOfModule              // of a module that the program uses
	codeOwn                   // the program's own
)

func (p *Places) codeOf(f *report.Frame) code {
	switch {
	case wraps(f.Func), f.Func == Missing, OfCgo(f):
		return codeOfRuntime
	case Standard(f):
		return codeStandard
	case p.root != "" && strings.HasPrefix(f.File, p.root):
		return codeOwn
	case ofModule(f.File), strings.HasPrefix(f.Func, "golang.org/x/sync/"): // wherever a build has its source
		return codeOfModule
	}
	return codeOwn
}

// wraps reports whether a function is the runtime's, or runs what it is given and
// nothing else.
func wraps(fn string) bool { return HasPrefix(fn, wrapping) }

var wrapping = []string{"runtime.", "runtime/", "internal/runtime/", "golang.org/x/sync/errgroup.", "sync.(*WaitGroup).Go", "sync.(*Once)."}

// Standard reports whether a frame is the standard library's.
func Standard(f *report.Frame) bool {
	first, _, _ := strings.Cut(f.Func, "/")
	if first == f.Func {
		first, _, _ = strings.Cut(f.Func, ".")
	}
	return standardPackages[first]
}

// standardPackages are the first elements of the standard library's import paths.
var standardPackages = func() map[string]bool {
	m := map[string]bool{}
	for _, s := range strings.Fields("archive bufio builtin bytes cmp compress container context crypto database debug embed encoding errors expvar flag fmt go hash html image index internal io iter log maps math mime net os path plugin reflect regexp runtime simd slices sort strconv strings structs sync syscall testing text time unicode unique unsafe vendor weak") {
		m[s] = true
	}
	return m
}()

// ofModule reports whether a source file lies in a module's cache or in a folder
// of copied modules.
func ofModule(file string) bool {
	return strings.Contains(file, "/pkg/mod/") || strings.Contains(file, "@v") || strings.Contains(file, "/vendor/")
}

// moduleRoot is the folder of the module that has main.main, where that lies in a
// module's cache: there modules are told apart by their version alone.
func moduleRoot(n *Table) string {
	for _, frames := range n.Stacks {
		for i := range frames {
			if f := &frames[i]; f.Func == "main.main" && ofModule(f.File) {
				if at := strings.LastIndex(f.File, "@v"); at >= 0 {
					if end := strings.IndexByte(f.File[at:], '/'); end >= 0 {
						return f.File[:at+end+1]
					}
				}
				return path.Dir(f.File)
			}
		}
	}
	return ""
}

// Foreign reports whether a frame is of the standard library or of a module that the
// program uses. One of a program that was installed out of the cache of modules counts
// as a module's too: what tells them apart shows only when all of the trace has been
// read, see Places.
func Foreign(f *report.Frame) bool { return Standard(f) || ofModule(f.File) }
