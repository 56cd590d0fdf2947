package fleet

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// Schema names the version of the JSON form of a Result: see report.Schema. It is
// documented in analyze/schema/fleet.schema.json; units are those of a report.
const Schema = "gmptrace.fleet/1"

// Result is what is told of a fleet.
type Result struct {
	Schema    string      `json:"schema"`
	Version   string      `json:"gmptrace_version"`
	Headline  string      `json:"headline"`
	Detail    string      `json:"detail"`
	Advice    string      `json:"advice"`
	Traces    Traces      `json:"traces"`
	Builds    []Party     `json:"builds"` // oldest first
	Hosts     []Party     `json:"hosts"`  // in the order of their names, the first MostListed
	Causes    []Cause     `json:"causes"` // of each sample, those that had most of the time that slow ones took longer first
	Findings  []Finding   `json:"findings"`
	Quantiles []Quantiles `json:"quantiles"`
	Outliers  []Outlier   `json:"outliers"` // hosts that stand out
	Changes   []Change    `json:"changes"`  // between a build and the one before
	Lost      []Lost      `json:"lost"`     // traces that could not be read, the first few
	Notes     []string    `json:"notes"`
}

// MostListed is how many of each list a Result has at most.
const MostListed = 1000

// Traces counts them.
type Traces struct {
	Count      int64 `json:"count"`
	Complete   int64 `json:"complete"`
	Partial    int64 `json:"partial"`
	Unreadable int64 `json:"unreadable"`

	Baseline int64 `json:"baseline"` // of those that could be read, taken by chance
	Slow     int64 `json:"slow"`     // because something was slow
	Other    int64 `json:"other"`    // nothing tells why, or somebody asked for it

	Hosts    int    `json:"hosts"`  // that are told
	Builds   int    `json:"builds"` // that are told
	Events   int64  `json:"events"`
	Duration int64  `json:"duration_ns"`
	Sample   Sample `json:"quantiles_of"` // which of the three quantiles are of; "" for none
}

// Party is a host or a build.
type Party struct {
	Name     string   `json:"name"` // "" where nothing tells
	Traces   int64    `json:"traces"`
	Baseline int64    `json:"baseline"`
	Slow     int64    `json:"slow"`
	Start    string   `json:"start"` // of its first trace; "" where none tells
	With     []string `json:"with"`  // of a host its builds; of a build its hosts: the first few
	Others   int      `json:"with_others"`
}

// Tally is how many traces of a host, a build or a line there are.
type Tally struct {
	Name   string `json:"name"` // "" where nothing tells
	Traces int64  `json:"traces"`
	Of     int64  `json:"of"` // traces that there are of it, where that can be said; else 0
}

// Worst is a trace in which something was worst.
type Worst struct {
	Trace  string `json:"trace"` // its key
	Path   string `json:"path"`  // what it was called when it was read
	CostNS int64  `json:"cost_ns"`
	At     int64  `json:"at_ns"`
	Text   string `json:"text"` // what its report says
}

// Told is what several traces have in common.
type Told struct {
	Traces int64   `json:"traces"`
	Of     int64   `json:"of"` // traces that could have told of it
	CostNS int64   `json:"cost_ns"`
	Text   string  `json:"text"`   // of the trace in which it was worst
	Advice string  `json:"advice"` // of that trace
	Hosts  []Tally `json:"hosts"`  // most traces first, the first few
	Builds []Tally `json:"builds"`
	NHosts int     `json:"n_hosts"`  // told apart
	NBuild int     `json:"n_builds"` // told apart
	Lines  []Tally `json:"culprits"` // function and line
	Worst  []Worst `json:"worst"`
}

// Cause is what the slowest requests or tasks of several traces spent their time on.
type Cause struct {
	Sample Sample `json:"sample"`
	Kind   string `json:"kind"` // as of a root
	Func   string `json:"func"` // who is behind it; "" where nobody in particular is
	Told   `json:"seen"`
	First  int64   `json:"first"` // of Traces: it had most of the time
	Share  float64 `json:"share"` // of the time that slow ones took longer than typical ones: the mean over the sample's traces that tell
}

// Finding is what a check found in several traces.
type Finding struct {
	ID       string `json:"id"`
	Told     `json:"seen"`
	Critical int64 `json:"critical"` // of Traces
	Warning  int64 `json:"warning"`
	Baseline int64 `json:"baseline"`
	Slow     int64 `json:"slow"`
}

