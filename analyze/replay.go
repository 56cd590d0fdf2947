package analyze

import (
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"gmptrace/model"
)

// replay drives the model through a trace's events, in order, and tells the
// session's watchers what it finds out. It also numbers what events refer to, over the
// whole trace: stacks, strings and threads.
type replay struct {
	sched     *model.Sched
	numbering *numbering

	// The session's watchers have a goroutine of their own, which follows the model
	// at a short distance. The session's names are theirs: what was numbered when the
	// facts that they see were found.
	session *Session
	full    chan *parcel // to the watchers
	empty   chan *parcel // back from them
	done    chan struct{}

	start model.Time // of the first event
	end   model.Time // of the last
	some  bool       // an event was seen

	before model.Time // last event of the generation before: see pushBack
	last   model.Time // last event so far

	cutAt    int // events of the next facts, at the least
	sinceCut int // events since the last ones

	// Translation of the current generation's indices.
	stacks  []uint32
	strings []int64
	threads []model.MIndex
}

// parcel is some facts on their way to the watchers.
type parcel struct {
	facts model.Facts
	names names // as they were then
}

// parcels is how many of them there are: one that the watchers look at, one
// that waits for them, and one to come.
const parcels = 3

// newReplay is a replay for the session's watchers, which have all been added.
func newReplay(s *Session) *replay {
	r := &replay{sched: model.New(s.Rules, 0), numbering: newNumbering(), session: s}
	r.sched.Depths, r.sched.Begun = s.Depths, s.Begun
	r.cutAt = r.nextCut()
	return r
}

// names is what a trace calls things, by the numbers that facts have for them:
// stacks, functions, strings, threads. It grows with the distinct ones.
type names struct {
	stacks  [][]Frame // by index in model events; 0 is none
	start   []uint32  // by stack: function of its outermost frame
	funcs   []string  // 0 is ""
	texts   []string
	threads []int64 // by MIndex: the operating system's ids
}

// numbering gives out the numbers.
type numbering struct {
	names
	byStack  map[string]uint32
	byFunc   map[string]uint32
	byText   map[string]int64
	byThread map[int64]model.MIndex
}

func newNumbering() *numbering {
	return &numbering{
		names:   names{stacks: [][]Frame{nil}, start: []uint32{0}, funcs: []string{""}, texts: []string{""}},
		byStack: map[string]uint32{}, byFunc: map[string]uint32{"": 0}, byText: map[string]int64{"": 0},
		byThread: map[int64]model.MIndex{},
	}
}

// maxFrames is how deep the tracer looks: a stack this deep is cut off, and its
// outermost frame is not where the goroutine started.
//
// Source: runtime/trace.go, traceStackSize.
const maxFrames = 128

func (n *numbering) stack(s stackFrames) uint32 {
	if i, ok := n.byStack[s.key]; ok {
		return i
	}
	i := uint32(len(n.stacks))
	n.byStack[s.key] = i
	n.stacks = append(n.stacks, s.frames)
	var outer string
	if len(s.frames) > 0 && len(s.frames) < maxFrames {
		outer = s.frames[len(s.frames)-1].Func
	}
	n.start = append(n.start, n.fn(outer))
	return i
}

func (n *numbering) fn(name string) uint32 {
	i, ok := n.byFunc[name]
	if !ok {
		i = uint32(len(n.funcs))
		n.byFunc[name] = i
		n.funcs = append(n.funcs, name)
	}
	return i
}

func (n *numbering) text(s string) int64 {
	i, ok := n.byText[s]
	if !ok {
		i = int64(len(n.texts))
		n.byText[s] = i
		n.texts = append(n.texts, s)
	}
	return i
}

func (n *numbering) thread(id int64) model.MIndex {
	i, ok := n.byThread[id]
	if !ok {
		i = model.MIndex(len(n.threads))
		n.byThread[id] = i
		n.threads = append(n.threads, id)
	}
	return i
}

// startFunc is the name of the function that a goroutine with this start stack
// began in; "" when not known.
func (n *names) startFunc(stack uint32) string { return n.funcs[n.start[stack]] }

// threadID is the operating system's id of thread m, -1 for none.
func (n *names) threadID(m model.MIndex) int64 {
	if m < 0 {
		return -1
	}
	return n.threads[m]
}

// play steps the model through one batch.
func (r *replay) play(b *batch) error {
	if b.first {
		r.stacks, r.strings, r.threads = r.stacks[:0], r.strings[:0], r.threads[:0]
	}
	for _, s := range b.stacks {
		r.stacks = append(r.stacks, r.numbering.stack(s))
	}
	for _, s := range b.strings {
		r.strings = append(r.strings, r.numbering.text(s))
	}
	for _, t := range b.threads {
		r.threads = append(r.threads, r.numbering.thread(t))
	}
	if len(b.events) == 0 {
		return nil
	}
	if r.session.ReaderTimes {
		r.pushBack(b)
	}
	if !r.some {
		r.some, r.start = true, b.events[0].Time
	}
	for i := range b.events {
		ev := &b.events[i]
		r.globalize(ev)
		r.sched.Step(ev)
		r.sinceCut++
		if r.sinceCut >= r.cutAt && (r.sched.Between() || r.sinceCut >= cutAnyway) {
			r.spread()
			r.sinceCut, r.cutAt = 0, r.nextCut()
		}
	}
	r.end = b.events[len(b.events)-1].Time
	return nil
}

