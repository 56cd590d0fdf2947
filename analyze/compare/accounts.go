package compare

import (
	"cmp"
	"slices"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// accounts tell what the goroutines of instances did meanwhile. An instance of any kind
// is looked at, not some: a mean of all of them moves less by chance than what is known
// of a few in detail. What others did in the meantime is not gone into.
type accounts struct {
	newest []stretch // of all goroutines: the n-th has the place n modulo keptStretches
	told   uint64    // stretches so far
	gs     map[model.GoID]*goroutine
	spare  []*goroutine
	sums   map[seriesKey]*causeSums
	cpus   *measure.Machine
	onCPUs int // entries of all causeSums.onCPU
	at     func(model.Time) int
	parts  int // windows of doings of all causeSums
}

// Only what is among the last few stretches of the program is looked at, so that memory
// does not grow: of what began earlier the rest counts as CauseNotKnown. Half of those
// kept are enough, as facts come in portions.
const (
	keptStretches = 1 << 17
	reach         = keptStretches / 2
	mostStretches = 1 << 12 // of one instance
	mostEnded     = 1 << 10 // instances of one goroutine in one stretch
	mostDoings    = 1 << 8  // told apart of one series
	mostParts     = 1 << 12 // doings of all series of which is known in which windows they were
)

// stretch is what a goroutine did for a time.
type stretch struct {
	start, end model.Time
	before     uint64 // number of the goroutine's one before, 0 for none
	what       doing
	needs      needed
}

// doing is what a goroutine does, and where where that shows.
type doing struct {
	cause CauseKind
	stack uint32
}

// goroutine is one that has not ended.
type goroutine struct {
	last    uint64     // number of its newest stretch, 0 for none
	ended   []instance // whose last stretch has not been told of
	cycle   cycle
	leg     leg
	blocked doing // in what it was last, until since
	since   model.Time
	inner   bool // a request, task or region has ended on it
}

// instance is one length of a Series.
type instance struct {
	of         seriesKey
	g          model.GoID
	start, end model.Time
}

// causeSums are the causes of a Series in the making.
type causeSums struct {
	count int64
	ns    map[doing]int64
	ended []int64           // instances by the window that they end in
	parts map[doing][]int64 // of what can be held: ns by the window that their instances end in
	onCPU map[cpuUse]int64  // ns that took a CPU, as far as samples may tell whether there was one
}

// newAccounts makes accounts of instances, which at tells the windows of.
func newAccounts(cpus *measure.Machine, at func(model.Time) int) *accounts {
	return &accounts{cpus: cpus, at: at, newest: make([]stretch, 0, 1<<10), gs: map[model.GoID]*goroutine{}, sums: map[seriesKey]*causeSums{}}
}

// g is a goroutine.
func (a *accounts) g(id model.GoID) *goroutine {
	g := a.gs[id]
	if g == nil {
		g = &goroutine{}
		if n := len(a.spare); n > 0 {
			g, a.spare = a.spare[n-1], a.spare[:n-1]
		}
		a.gs[id] = g
	}
	return g
}

func (a *accounts) forget(id model.GoID) {
	g := a.gs[id]
	delete(a.gs, id)
	*g = goroutine{ended: g.ended[:0]}
	a.spare = append(a.spare, g)
}

// take takes in a goroutine's next stretch, and accounts for the instances that end in it.
func (a *accounts) take(g *goroutine, iv *model.GInterval) {
	a.told++
	if g.last != 0 && g.last+keptStretches > a.told {
		if before := &a.newest[g.last%keptStretches]; before.what.cause == CauseRunning {
			before.what.stack = iv.Stack // where it stopped
		}
	}
	s := stretch{iv.Start, iv.End, g.last, doingOf(iv), neededBy(iv)}
	if at := int(a.told % keptStretches); at < len(a.newest) {
		a.newest[at] = s
	} else {
		for len(a.newest) < at { // the first has number 1
			a.newest = append(a.newest, stretch{})
		}
		a.newest = append(a.newest, s)
	}
	g.last = a.told
	left := g.ended[:0]
	for _, in := range g.ended {
		if in.end > iv.End {
			left = append(left, in)
			continue
		}
		a.account(g, &in)
	}
	g.ended = left
}

// end accounts for an instance, now or when the stretch that it ends in has been told of.
func (a *accounts) end(in instance) {
	g := a.gs[in.g]
	switch {
	case g == nil || g.last == 0:
		return
	case a.newest[g.last%keptStretches].end >= in.end:
		a.account(g, &in)
	case len(g.ended) < mostEnded:
		g.ended = append(g.ended, in)
	}
}

// close accounts for what the end of the trace leaves.
func (a *accounts) close() {
	for _, g := range a.gs { // sums do not depend on the order
		for i := range g.ended {
			a.account(g, &g.ended[i])
		}
		g.ended = nil
	}
}

// account adds what an instance's goroutine did.
func (a *accounts) account(g *goroutine, in *instance) {
	sums := a.sums[in.of]
	if sums == nil {
		sums = newCauseSums()
		a.sums[in.of] = sums
	}
	sums.count++
	window := a.at(in.end)
	sums.ended = addAt(sums.ended, window, 1)
	left, seen := in.end-in.start, 0
	until := uint64(0) // number of the stretch that it ends in
	for n := g.last; n != 0 && seen < mostStretches; seen++ {
		if n+keptStretches <= a.told || until > 0 && n+reach <= until {
			break
		}
		s := &a.newest[n%keptStretches]
		if s.end <= in.start {
			break
		}
		number := n
		if n = s.before; s.start >= in.end {
			seen--
			continue
		}
		if until == 0 {
			until = number
		}
		ns := min(s.end, in.end) - max(s.start, in.start)
		if in.of.kind == SeriesDispatch && s.what.cause != CauseRunning && s.what.cause != CauseCollector {
			left -= max(0, ns) // of the same dispatch, and not what is computed in it
			continue
		}
		if ns > 0 {
			a.part(sums, sums.add(s.what, int64(ns)), window, int64(ns))
			a.use(sums, s.needs, max(s.start, in.start), min(s.end, in.end))
			left -= ns
		}
	}
	if left > 0 {
		sums.add(doing{cause: CauseNotKnown}, int64(left))
	}
}

func newCauseSums() *causeSums { return &causeSums{ns: map[doing]int64{}, parts: map[doing][]int64{}} }

// add returns what the time was added to: where there are many doings, those of no place.
func (s *causeSums) add(what doing, ns int64) doing {
	if _, ok := s.ns[what]; !ok && len(s.ns) >= mostDoings {
		what.stack = 0
	}
	s.ns[what] += ns
	return what
}

// part notes in which window a doing that can be held was.
func (a *accounts) part(s *causeSums, what doing, window int, ns int64) {
	if !heldCauses[what.cause] || what.stack == 0 {
		return
	}
	windows, ok := s.parts[what]
	if !ok {
		if a.parts >= mostParts {
			return
		}
		a.parts++
	}
	s.parts[what] = addAt(windows, window, ns)
}

// halve joins the windows two by two.
func (a *accounts) halve() {
	for _, s := range a.sums {
		s.ended = halved(s.ended)
		for what, windows := range s.parts {
			s.parts[what] = halved(windows)
		}
	}
}

func (s *causeSums) merge(o *causeSums) {
	s.count += o.count
	for what, ns := range o.ns {
		s.ns[what] += ns
	}
	s.ended = sumOf(s.ended, o.ended)
	for what, windows := range o.parts {
		s.parts[what] = sumOf(s.parts[what], windows)
	}
	for use, ns := range o.onCPU {
		if s.onCPU == nil {
			s.onCPU = map[cpuUse]int64{}
		}
		s.onCPU[use] += ns
	}
}

// doingOf is what a goroutine does in a stretch.
func doingOf(iv *model.GInterval) doing {
	switch iv.State {
	case model.GRunning:
		if iv.Assist {
			return doing{cause: CauseCollector}
		}
		return doing{cause: CauseRunning}
	case model.GRunnable:
		return doing{cause: CauseQueue}
	case model.GSyscall:
		return doing{CauseSyscall, iv.Stack}
	case model.GWaiting:
		c := CauseKind(report.BlockedOn(iv.Reason))
		if c == CauseCollector {
			return doing{cause: c}
		}
		return doing{c, iv.Stack}
	}
	return doing{cause: CauseNotKnown}
}

// rename gives what is known of a series to the one of another key.
func (a *accounts) rename(from, to seriesKey) {
	sums := a.sums[from]
	if sums == nil {
		return
	}
	delete(a.sums, from)
	if has := a.sums[to]; has != nil {
		has.merge(sums)
		return
	}
	a.sums[to] = sums
}

// causes are those of all series, requests of whatever handler among those of none.
func (a *accounts) causes(places *names.Places) []Causes {
	all := newCauseSums()
	for k, s := range a.sums {
		if k.kind == SeriesRequest {
			all.merge(s)
		}
	}
	if all.count > 0 {
		a.sums[seriesKey{kind: SeriesRequest}] = all
	}
	var out []Causes
	for k, s := range a.sums {
		if s.count >= fewestValues {
			c := Causes{Kind: k.kind, Name: k.name, Instances: s.count, Ended: s.ended}
			c.Causes, c.Rest = s.causes(places)
			c.NoCPU = a.noCPU(s) / s.count
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b Causes) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name)) })
	return out
}