// Quantile is one, with the interval that holds it in 19 of 20 fleets like this one.
type Quantile struct {
	NS int64  `json:"ns"`
	Lo *int64 `json:"lo_ns"` // nil of a single trace, which does not tell how traces vary
	Hi *int64 `json:"hi_ns"` // nil, too, where nothing tells how much longer there could be
}

// Quantiles is a distribution of one build.
type Quantiles struct {
	Of     string   `json:"of"`    // request, task, sched or blocked: see OfRequest
	Name   string   `json:"name"`  // handler, task or cause; "" of requests whose handler does not show
	Build  string   `json:"build"` // "" where nothing tells
	Traces int64    `json:"traces"`
	Count  int64    `json:"count"`
	Open   int64    `json:"unfinished"` // of Count: lower bounds
	Min    int64    `json:"min_ns"`
	P50    Quantile `json:"p50"`
	P90    Quantile `json:"p90"`
	P99    Quantile `json:"p99"`
	P999   Quantile `json:"p999"`
	Max    int64    `json:"max_ns"`
}

// Lost is a trace that could not be read.
type Lost struct {
	Trace string `json:"trace"`
	Path  string `json:"path"`
	Text  string `json:"text"`
}

// Result is what the fleet's traces say together. The Fleet may be added to afterwards.
func (f *Fleet) Result() *Result {
	t := teller{s: &f.s, out: &Result{Schema: Schema, Version: report.Devel, Builds: []Party{}, Hosts: []Party{}, Causes: []Cause{}, Findings: []Finding{},
		Quantiles: []Quantiles{}, Outliers: []Outlier{}, Changes: []Change{}, Lost: []Lost{}, Notes: []string{}}}
	t.traces()
	t.parties()
	t.lost()
	t.causes()
	t.findings()
	t.quantiles()
	t.outliers()
	t.changes()
	t.notes()
	t.headline()
	return t.out
}

// teller makes a Result.
type teller struct {
	s      *sums
	out    *Result
	sample int // that quantiles are of; -1 for none
	builds []string

	byShare, byPlace index // nil until they are asked for
}

func (t *teller) traces() {
	s := t.s
	t.out.Traces = Traces{Count: int64(len(s.Paths)), Complete: s.Quality[QualityComplete], Partial: s.Quality[QualityPartial], Unreadable: s.Quality[QualityUnreadable],
		Baseline: s.Traces.N[0], Slow: s.Traces.N[1], Other: s.Traces.N[2], Events: s.Events, Duration: s.Duration}
	t.sample = -1
	for _, i := range []int{0, 2} {
		if t.sample < 0 && s.Traces.N[i] > 0 {
			t.sample, t.out.Traces.Sample = i, samples[i]
		}
	}
}

// mostWith is how many names a list within a list has.
const mostWith = 10

func (t *teller) parties() {
	t.out.Hosts, t.out.Traces.Hosts = t.list(&t.s.Hosts)
	t.out.Builds, t.out.Traces.Builds = t.list(&t.s.Builds)
	inOrder(t.out.Builds)
	for _, b := range t.out.Builds {
		t.builds = append(t.builds, b.Name)
	}
}

func (t *teller) list(all *table[member, *member]) (out []Party, named int) {
	out = []Party{}
	for _, k := range all.keys(mostParties) {
		p := all.By[k]
		if k[0] != "" {
			named++
		}
		if len(out) == MostListed {
			continue
		}
		x := Party{Name: k[0], Traces: p.Traces.all(), Baseline: p.Traces.N[0], Slow: p.Traces.N[1], Start: p.Start, With: []string{}}
		for name := range p.With {
			if name != "" {
				x.With = append(x.With, name)
			}
		}
		slices.SortFunc(x.With, natural)
		x.Others = max(0, len(x.With)-mostWith)
		x.With = x.With[:len(x.With)-x.Others]
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b Party) int { return natural(a.Name, b.Name) })
	return out, named
}

// inOrder sorts builds by when they were first seen, and by their names where that is not
// known of all that have one.
func inOrder(builds []Party) {
	for _, b := range builds {
		if b.Start == "" && b.Name != "" {
			return
		}
	}
	slices.SortStableFunc(builds, func(a, b Party) int { return cmp.Compare(a.Start, b.Start) })
}

// natural compares names with numbers in them as people do: v9 comes before v10.
func natural(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		n, m := digits(x), digits(y)
		if n > 0 && m > 0 {
			u, v := strings.TrimLeft(x[:n], "0"), strings.TrimLeft(y[:m], "0")
			if c := cmp.Or(cmp.Compare(len(u), len(v)), cmp.Compare(u, v)); c != 0 {
				return c
			}
			x, y = x[n:], y[m:]
			continue
		}
		if x[0] != y[0] {
			return cmp.Compare(x[0], y[0])
		}
		x, y = x[1:], y[1:]
	}
	return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(a, b))
}

