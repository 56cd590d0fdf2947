package compare

import (
	"cmp"
	"context"
	"io"
	"maps"
	"math"
	"slices"

	"gmptrace/analyze"
	"gmptrace/analyze/explain"
	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/model"
)

// Behaviour is what can be compared of a trace: distributions and rates, by
// windows of equal length, so that it shows too how much they vary by themselves.
type Behaviour struct {
	Trace    report.Trace
	Window   int64 // length of each in ns; the last one may be longer by half
	Windows  int
	Series   []Series // by kind and name
	Rates    []Rate   // by name
	Causes   []Causes // by kind and name: where the time of requests, tasks, regions, lives and cycles went
	AtOnce   []AtOnce // by function and cause: where goroutines are blocked
	Findings []report.Finding
	Decided  []string // ids of the checks that could be decided, which have findings or have none
	Rules    []report.Rule
	Machine  *Machine       // what the machine gave; nil if it was not asked
	Report   *report.Report // all of what analyze.Analyze says; nil of a fixture's

	starts map[string]bool // functions that goroutines started with; nil of a fixture's
}

// SeriesKind is what a Series is the distribution of.
type SeriesKind string

// The kinds.
const (
	SeriesRequest  SeriesKind = "request"          // lengths of requests served, by handler
	SeriesComputed SeriesKind = "request-computed" // of those that never waited in their handler: which one that was mostly does not show
	SeriesTask     SeriesKind = "task"             // lengths of user tasks, by name
	SeriesRegion   SeriesKind = "region"           // lengths of user regions, by name
	SeriesLife     SeriesKind = "life"             // lives of goroutines that the trace holds whole, by the function that they run
	SeriesWait     SeriesKind = "wait"             // waits for a P, by the function that the goroutine runs: see report.FunctionTime
	SeriesAll      SeriesKind = "all-wait"         // waits for a P of all the program's goroutines

	// Of every program there are these, by the function that the goroutine runs.
	SeriesCycle    SeriesKind = "cycle"    // from when a goroutine that has been blocked before is woken until it is blocked again
	SeriesDispatch SeriesKind = "dispatch" // computing from one dispatch of a goroutine until it stops
	SeriesLeg      SeriesKind = "leg"      // computing from one place where a goroutine waits to the next
	SeriesAtOnce   SeriesKind = "at-once"  // no lengths: how many goroutines are let in at once, see AtOnce
)

// Series is the distribution of some lengths of time.
type Series struct {
	Kind    SeriesKind
	Name    string
	Windows []*stat.Sketch // as many as Behaviour.Windows; a length counts in the window that it ends in
	Allocs  int64          // of legs: how often they took memory from the heap, as far as events tell
	Inner   bool           // of cycles and dispatches: of goroutines that requests, tasks or regions ran on, which tell of the same time
}

// Whole is the distribution over the whole trace: what is shown of a trace are quantiles
// of this, as those of windows are of the windows.
func (s *Series) Whole() *stat.Sketch { return stat.Merged(s.Windows) }

// Rate is how much of something there was.
type Rate struct {
	Name    string
	Unit    string    // "/s", "ns/s" for time of Ps, or UnitWaited for that of goroutines
	Mean    float64   // of the trace, a second
	Windows []float64 // a second of trace time
}

// UnitWaited is the unit of how much all goroutines together wait a second, in ns.
const UnitWaited = "ns waited/s"

// Behave reads a trace and says what can be compared of it. Errors are those of
// analyze.Analyze.
func Behave(ctx context.Context, r io.Reader, opt replay.Options) (*Behaviour, error) {
	return BehaveAndReport(ctx, r, analyze.Options{Options: opt})
}

// BehaveAndReport is Behave, with a Report that has what opt asks for.
func BehaveAndReport(ctx context.Context, r io.Reader, opt analyze.Options) (*Behaviour, error) {
	a := analyze.Analysis{Options: opt}
	var b *collector
	tr, err := replay.Run(ctx, r, opt.Options, func(s *replay.Session) {
		a.Begin(s)
		b = replay.Shared(s, newCollector)
	})
	if err != nil {
		return nil, err
	}
	rep := a.Report(tr)
	out := &Behaviour{Trace: rep.Trace, Findings: rep.Findings, Decided: decided(rep.Checks), Rules: rep.Rules, Machine: machineOf(rep), Report: rep}
	if b != nil {
		b.finish(out)
	}
	return out, nil
}