// mostPlaces is how many places of one series are told of.
const mostPlaces = 8

// causes are those of a series, each with its place.
func (s *causeSums) causes(places *names.Places) (list []Cause, rest int64) {
	at := map[[2]string]int{}
	longest := []int64{} // at one place of the function
	for _, what := range s.ordered() {
		c := Cause{Kind: what.cause, NS: s.ns[what], Windows: s.parts[what]}
		if p := places.Of(what.stack); what.stack != 0 && p != nil {
			c.Func, c.File, c.Line, c.Call = p.At.Func, names.FileName(p.At.File), p.At.Line, p.Callee
		}
		i, ok := at[c.key()]
		if !ok {
			at[c.key()] = len(list)
			list, longest = append(list, c), append(longest, c.NS)
			continue
		}
		sum, windows := list[i].NS+c.NS, sumOf(list[i].Windows, c.Windows)
		if c.NS > longest[i] {
			list[i], longest[i] = c, c.NS
		}
		list[i].NS, list[i].Windows = sum, windows
	}
	for i := range list {
		list[i].NS /= s.count
	}
	slices.SortFunc(list, func(a, b Cause) int {
		return cmp.Or(cmp.Compare(b.NS, a.NS), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Func, b.Func))
	})
	n := 0
	list = slices.DeleteFunc(list, func(c Cause) bool {
		if c.Func != "" {
			n++
		}
		drop := c.NS == 0 || c.Func != "" && n > mostPlaces
		if drop {
			rest += c.NS
		}
		return drop
	})
	return list, rest
}

func (s *causeSums) ordered() []doing {
	var all []doing
	for what := range s.ns {
		all = append(all, what)
	}
	slices.SortFunc(all, func(a, b doing) int {
		return cmp.Or(cmp.Compare(a.cause, b.cause), cmp.Compare(a.stack, b.stack))
	})
	return all
}