func digits(s string) int {
	return len(s) - len(strings.TrimLeft(s, "0123456789"))
}

func (t *teller) lost() {
	for k, why := range t.s.Lost {
		t.out.Lost = append(t.out.Lost, Lost{k, t.s.Paths[k], why})
	}
	slices.SortFunc(t.out.Lost, func(a, b Lost) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Trace, b.Trace)) })
}

// causes ranks those of each sample. Those of slow ones come first: they were taken to find
// that out.
func (t *teller) causes() {
	for _, i := range []int{1, 0, 2} {
		var list []Cause
		for _, k := range t.s.Causes.keys(mostSubjects) {
			if k[0] != string(samples[i]) {
				continue
			}
			s := t.s.Causes.By[k]
			c := Cause{Sample: samples[i], Kind: k[1], Func: k[2], First: s.First, Share: float64(s.Share) / 1e6 / float64(max(1, t.s.Told.N[i]))}
			c.Told = t.told(s, t.s.Told.N[i])
			t.tallies(&c.Told, label{"cause", k[1], k[2]}, i, func(p *member) int64 { return p.Told.N[i] })
			list = append(list, c)
		}
		slices.SortStableFunc(list, func(a, b Cause) int { return cmp.Or(cmp.Compare(b.Share, a.Share), cmp.Compare(b.Traces, a.Traces)) })
		t.out.Causes = append(t.out.Causes, list[:min(len(list), MostListed)]...)
	}
}

func (t *teller) told(s *subject, of int64) Told {
	x := Told{Traces: s.Traces.all(), Of: of, CostNS: s.Cost, Worst: []Worst{}}
	for _, w := range s.Worst.List {
		x.Worst = append(x.Worst, Worst{w.Trace, t.s.Paths[w.Trace], w.Cost, w.At, w.Text})
	}
	if len(s.Worst.List) > 0 {
		x.Text, x.Advice = s.Worst.List[0].Text, s.Worst.List[0].More
	}
	return x
}

// tallies says where something was seen: in the traces of one sample or, if that is -1, of
// all.
func (t *teller) tallies(x *Told, what label, sample int, of func(*member) int64) {
	n := func(c *count) int64 {
		if sample < 0 {
			return c.all()
		}
		return c.N[sample]
	}
	x.Hosts, x.NHosts = t.parts(t.shares(what, "host"), n, &t.s.Hosts, of)
	x.Builds, x.NBuild = t.parts(t.shares(what, "build"), n, &t.s.Builds, of)
	x.Lines = []Tally{}
	for _, k := range t.places(what) {
		if n := n(t.s.Places.By[k]); n > 0 {
			line, _ := strconv.ParseUint(k[5], 10, 64)
			x.Lines = append(x.Lines, Tally{Name: words.Place(k[3], k[4], line), Traces: n})
		}
	}
	x.Lines = x.Lines[:len(first(x.Lines))]
}

// parts are the traces by host or build, the most first.
func (t *teller) parts(keys []label, n func(*count) int64, all *table[member, *member], of func(*member) int64) (out []Tally, told int) {
	out = []Tally{}
	for _, k := range keys {
		traces := n(t.s.Shares.By[k])
		if traces == 0 {
			continue
		}
		x := Tally{Name: k[4], Traces: traces}
		if p := all.By[label{k[4]}]; p != nil {
			x.Of = of(p)
		}
		if k[4] != "" {
			told++
		}
		out = append(out, x)
	}
	return first(out), told
}

// first are the first few of some, those of most traces first.
func first(list []Tally) []Tally {
	slices.SortStableFunc(list, func(a, b Tally) int { return cmp.Or(cmp.Compare(b.Traces, a.Traces), natural(a.Name, b.Name)) })
	return list[:min(len(list), mostWith)]
}

func (t *teller) findings() {
	all := func(p *member) int64 { return p.Traces.all() }
	for _, k := range t.s.Findings.keys(mostSubjects) {
		s := t.s.Findings.By[k]
		if s.Severe[1]+s.Severe[2] == 0 {
			continue
		}
		x := Finding{ID: k[0], Critical: s.Severe[2], Warning: s.Severe[1], Baseline: s.Traces.N[0], Slow: s.Traces.N[1], Told: t.told(s, t.s.Traces.all())}
		t.tallies(&x.Told, label{"finding", k[0]}, -1, all)
		t.out.Findings = append(t.out.Findings, x)
	}
	slices.SortStableFunc(t.out.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(b.Critical+b.Warning, a.Critical+a.Warning), cmp.Compare(b.Critical, a.Critical), cmp.Compare(b.CostNS, a.CostNS))
	})
}