const (
	firstWindow = 22  // windows begin with 1<<22 ns, 4 ms
	maxWindows  = 32  // from then on two become one
	maxSeries   = 512 // of a kind: names beyond those are not kept apart
)

// collector makes a Behaviour. As the length of the trace is not known beforehand,
// windows are joined two by two when they become too many.
type collector struct {
	names   *names.Table
	runners *measure.Runners
	zero    model.Time
	window  *replay.Window
	shift   uint
	end     model.Time

	stopped model.Time // when the world was stopped last
	series  map[seriesKey]*Series
	kinds   map[SeriesKind]int // names of each
	rates   [numRates]counter
	finders []seriesFinder

	accounts *accounts
	places   *places
	heap     *measure.HeapRoom
	legs     *legs
	limits   limits
	seen     *sightings
	ended    []instance      // among the facts at hand
	inner    map[uint32]bool // trails of goroutines that requests, tasks or regions ran on
}

// seriesKey is what belongs into one Series: a name or, until all has been read, a key of
// explain.LateNames for requests, of measure.Runners for waits and what is computed.
type seriesKey struct {
	kind SeriesKind
	name string
	of   uint32
}

type seriesFinder struct {
	kind   SeriesKind
	finder explain.Finder
}

// counter is a Rate in the making.
type counter struct{ counts []float64 } // by window

// What is counted.
const (
	rateDispatches = iota
	rateSteals
	rateGlobal
	rateHandoffs
	ratePreempts
	rateCreated
	rateRunning
	rateCollections
	rateGCWorker
	rateAssist
	rateSyscall
	rateSTW
	rateHandovers
	rateWaitLock
	rateWaitChannel
	rateWaitNetwork
	rateWaitSyscall
	rateWaitQueue
	rateWaitGC
	numRates
)

var rateNames = [numRates][2]string{
	rateDispatches:  {"dispatches", "/s"},
	rateSteals:      {"steals", "/s"},
	rateGlobal:      {"pulls from the global queue", "/s"},
	rateHandoffs:    {"handoffs", "/s"},
	ratePreempts:    {"preemptions", "/s"},
	rateCreated:     {"goroutines begun", "/s"},
	rateRunning:     {"Ps running goroutines", "ns/s"},
	rateCollections: {"collections of the garbage collector", "/s"},
	rateGCWorker:    {"mark workers of the garbage collector running", "ns/s"},
	rateAssist:      {"mark assists for the garbage collector running", "ns/s"},
	rateSyscall:     {"Ps held by system calls", "ns/s"},
	rateSTW:         {"world stopped", "ns/s"},

	rateHandovers:   {"waits ended by another goroutine", "/s"},
	rateWaitLock:    {"waiting for locks, semaphores and wait groups", UnitWaited},
	rateWaitChannel: {"waiting for channels", UnitWaited},
	rateWaitNetwork: {"waiting for the network", UnitWaited},
	rateWaitSyscall: {"in system calls", UnitWaited},
	rateWaitQueue:   {"waiting for a P", UnitWaited},
	rateWaitGC:      {"waiting for the collector", UnitWaited},
}

// rateOf are the rates of waiting by cause.
var rateOf = map[CauseKind]int{CauseLock: rateWaitLock, CauseChannel: rateWaitChannel, CauseNetwork: rateWaitNetwork,
	CauseSyscall: rateWaitSyscall, CauseQueue: rateWaitQueue, CauseCollector: rateWaitGC}

func newCollector(s *replay.Session) *collector {
	n := s.Names
	b := &collector{names: n, runners: replay.Shared(s, measure.NewRunners), heap: replay.Shared(s, measure.NewHeapRoom), zero: s.Zero, window: s.Window, shift: firstWindow, places: newPlaces(), legs: newLegs(), seen: newSightings(), inner: map[uint32]bool{}, series: map[seriesKey]*Series{}, kinds: map[SeriesKind]int{}, finders: []seriesFinder{
		{SeriesRequest, explain.FindAll(n, report.KindRequest)},
		{SeriesTask, explain.FindAll(n, report.KindTask)},
		{SeriesRegion, explain.FindAll(n, report.KindRegion)},
		{SeriesLife, explain.FindAll(n, report.KindGoroutine)},
	}}
	b.accounts = newAccounts(replay.Shared(s, measure.NewMachine), b.at)
	return b
}

