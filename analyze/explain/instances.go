package explain

import (
	"cmp"
	"container/heap"
	"regexp"
	"slices"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// Span is one of what is explained, under way or ended.
type Span struct {
	Name       string // "" of a request served, see Key
	Key        uint32 // of a request served: LateNames.Called says at the end which handler it had
	task       int64  // -1 for none
	g          model.GoID
	fn         uint32 // stack that g started with
	Start, End model.Time
	ended      bool
	unfinished bool
	logs       []string
	handed     bool       // of a task: another goroutine ended it than began it
	busy       model.Time // until when that one worked on others

	// Of a request on a connection.
	handled bool       // a handler was called
	idle    bool       // none was by the time that its goroutine began to wait for the next request
	ahead   model.GoID // goroutine that reads ahead, 0 for none yet
	through bool       // seen in a function of what is selected, whatever the handler
	stopped bool       // it waited within its handler, or made a system call there
	seen    []sighting // what its stacks said of the handler, until it has ended
}

// Goroutine is who began it, and serves a request.
func (in *Span) Goroutine() model.GoID { return in.g }

// Stopped reports whether a request waited within its handler, or made a system call there:
// one that does neither has a handler that only computes.
func (in *Span) Stopped() bool { return in.stopped }

// maxLogs is how many messages an instance keeps.
const maxLogs = 3

// maxOpen bounds what is followed at once of one kind: a program may begin tasks
// and never end them.
const maxOpen = 1 << 20

// Finder finds the instances of one kind in the facts.
type Finder interface {
	// Find calls ended with the instances that the facts end, in the order of
	// their ends.
	Find(f *model.Facts, ended func(*Span))
	// oldest is when the oldest one began that is under way, replay.Forever for none.
	oldest() model.Time
	// close calls ended with those that the trace leaves unfinished.
	close(now model.Time, ended func(*Span))
}

// LateNames is a Finder that knows the names of what it found only when all of the trace
// has been read: those of requests served, which are told apart until then by Span.Key.
type LateNames interface {
	// Called is the name of the instances with a key, "" where it does not show.
	Called(key uint32) string
}

// FindAll finds the requests, tasks, regions or goroutines of a trace, whatever they
// are called.
func FindAll(n *names.Table, kind report.InstanceKind) Finder {
	switch kind {
	case report.KindTask:
		return &taskFinder{names: n, id: -1}
	case report.KindRegion:
		return &regionFinder{names: n}
	case report.KindGoroutine:
		return &goroutineFinder{names: n, g: model.NoG}
	}
	return &requestFinder{names: n}
}

// underWay are the instances under way, by a key.
type underWay[K comparable] struct {
	open  map[K]*Span
	left  int64
	began []*Span // in the order in which they turned out to be some, with others that have ended
	since starts
}

func (u *underWay[K]) begin(k K, x *Span) {
	if u.attempt(k, x) {
		u.confirm(x)
		u.since.add(x, len(u.open))
	}
}

// attempt is begin for what may turn out to be no instance: only once confirm is
// called for it is it held for one that has not ended, and only once it is in since is
// what happens meanwhile kept. It reports whether there is room for it.
func (u *underWay[K]) attempt(k K, x *Span) bool {
	if u.open == nil {
		u.open = map[K]*Span{}
	}
	if len(u.open) >= maxOpen {
		u.left++
		return false
	}
	u.open[k] = x
	return true
}

func (u *underWay[K]) confirm(x *Span) {
	u.began = append(u.began, x)
	if crowded(len(u.began), len(u.open)) {
		u.began = slices.DeleteFunc(u.began, (*Span).over)
	}
}

func (in *Span) over() bool { return in.ended }

// past reports whether nothing that happens need be kept for it any more.
func (in *Span) past() bool { return in.ended || in.idle }

// crowded reports whether most of a list must have ended, and not only of a short one.
func crowded(listed, open int) bool { return listed > 2*open+1<<10 }

// end is the instance with this key, which is under way no longer; nil if there
// is none.
func (u *underWay[K]) end(k K, at model.Time) *Span {
	x := u.open[k]
	if x != nil {
		delete(u.open, k)
		x.End, x.ended = at, true
	}
	return x
}

func (u *underWay[K]) oldest() model.Time { return u.since.oldest() }

// starts are instances and what may be some, of which the one that began first comes
// first: a heap, as a goroutine's beginning may show later than that of a younger one. Those
// that have ended are taken out when they are in the way.
type starts struct{ list []*Span }

func (s *starts) Len() int           { return len(s.list) }
func (s *starts) Less(i, j int) bool { return s.list[i].Start < s.list[j].Start }
func (s *starts) Swap(i, j int)      { s.list[i], s.list[j] = s.list[j], s.list[i] }
func (s *starts) Push(x any)         { s.list = append(s.list, x.(*Span)) }

func (s *starts) Pop() any {
	last := len(s.list) - 1
	x := s.list[last]
	s.list[last] = nil
	s.list = s.list[:last]
	return x
}

// add adds one; open is how many have not ended.
func (s *starts) add(x *Span, open int) {
	if crowded(len(s.list), open) {
		s.list = slices.DeleteFunc(s.list, (*Span).past)
		heap.Init(s)
	}
	heap.Push(s, x)
}

func (s *starts) oldest() model.Time {
	for len(s.list) > 0 && s.list[0].past() {
		heap.Pop(s)
	}
	if len(s.list) == 0 {
		return replay.Forever
	}
	return s.list[0].Start
}

func (u *underWay[K]) close(now model.Time, ended func(*Span)) {
	for _, x := range u.began {
		if !x.ended {
			x.End, x.ended, x.unfinished = now, true, true
			ended(x)
		}
	}
}

// goroutineFinder finds goroutines by the function that they started with, or were given
// to run; or by those that they were seen in.
type goroutineFinder struct {
	underWay[model.GoID]
	names  *names.Table
	g      model.GoID     // the one wanted, where pattern is nil
	match  *regexp.Regexp // nil for all
	within bool           // goroutines that were seen in a function that matches, wherever they started
	byFunc []int8         // by function: 1 wanted, -1 not, 0 not known yet
	stacks matching       // that tell who is wanted

	unwanted others // functions or, where one goroutine is wanted, goroutines
}

func (x *goroutineFinder) others() []string { return x.unwanted }

func (x *goroutineFinder) Find(f *model.Facts, ended func(*Span)) {
	if x.match == nil {
		for i := range f.Gs {
			x.stretch(&f.Gs[i], ended)
		}
		return
	}
	eachSight(f, func(iv *model.GInterval) { x.stretch(iv, ended) }, x.seen)
}

func (x *goroutineFinder) stretch(iv *model.GInterval, ended func(*Span)) {
	if iv.First {
		in := &Span{task: -1, g: iv.G, fn: iv.Func, Start: iv.Start}
		switch {
		case x.wanted(iv):
			in.Name = x.names.StartFunc(iv.Func)
			x.begin(iv.G, in)
		case x.match != nil && !iv.Runtime: // what it runs may be wanted
			x.attempt(iv.G, in)
		}
	}
	if iv.Exit {
		in := x.end(iv.G, iv.End)
		if in == nil {
			return
		}
		if in.fn = iv.Func; in.Name == "" && x.wanted(iv) {
			in.Name = x.names.StartFunc(iv.Func)
		}
		if in.Name != "" || x.match == nil {
			ended(in)
		}
	}
}

// seen takes in where a goroutine was seen.
func (x *goroutineFinder) seen(s sight) {
	in := x.open[s.g]
	if in == nil || in.Name != "" {
		return
	}
	if name := x.stacks.of(s.stack, x.called); name != "" {
		in.Name = name
		x.confirm(in)
		x.since.add(in, len(x.open))
	}
}

// called is the function on a stack by which its goroutine is wanted, "" for none.
func (x *goroutineFinder) called(stack uint32) string {
	frames := x.names.Stacks[stack]
	if x.within {
		return outermost(frames, x.match)
	}
	given, _ := names.Given(frames)
	for _, fn := range given {
		if x.match.MatchString(fn) {
			return fn
		}
	}
	return ""
}

func (x *goroutineFinder) wanted(iv *model.GInterval) bool {
	if x.g != model.NoG {
		if iv.G != x.g && !iv.Runtime {
			x.unwanted.add(words.Goroutine(int64(iv.G), x.names.StartFunc(iv.Func)))
		}
		return iv.G == x.g
	}
	if iv.Runtime && x.match == nil || x.within {
		return false
	}
	fn := x.names.Start[iv.Func]
	for int(fn) >= len(x.byFunc) {
		x.byFunc = append(x.byFunc, 0)
	}
	if x.byFunc[fn] == 0 {
		x.byFunc[fn] = -1
		if x.match == nil || x.match.MatchString(x.names.Funcs[fn]) {
			x.byFunc[fn] = 1
		} else if !iv.Runtime && x.names.Funcs[fn] != "" {
			x.unwanted.add(x.names.Funcs[fn])
		}
	}
	return x.byFunc[fn] > 0
}

// sight is when a stack shows where a goroutine was: for as long as it had stopped there,
// or at the moment when it was preempted, had to help the collector, stopped the world or was
// sampled by a profiler.
type sight struct {
	g         model.GoID
	fn, stack uint32 // fn as of a Span, 0 for not told
	since, at model.Time
}

// eachSight tells of goroutines' stretches and of sights of them, in the order of their
// ends.
func eachSight(f *model.Facts, stretch func(*model.GInterval), seen func(sight)) {
	ps, events := f.Ps, f.Events
	upTo := func(t model.Time) {
		for {
			switch {
			case len(ps) > 0 && ps[0].End <= t && (len(events) == 0 || ps[0].End <= events[0].Time):
				if p := &ps[0]; p.Does == model.PDoesRun && p.Stack != 0 {
					seen(sight{p.G, p.Func, p.Stack, p.End, p.End})
				}
				ps = ps[1:]
			case len(events) > 0 && events[0].Time <= t:
				if ev := &events[0]; (ev.Op == model.OpCPUSample || ev.Op == model.OpAssistBegin || ev.Op == model.OpSTWBegin) && ev.G > 0 && ev.Stack != 0 {
					seen(sight{g: ev.G, stack: ev.Stack, since: ev.Time, at: ev.Time})
				}
				events = events[1:]
			default:
				return
			}
		}
	}
	for i := range f.Gs {
		iv := &f.Gs[i]
		upTo(iv.End)
		if stops(iv) {
			seen(sight{iv.G, iv.Func, iv.Stack, iv.Start, iv.End})
		}
		stretch(iv)
	}
	upTo(replay.Forever)
}

// stops reports whether a stretch shows where its goroutine had stopped.
func stops(iv *model.GInterval) bool {
	return iv.Stack != 0 && (iv.State == model.GWaiting || iv.State == model.GSyscall)
}

// matching is, by stack, the function on it that is looked for: each is looked at once.
type matching struct{ stacks []*string }

// of is the function that called finds on a stack, "" for none.
func (m *matching) of(stack uint32, called func(uint32) string) string {
	for int(stack) >= len(m.stacks) {
		m.stacks = append(m.stacks, nil)
	}
	if m.stacks[stack] == nil {
		name := called(stack)
		m.stacks[stack] = &name
	}
	return *m.stacks[stack]
}

// outermost is the outermost function on a stack that matches, "" for none.
func outermost(frames []report.Frame, match *regexp.Regexp) string {
	for i := len(frames) - 1; i >= 0; i-- {
		if match.MatchString(frames[i].Func) {
			return frames[i].Func
		}
	}
	return ""
}

// maxOthers is how many names are told of what was not selected.
const maxOthers = 5

// others are names of what was not selected, the first ones.
type others []string

func (o *others) add(name string) {
	if len(*o) < maxOthers && !slices.Contains(*o, name) {
		*o = append(*o, name)
	}
}

// taskFinder finds user tasks by name or id.
type taskFinder struct {
	underWay[int64]
	unwanted others
	names    *names.Table
	id       int64          // the one wanted, where match is nil; -1 for all
	match    *regexp.Regexp // nil for all
	workers  workers
}

func (x *taskFinder) others() []string { return x.unwanted }

func (x *taskFinder) Find(f *model.Facts, ended func(*Span)) {
	for i := range f.Events {
		switch ev := &f.Events[i]; ev.Op {
		case model.OpTaskBegin:
			name := x.names.Texts[ev.Arg]
			if (x.id < 0 || x.id == ev.Subject) && (x.match == nil || x.match.MatchString(name)) {
				x.begin(ev.Subject, &Span{Name: name, task: ev.Subject, g: ev.G, Start: ev.Time})
			} else {
				x.unwanted.add(name)
			}
		case model.OpTaskEnd:
			if in := x.end(ev.Subject, ev.Time); in != nil {
				if ev.G != model.NoG {
					in.g, in.handed = ev.G, ev.G != in.g
				}
				if in.handed {
					if x.workers == nil {
						x.workers = workers{}
					}
					in.busy = x.workers.busyUntil(in.g, ev.Time)
				}
				ended(in)
			}
		case model.OpLog:
			if in := x.open[ev.Subject]; in != nil && len(in.logs) < maxLogs && logged(ev) {
				in.logs = append(in.logs, x.names.Texts[ev.Arg])
			}
		}
	}
}

// regionFinder finds user regions by name. Regions nest, also those of one name.
type regionFinder struct {
	underWay[regionKey]
	unwanted others
	names    *names.Table
	match    *regexp.Regexp // nil for all
	depth    map[model.GoID]int
}

type regionKey struct {
	g     model.GoID
	depth int
}

func (x *regionFinder) others() []string { return x.unwanted }

func (x *regionFinder) Find(f *model.Facts, ended func(*Span)) {
	for i := range f.Events {
		switch ev := &f.Events[i]; ev.Op {
		case model.OpRegionBegin:
			if x.depth == nil {
				x.depth = map[model.GoID]int{}
			}
			x.depth[ev.G]++
			if name := x.names.Texts[ev.Arg]; x.match == nil || x.match.MatchString(name) {
				x.begin(regionKey{ev.G, x.depth[ev.G]}, &Span{Name: name, task: taskID(ev.Subject), g: ev.G, Start: ev.Time})
			} else {
				x.unwanted.add(name)
			}
		case model.OpRegionEnd:
			if x.depth[ev.G] == 0 {
				continue // begun before the trace
			}
			if in := x.end(regionKey{ev.G, x.depth[ev.G]}, ev.Time); in != nil {
				ended(in)
			}
			if x.depth[ev.G]--; x.depth[ev.G] == 0 {
				delete(x.depth, ev.G)
			}
		}
	}
}

// taskID is a task's id, -1 for the background task, which is none.
func taskID(id int64) int64 {
	if id <= 0 {
		return -1
	}
	return id
}

// logFinder finds messages: each explains what led up to it, from the beginning
// of its task or, without one, of the innermost region around it or of the
// goroutine.
type logFinder struct {
	names *names.Table
	zero  model.Time
	match *regexp.Regexp

	unwanted others
	tasks    map[int64]model.Time
	regions  map[model.GoID][]model.Time
	gs       map[model.GoID]model.Time
}

func (x *logFinder) Find(f *model.Facts, ended func(*Span)) {
	if x.tasks == nil {
		x.tasks, x.regions, x.gs = map[int64]model.Time{}, map[model.GoID][]model.Time{}, map[model.GoID]model.Time{}
	}
	gs := f.Gs
	stretches := func(until model.Time) {
		for ; len(gs) > 0 && gs[0].End <= until; gs = gs[1:] {
			x.stretch(&gs[0])
		}
	}
	for i := range f.Events {
		stretches(f.Events[i].Time)
		x.event(&f.Events[i], ended)
	}
	stretches(replay.Forever)
}

// stretch follows which goroutines there are, and since when: one whose first
// stretch has not ended is not known yet.
func (x *logFinder) stretch(iv *model.GInterval) {
	if iv.First {
		x.gs[iv.G] = iv.Start
	}
	if iv.Exit {
		delete(x.gs, iv.G)
		delete(x.regions, iv.G)
	}
}

func (x *logFinder) event(ev *model.Event, ended func(*Span)) {
	switch ev.Op {
	case model.OpTaskBegin:
		if len(x.tasks) < maxOpen {
			x.tasks[ev.Subject] = ev.Time
		}
	case model.OpTaskEnd:
		delete(x.tasks, ev.Subject)
	case model.OpRegionBegin:
		x.regions[ev.G] = append(x.regions[ev.G], ev.Time)
	case model.OpRegionEnd:
		if r := x.regions[ev.G]; len(r) > 1 {
			x.regions[ev.G] = r[:len(r)-1]
		} else {
			delete(x.regions, ev.G)
		}
	case model.OpLog:
		if !logged(ev) {
			return
		}
		if text := x.names.Texts[ev.Arg]; x.match == nil || x.match.MatchString(text) {
			ended(&Span{Name: text, task: taskID(ev.Subject), g: ev.G, Start: x.began(ev), End: ev.Time, logs: []string{text}})
		} else {
			x.unwanted.add(text)
		}
	}
}

func (x *logFinder) others() []string { return x.unwanted }

// began is when what ev was logged in began.
func (x *logFinder) began(ev *model.Event) model.Time {
	if t, ok := x.tasks[ev.Subject]; ok {
		return t
	}
	if r := x.regions[ev.G]; len(r) > 0 {
		return r[len(r)-1]
	}
	if t, ok := x.gs[ev.G]; ok {
		return t
	}
	return x.zero // its first stretch, since then, has not ended
}

func (x *logFinder) oldest() model.Time { return replay.Forever }

func (x *logFinder) close(model.Time, func(*Span)) {}

// stallFinder finds stretches in which a goroutine of the program could do
// nothing, and did not wait for something to do either: it waited for a P, for a
// lock, to send or for the collector, or was in a system call.
type stallFinder struct {
	names *names.Table
	locks *names.LockSites
	given matching // by stack: what runs on it that a wrapper was given
	free  []*Span  // that nobody keeps any more
}

func (x *stallFinder) Find(f *model.Facts, ended func(*Span)) {
	for i := range f.Gs {
		iv := &f.Gs[i]
		if iv.Runtime || standsBy(x.names.StartFunc(iv.Func)) || !x.stalls(iv) || names.IsRuntime(x.names.StartFunc(iv.Func)) {
			continue
		}
		var in *Span
		if n := len(x.free); n > 0 {
			in, x.free = x.free[n-1], x.free[:n-1]
		} else {
			in = &Span{}
		}
		*in = Span{Name: cmp.Or(x.given.of(iv.Stack, x.runs), x.names.StartFunc(iv.Func)), task: -1, g: iv.G, fn: iv.Func, Start: iv.Start, End: iv.End, unfinished: iv.Open&model.OpenEnd != 0}
		ended(in)
	}
}

// runs is what a stack shows to run that a wrapper was given, "" where none was.
func (x *stallFinder) runs(stack uint32) string { return names.GivenStart(x.names.Stacks[stack]) }

// standsBy reports whether goroutines that start with a function wait for something to
// do, in a system call too.
func standsBy(start string) bool { return start == "os/signal.loop" }

func (x *stallFinder) stalls(iv *model.GInterval) bool {
	switch iv.State {
	case model.GRunnable:
		return true
	case model.GSyscall: // one that lasts as long as the trace waits for something to do, and so does one that accepts
		return iv.Open != model.OpenStart|model.OpenEnd && !iv.Unended && !accepts(x.names.Stacks[iv.Stack])
	case model.GWaiting:
		return iv.Reason == model.ReasonAssist || iv.Reason == model.ReasonSync && x.locks.Locking(iv.Stack) || sendsLate(iv) || x.sendsForEver(iv)
	}
	return false
}

// sendsLate reports whether a goroutine that had something to hand on had to wait until
// another one took it.
func sendsLate(iv *model.GInterval) bool {
	return iv.Reason == model.ReasonChanSend && iv.Open == 0 && iv.By != model.NoG && iv.End-iv.Start >= nothingSlow
}

// sendsForEver reports whether a goroutine still waits to send when the trace ends, and has
// for long. One that does from the beginning may be there to stand by.
func (x *stallFinder) sendsForEver(iv *model.GInterval) bool {
	return iv.Reason == model.ReasonChanSend && iv.Open == model.OpenEnd && iv.End-iv.Start >= sendsLong
}

// sendsLong is how long that must have been: far longer than a queue's turn.
const sendsLong = 100_000_000 // ns

func (*stallFinder) oldest() model.Time { return replay.Forever }

func (*stallFinder) close(model.Time, func(*Span)) {}

// atFinder finds stretches in which a goroutine was seen in a function each time: from the
// first sight of it with that anywhere on its stack to the last one in a row.
type atFinder struct {
	underWay[model.GoID]
	unwanted others
	names    *names.Table
	match    *regexp.Regexp
	stacks   matching // each with the outermost function that matches
}

func (x *atFinder) others() []string { return x.unwanted }

// notes say what is not seen of such stretches.
func (x *atFinder) notes() []string {
	return []string{"a trace shows where goroutines were only when they stopped, were preempted, helped the collector or were sampled by a CPU profile: what they did in between is not seen"}
}

func (x *atFinder) Find(f *model.Facts, ended func(*Span)) {
	eachSight(f, func(iv *model.GInterval) { x.stretch(iv, ended) }, func(s sight) { x.seen(&s, ended) })
}

// stretch takes in that a goroutine stood where it was seen last, or is there no longer.
func (x *atFinder) stretch(iv *model.GInterval, ended func(*Span)) {
	in := x.open[iv.G]
	switch {
	case in == nil:
	case iv.Exit:
		x.over(in, ended)
	case iv.Start == in.End && iv.State == model.GRunnable: // it has to go on there
		in.End = iv.End
	}
}

// seen takes in where a goroutine was.
func (x *atFinder) seen(s *sight, ended func(*Span)) {
	name := x.stacks.of(s.stack, x.called)
	switch in := x.open[s.g]; {
	case name == "" && in != nil:
		x.over(in, ended)
	case name == "":
	case in == nil:
		x.begin(s.g, &Span{Name: name, task: -1, g: s.g, fn: s.fn, Start: s.since, End: s.at})
	default:
		in.End = s.at
	}
}

func (x *atFinder) over(in *Span, ended func(*Span)) {
	at := in.End
	x.end(in.g, at)
	ended(in)
}

// called is the outermost function on a stack that matches, "" for none.
func (x *atFinder) called(stack uint32) string {
	frames := x.names.Stacks[stack]
	name := outermost(frames, x.match)
	if name == "" && len(frames) > 0 {
		x.unwanted.add(frames[len(frames)-1].Func)
	}
	return name
}