// ofOrder is the order of what quantiles are of.
var ofOrder = []string{OfRequest, OfTask, OfSched, OfBlocked}

func (t *teller) quantiles() {
	if t.sample < 0 {
		return
	}
	at := map[string]int{}
	for i, b := range t.builds {
		at[b] = i
	}
	for _, k := range t.s.Series.keys(mostSeries) {
		if k[0] != string(samples[t.sample]) {
			continue
		}
		s := t.s.Series.By[k]
		v := &s.Values
		t.out.Quantiles = append(t.out.Quantiles, Quantiles{Of: k[1], Name: k[2], Build: k[3], Traces: s.Traces, Count: v.N(), Open: s.Open, Min: v.Min(), Max: v.Max(),
			P50: s.quantile(.5), P90: s.quantile(.9), P99: s.quantile(.99), P999: s.quantile(.999)})
	}
	slices.SortStableFunc(t.out.Quantiles, func(a, b Quantiles) int {
		return cmp.Or(cmp.Compare(slices.Index(ofOrder, a.Of), slices.Index(ofOrder, b.Of)), cmp.Compare(a.Name, b.Name), cmp.Compare(at[a.Build], at[b.Build]))
	})
}

// notes say what can't be told, and why.
func (t *teller) notes() {
	n := &t.out.Traces
	add := func(format string, args ...any) { t.out.Notes = append(t.out.Notes, fmt.Sprintf(format, args...)) }
	switch {
	case t.sample == 0 && n.Slow+n.Other > 0:
		add("Quantiles are of the %s that were taken by chance (trigger baseline). The other %s are left out of them: what was taken because something was slow is a biased sample of how long things take.",
			words.Plural(n.Baseline, "snapshot"), words.Count(n.Slow+n.Other))
	case t.sample == 0:
		add("Quantiles are of snapshots that were taken by chance (trigger baseline), as all are here.")
	case t.sample == 2:
		add("No snapshot was taken by chance (trigger baseline), so quantiles are of the %s that do not tell why they were taken: if that was because something was slow, they are too high.", words.Plural(n.Other, "trace"))
		if n.Slow > 0 {
			add("The %s that were taken because something was slow are left out of quantiles.", words.Plural(n.Slow, "snapshot"))
		}
	case n.Slow > 0:
		add("There are no quantiles: all %s were taken because something was slow, which is a biased sample of how long things take. Let the flight recorder take some by chance (Config.Baseline).", words.Plural(n.Slow, "snapshot"))
	}
	if n.Slow > 0 {
		add("Causes of slow snapshots are counted among slow snapshots: shares there say what to mend, not how often it happens.")
	}
	if len(t.out.Quantiles) > 0 {
		add("An interval holds the quantile in 19 of 20 such fleets. It comes from how traces differ, not from how many values they have; a single trace has none.")
	}
	if n.Count > n.Unreadable && n.Hosts == 0 {
		add("No trace tells its host: --host and --host-from say it, and flight recorders' snapshots do.")
	}
	if n.Count > n.Unreadable && n.Builds == 0 {
		add("No trace tells its build: --build and --build-from say it, and flight recorders' snapshots do.")
	}
	for _, b := range t.out.Builds {
		if b.Start == "" && b.Name != "" {
			add("Builds are in the order of their names: not all of their traces tell when they were recorded.")
			break
		}
	}
	s := t.s
	if s.Hosts.Given || s.Builds.Given || s.Findings.Given || s.Causes.Given || s.Shares.Given || s.Places.Given || s.Series.Given || s.ByHost.Given {
		add("There are more names than are told apart: what is listed was picked by chance among them, and the rest is left out.")
	}
}