// at is the window that a time lies in.
func (b *collector) at(t model.Time) int {
	off := max(0, t-b.zero)
	for off>>b.shift >= maxWindows {
		b.halve()
	}
	return int(off >> b.shift)
}

// halve joins the windows two by two.
func (b *collector) halve() {
	b.shift++
	for _, s := range b.series {
		var joined []*stat.Sketch
		for i := 0; i < len(s.Windows); i += 2 {
			joined = append(joined, joinedSketch(s.Windows[i:min(i+2, len(s.Windows))]))
		}
		s.Windows = joined
	}
	for i := range b.rates {
		b.rates[i].counts = halved(b.rates[i].counts)
	}
	b.places.halve()
	b.accounts.halve()
}

// joinedSketch joins some sketches, any of which may be missing, into the first one.
func joinedSketch(some []*stat.Sketch) *stat.Sketch {
	var out *stat.Sketch
	for _, s := range some {
		switch {
		case out == nil:
			out = s
		case s != nil:
			out.Merge(s)
		}
	}
	return out
}

func (b *collector) count(what int, at model.Time, n float64) {
	w := b.at(at)
	r := &b.rates[what]
	r.counts = addAt(r.counts, w, n)
}

// spent counts a stretch of time, in the window that it ends in: stretches are
// short beside windows.
func (b *collector) spent(what int, from, to model.Time) { b.count(what, to, float64(to-from)) }

// spread counts a stretch of time that may be long, in all windows that it lies in.
func (b *collector) spread(what int, from, to model.Time) {
	b.each(from, to, func(window int, ns float64) { b.rates[what].counts = addAt(b.rates[what].counts, window, ns) })
}

// each tells the windows that a stretch of time lies in, and how much of it does.
func (b *collector) each(from, to model.Time, tell func(window int, ns float64)) {
	b.at(to) // which may make windows longer
	for from < to {
		w := b.at(from)
		end := min(to, b.zero+model.Time(w+1)<<b.shift)
		tell(w, float64(end-from))
		from = end
	}
}

func (b *collector) add(kind SeriesKind, name string, end, length model.Time) bool {
	return b.addTo(seriesKey{kind: kind, name: name}, end, length)
}

// addTo reports whether there is room for the series.
func (b *collector) addTo(k seriesKey, end, length model.Time) bool {
	s := b.series[k]
	if s == nil {
		if b.kinds[k.kind] >= maxSeries {
			return false
		}
		b.kinds[k.kind]++
		s = &Series{Kind: k.kind, Name: k.name}
		b.series[k] = s
	}
	w := b.at(end)
	for w >= len(s.Windows) {
		s.Windows = append(s.Windows, nil)
	}
	if s.Windows[w] == nil {
		s.Windows[w] = &stat.Sketch{}
	}
	s.Windows[w].Add(int64(length))
	return true
}

func (b *collector) Watch(f *model.Facts) {
	b.end = f.Now
	b.find(f)
	b.dispatches(f)
	for i := range f.Handoffs {
		b.count(rateHandoffs, f.Handoffs[i].Time, 1)
	}
	for i := range f.Preempts {
		b.count(ratePreempts, f.Preempts[i].Time, 1)
	}
	b.stretches(f)
	for i := range f.Ps {
		b.did(&f.Ps[i])
	}
	for i := range f.Events {
		b.event(&f.Events[i])
	}
}

// find takes in the requests, tasks, regions and lives that ended, and notes them for the
// accounts of their time.
func (b *collector) find(f *model.Facts) {
	b.ended = b.ended[:0]
	for i := range b.finders {
		x := &b.finders[i]
		x.finder.Find(f, func(in *explain.Span) {
			if !b.window.Holds(in.Start) || in.End > b.window.To {
				return
			}
			k := seriesKey{x.kind, in.Name, in.Key}
			kept := (in.Name != "" || in.Key != 0) && b.addTo(k, in.End, in.End-in.Start)
			if x.kind == SeriesRequest { // whether the handler shows depends on whether it was blocked: only all together are the same ones next time
				all := b.add(x.kind, "", in.End, in.End-in.Start)
				if k := (seriesKey{kind: SeriesComputed}); !in.Stopped() && b.addTo(k, in.End, in.End-in.Start) {
					b.seen.see(b.seen.handlers, in.Key)
					b.ended = append(b.ended, instance{k, in.Goroutine(), in.Start, in.End})
				}
				if !kept {
					k, kept = seriesKey{kind: x.kind}, all
				}
			}
			if kept {
				b.ended = append(b.ended, instance{k, in.Goroutine(), in.Start, in.End})
			}
		})
	}
	for i := range b.ended {
		if b.ended[i].of.kind != SeriesLife {
			b.accounts.g(b.ended[i].g).inner = true
		}
	}
	slices.SortStableFunc(b.ended, func(a, b instance) int { return cmp.Compare(a.end, b.end) })
}