// pushBack gives b's events the times that they have for a reader that reads the
// trace from its beginning: one that restates goroutines at the end of a
// generation, late, pushes the events of the next one behind that. Here each
// generation has a reader of its own, which leaves them where they were; reports
// want that, but whoever compares events with those of the package's reader
// wants its times.
func (r *replay) pushBack(b *batch) {
	if b.first {
		r.before = r.last
	}
	for i, n := range b.nth {
		b.events[i].Time = max(b.events[i].Time, r.before+model.Time(n))
	}
	r.last = max(b.last, b.events[len(b.events)-1].Time)
}

// globalize turns the generation's indices in ev into the trace's.
func (r *replay) globalize(ev *model.Event) {
	if ev.Stack > 0 {
		ev.Stack = r.stacks[ev.Stack-1]
	}
	if ev.M >= 0 {
		ev.M = r.threads[ev.M]
	}
	switch ev.Op {
	case model.OpSTWBegin, model.OpSTWEnd, model.OpLabel, model.OpTaskBegin, model.OpRegionBegin, model.OpRegionEnd, model.OpLog:
		if ev.Arg > 0 {
			ev.Arg = r.strings[ev.Arg-1]
		}
	}
}

// spreadEvery is after how many events the watchers get the facts: few enough
// for the facts still to lie in the processor's cache. Nothing that a watcher says
// may depend on it: see ReadOptions.Cut.
const spreadEvery = 512

// cutAnyway is after how many events the watchers get the facts even between
// events of one time, which only a damaged trace has so many of.
const cutAnyway = 1 << 16

// nextCut is how many events the watchers get the facts of next.
func (r *replay) nextCut() int {
	if cut := r.session.Options.Cut; cut != nil {
		return cut()
	}
	return spreadEvery
}

// spread hands the facts found so far to the watchers.
func (r *replay) spread() {
	if r.full == nil {
		r.launch()
	}
	p := <-r.empty
	r.sched.Take(&p.facts)
	p.names = r.numbering.names
	r.full <- p
}

// launch starts the watchers' goroutine.
func (r *replay) launch() {
	r.full, r.empty, r.done = make(chan *parcel, parcels), make(chan *parcel, parcels), make(chan struct{})
	for range parcels {
		r.empty <- new(parcel)
	}
	go r.collect()
}

func (r *replay) collect() {
	defer close(r.done)
	s := r.session
	for p := range r.full {
		*s.names = p.names
		if s.part && !s.WholeTrace {
			s.window.cut(&p.facts)
		}
		for _, w := range s.watchers {
			w.Watch(&p.facts)
		}
		r.empty <- p
	}
}

// stop returns once the watchers have seen all that was handed to them. It may
// be called again.
func (r *replay) stop() {
	if r.full != nil {
		close(r.full)
		<-r.done
		r.full = nil
	}
}

// finish ends the replay.
func (r *replay) finish() {
	r.sched.Close()
	r.spread()
	r.stop()
	r.session.end = r.end
}

// bound is b as a time of the trace. clock is the wall-clock time of the trace's
// time at, zero where the trace has none.
func bound(b Bound, start, at model.Time, clock time.Time) model.Time {
	if b.Clock.IsZero() {
		return start + model.Time(b.Offset)
	}
	return at + model.Time(b.Clock.Sub(clock))
}

// goVersions finds a Go version in the path of a file of the standard library:
// a downloaded toolchain has it in its folder's name.
var goVersions = regexp.MustCompile(`go1\.(\d{1,2})(?:[.\-/]|rc|beta)[^ ]*/src/runtime/`)

// versionFromStacks is the Go minor version that the stacks give away, 0 if none.
func (n *names) versionFromStacks() int {
	for _, frames := range n.stacks {
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

// race reports whether the stacks show a program built with -race.
func (n *names) race() bool {
	for _, frames := range n.stacks {
		for _, f := range frames {
			if strings.HasPrefix(f.Func, "internal/race.") || strings.HasPrefix(f.Func, "runtime.race") {
				return true
			}
		}
	}
	return false
}

// program is the traced program's name, from the file that has main.main or,
// in a test, from the package under test; "" when the stacks do not show it.
func (n *names) program() string {
	test := ""
	for _, frames := range n.stacks {
		for i := range frames {
			f := &frames[len(frames)-1-i]
			if f.Func == "main.main" {
				if path.Base(f.File) == "_testmain.go" {
					break
				}
				return programIn(path.Dir(f.File))
			}
			if test == "" && strings.HasSuffix(f.File, "_test.go") {
				test = strings.TrimSuffix(packageOf(f.Func), "_test") + ".test"
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

// packageOf is the import path in a function's full name.
func packageOf(fn string) string {
	slash := strings.LastIndexByte(fn, '/')
	if dot := strings.IndexByte(fn[slash+1:], '.'); dot >= 0 {
		return fn[:slash+1+dot]
	}
	return fn
}