// headline is the answer: what most of the slow ones' time went to.
func (t *teller) headline() {
	r, n := t.out, &t.out.Traces
	read := n.Count - n.Unreadable
	switch {
	case n.Count == 0:
		r.Headline = "There are no traces."
		return
	case read == 0:
		r.Headline = fmt.Sprintf("None of the %s can be read.", words.Plural(n.Count, "trace"))
		return
	}
	r.Detail = t.extent()
	if len(r.Causes) > 0 {
		c := &r.Causes[0]
		r.Headline = fmt.Sprintf("%s of the time that slow requests or tasks took longer in %s went to %s", words.Share(c.Share), sampleWords(c.Sample, c.Of), c.Words())
		r.Headline += fmt.Sprintf(": in %s of them%s.", words.Count(c.Traces), onHosts(&c.Told))
		r.Advice = c.Advice
		return
	}
	if len(r.Findings) > 0 {
		f := &r.Findings[0]
		r.Headline = fmt.Sprintf("%s of %s show %s%s: %s", words.Count(f.Traces), words.Plural(read, "trace"), f.ID, onHosts(&f.Told), f.Text)
		r.Advice = f.Advice
		return
	}
	r.Headline = fmt.Sprintf("Nothing is wrong in %s.", words.Plural(read, "trace"))
}

// extent says what was read.
func (t *teller) extent() string {
	n := &t.out.Traces
	s := fmt.Sprintf("%s, %s of trace time", words.Plural(n.Count, "trace"), words.Length(n.Duration))
	if n.Hosts > 0 {
		s += ", " + words.Plural(int64(n.Hosts), "host")
	}
	if n.Builds > 0 {
		s += ", " + words.Plural(int64(n.Builds), "build")
	}
	s += fmt.Sprintf(": %s taken by chance, %s because something was slow, %s that do not tell why.", words.Count(n.Baseline), words.Count(n.Slow), words.Count(n.Other))
	if n.Unreadable > 0 {
		s += fmt.Sprintf(" %s could not be read.", words.Count(n.Unreadable))
	}
	if n.Partial > 0 {
		s += fmt.Sprintf(" %s could be read in part.", words.Count(n.Partial))
	}
	return s
}

// sampleWords is a number of traces of a sample.
func sampleWords(s Sample, n int64) string {
	switch s {
	case SampleSlow:
		return words.Plural(n, "slow snapshot")
	case SampleBaseline:
		return words.Plural(n, "baseline snapshot")
	}
	return words.Plural(n, "trace")
}

// onHosts says where something was seen, as far as that is told.
func onHosts(t *Told) string {
	s := ""
	if t.NHosts > 0 {
		s += ", on " + words.Plural(int64(t.NHosts), "host")
	}
	if t.NBuild == 1 && len(t.Builds) == 1 {
		s += ", in build " + t.Builds[0].Name + " alone"
	} else if t.NBuild > 0 {
		s += ", in " + words.Plural(int64(t.NBuild), "build")
	}
	return s
}

// rootWords are what kinds of causes are in words.
var rootWords = map[report.RootKind]string{
	report.RootComputing: "computing", report.RootQueue: "waiting for a P that others had", report.RootLate: "waiting although a P was free", report.RootLocked: "handing Ps to and from locked threads",
	report.RootStoodStill: "standing still", report.RootNoCPU: "waiting without a CPU", report.RootGC: "the garbage collector", report.RootForcedGC: "runtime.GC",
	report.RootStopping: "waiting for a goroutine to stop", report.RootStopped: "a stopped world", report.RootLock: "waiting for a lock", report.RootPlace: "waiting for others",
	report.RootSyscall: "system calls or C code", report.RootNetwork: "waiting for the network", report.RootSleep: "sleeping", report.RootFoundLate: "timers or the network, found late",
	report.RootBlocked: "being blocked", report.RootNeverEnded: "waiting for what never came", report.RootNotTold: "what the traces do not tell",
}

// Words are the cause in words, with who is behind it.
func (c *Cause) Words() string {
	s := cmp.Or(rootWords[report.RootKind(c.Kind)], c.Kind)
	switch {
	case len(c.Lines) > 0:
		s += ": " + c.Lines[0].Name
	case c.Func != "":
		s += ": " + words.Function(c.Func)
	}
	return s
}

// index finds the keys that begin alike.
type index map[label][]label

// shares are the keys of what was seen by host or build, in their order.
func (t *teller) shares(what label, by string) []label {
	if t.byShare == nil {
		t.byShare = index{}
		for _, k := range t.s.Shares.keys(mostShares) {
			begin := label{k[0], k[1], k[2], k[3]}
			t.byShare[begin] = append(t.byShare[begin], k)
		}
	}
	return t.byShare[label{what[0], what[1], what[2], by}]
}

// places are the keys of the lines that were seen in something.
func (t *teller) places(what label) []label {
	if t.byPlace == nil {
		t.byPlace = index{}
		for _, k := range t.s.Places.keys(mostPlaces) {
			begin := label{k[0], k[1], k[2]}
			t.byPlace[begin] = append(t.byPlace[begin], k)
		}
	}
	return t.byPlace[what]
}