// dispatches counts dispatches, and the waits that they ended.
func (b *collector) dispatches(f *model.Facts) {
	for i := range f.Dispatches {
		d := &f.Dispatches[i]
		b.count(rateDispatches, d.Time, 1)
		switch d.Source {
		case model.SourceSteal, model.SourceStealRunnext:
			b.count(rateSteals, d.Time, 1)
		case model.SourceGlobal, model.SourceGlobalTick:
			b.count(rateGlobal, d.Time, 1)
		}
		if !d.Runtime && !d.Censored {
			b.waited(d, b.runners.Dispatches[i])
			b.add(SeriesAll, "", d.Time, d.Time-d.Ready)
		}
	}
	for i := range b.runners.LateDispatches {
		if d := &b.runners.LateDispatches[i]; !d.Runtime && !d.Censored {
			b.waited(&d.Dispatch, d.Trail)
		}
	}
}

// stretches takes in what goroutines did, and closes the accounts of what ended meanwhile
// at its time.
func (b *collector) stretches(f *model.Facts) {
	ended, events := b.ended, f.Events
	for i := range f.Gs {
		iv := &f.Gs[i]
		for ; len(events) > 0 && events[0].Time <= iv.End; events = events[1:] {
			b.allocated(&events[0])
		}
		for ; len(ended) > 0 && ended[0].end <= iv.End; ended = ended[1:] {
			b.accounts.end(ended[0])
		}
		b.stretch(iv, b.runners.Gs[i])
	}
	for i := range ended {
		b.accounts.end(ended[i])
	}
	for i := range events {
		b.allocated(&events[i])
	}
}

// did counts what a P did.
func (b *collector) did(iv *model.PInterval) {
	switch {
	case iv.Does == model.PDoesRun && iv.Worker:
		b.spent(rateGCWorker, iv.Start, iv.End)
		fallthrough
	case iv.Does == model.PDoesRun:
		b.spent(rateRunning, iv.Start, iv.End)
	case iv.Does == model.PDoesSyscall:
		b.spent(rateSyscall, iv.Start, iv.End)
	}
}

// waited counts a wait for a P of goroutines of a trail; 0 is that of one that has not
// shown what it runs.
func (b *collector) waited(d *model.Dispatch, trail uint32) {
	if trail != 0 {
		b.addTo(seriesKey{kind: SeriesWait, of: trail}, d.Time, d.Time-d.Ready)
	}
}

// stretch takes in what a goroutine did.
func (b *collector) stretch(iv *model.GInterval, trail uint32) {
	if iv.First && iv.Open&model.OpenStart == 0 {
		b.count(rateCreated, iv.Start, 1)
	}
	if iv.Runtime {
		return
	}
	if iv.Assist && iv.State == model.GRunning {
		b.spent(rateAssist, iv.Start, iv.End)
	}
	if iv.State == model.GWaiting && iv.By != model.NoG {
		b.count(rateHandovers, iv.End, 1)
	}
	if rate, ok := rateOf[doingOf(iv).cause]; ok && iv.State != model.GRunning {
		b.spread(rate, iv.Start, iv.End)
	}
	b.place(iv)
	g := b.accounts.g(iv.G)
	b.accounts.take(g, iv)
	b.cycle(g, iv, trail)
	b.leg(g, iv, trail)
	b.limit(g, iv)
	if iv.Exit {
		b.accounts.forget(iv.G)
	}
}

func (b *collector) event(ev *model.Event) {
	switch ev.Op {
	case model.OpGCBegin:
		b.count(rateCollections, ev.Time, 1)
	case model.OpCPUSample:
		b.seen.see(b.seen.sampled, ev.Stack)
	case model.OpSTWBegin:
		b.stopped = ev.Time
	case model.OpSTWEnd:
		b.spent(rateSTW, max(b.stopped, b.zero), ev.Time)
	}
}

// name gives series whose names were not known until now theirs, and joins those with
// the same. Of requests that have none there is only the series of all.
func (b *collector) name() {
	starts, handlers := b.names.Starts(), b.finders[0].finder.(explain.LateNames)
	for _, k := range slices.SortedFunc(maps.Keys(b.series), func(a, b seriesKey) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.of, b.of), cmp.Compare(a.name, b.name))
	}) {
		named := seriesKey{kind: k.kind, name: k.name}
		switch {
		case k.kind == SeriesWait || k.kind == SeriesCycle || k.kind == SeriesDispatch:
			named.name = starts.Name(b.runners.Trails, k.of)
		case k.kind == SeriesLeg:
			named.name = b.legs.name(k.of, b, starts)
		case k.kind == SeriesLife:
			named.name = starts.Always(k.name)
		case k.of != 0:
			named.name = handlers.Called(k.of)
		}
		if named == k {
			continue
		}
		s := b.series[k]
		delete(b.series, k)
		b.accounts.rename(k, named)
		if named.name == "" && k.kind == SeriesRequest {
			continue
		}
		to := b.series[named]
		if to == nil {
			to = &Series{Kind: k.kind, Name: named.name}
			b.series[named] = to
		}
		to.Allocs += s.Allocs
		if k.kind == SeriesCycle || k.kind == SeriesDispatch {
			to.Inner = to.Inner || b.inner[k.of]
		}
		for w, x := range s.Windows {
			if w == len(to.Windows) {
				to.Windows = append(to.Windows, nil)
			}
			to.Windows[w] = joinedSketch([]*stat.Sketch{to.Windows[w], x})
		}
	}
}

// finish fills in what was seen. A last window that is not half full is joined
// with the one before.
func (b *collector) finish(out *Behaviour) {
	b.at(b.end) // nothing may have been counted for long, as where a time is damaged
	out.Window = 1 << b.shift
	length := int64(b.end - b.zero)
	out.Windows = max(1, int((length+out.Window/2)/out.Window))
	b.accounts.close()
	b.name()
	out.Causes = b.accounts.causes(b.names.Places())
	out.AtOnce = b.limits.atOnce(b.names)
	for i := range out.Causes {
		out.Causes[i].fold(1, out.Windows)
	}
	b.tell(out)
	out.starts = map[string]bool{}
	for _, fn := range b.names.Start {
		out.starts[b.names.Funcs[fn]] = true
	}
	for _, k := range slices.SortedFunc(maps.Keys(b.series), func(a, b seriesKey) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name))
	}) {
		s := b.series[k]
		for len(s.Windows) < out.Windows {
			s.Windows = append(s.Windows, nil)
		}
		last := joinedSketch(s.Windows[out.Windows-1:])
		s.Windows = append(s.Windows[:out.Windows-1], last)
		for i, w := range s.Windows {
			if w == nil {
				s.Windows[i] = &stat.Sketch{}
			}
		}
		out.Series = append(out.Series, *s)
	}
	for i := range b.rates {
		out.Rates = append(out.Rates, out.rate(rateNames[i][0], rateNames[i][1], b.rates[i].counts, length))
	}
	b.places.rates(b.names, out, length)
	out.room(b.heap)
	out.Series = keepLegs(out.Series, float64(length)/1e9)
}

// rate is one of what was counted by windows, in a trace of a length in ns.
func (b *Behaviour) rate(name, unit string, counts []float64, length int64) Rate {
	r := Rate{Name: name, Unit: unit, Windows: folded(counts, 1, b.Windows)}
	for _, n := range counts {
		r.Mean += n * 1e9 / float64(max(1, length))
	}
	r.Mean = math.Round(r.Mean*1e3) / 1e3 // as a fixture keeps it
	for w := range r.Windows {
		seconds := float64(b.Window) / 1e9
		if w == b.Windows-1 {
			seconds = float64(length-int64(w)*b.Window) / 1e9
		}
		r.Windows[w] = math.Round(10*r.Windows[w]/seconds) / 10 // as a fixture has it
	}
	return r
}
