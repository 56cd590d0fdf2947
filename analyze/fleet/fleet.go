package fleet

import (
	"bytes"
	"cmp"
	"encoding/gob"
	"fmt"
	"strconv"

	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
)

// Fleet is what the rows of many traces say together. The zero value is that of none.
// It holds sums alone, so that it is the same in whatever order traces are added, and
// in whatever portions Fleets of them are merged.
//
// Its memory grows with the distinct names of handlers, hosts and builds, up to a bound:
// what is beyond that is told of together.
type Fleet struct {
	s sums
}

// sums are what a Fleet writes and reads.
type sums struct {
	Paths   map[string]string // of the traces by their keys: the first one in their order
	Lost    map[string]string // of traces that could not be read, why
	Quality map[Quality]int64
	Traces  count
	Told    count // of Traces: what the slowest spent their time on is known

	Events, Duration int64 // Duration in ns

	Hosts    table[member, *member]
	Builds   table[member, *member]
	Findings table[subject, *subject] // by id
	Causes   table[subject, *subject] // by sample, kind, function
	Shares   table[count, *count]     // traces with a finding or cause, by that and host or build
	Places   table[count, *count]     // traces, by finding or cause and line
	Series   table[spread, *spread]   // by sample, of, name, build
	ByHost   table[grains, *grains]   // likewise, by host
}

// How many of each are told apart.
const (
	mostParties  = 20_000
	mostSubjects = 4_000
	mostShares   = 200_000
	mostPlaces   = 20_000
	mostSeries   = 4_000
	mostGrains   = 20_000
	mostLost     = 20
)

// member is a host or a build.
type member struct {
	Traces count
	Told   count            // of these: what the slowest spent their time on is known
	Start  string           // the earliest, as RFC 3339; "" where no trace has one
	With   map[string]count // by host its builds, and by build its hosts, with the traces
}

func (p *member) add(o *member) {
	p.Traces.add(&o.Traces)
	p.Told.add(&o.Told)
	p.begin(o.Start)
	for name, n := range o.With {
		p.with(name, n)
	}
}

// begin takes in when a trace began.
func (p *member) begin(start string) {
	if start != "" && (p.Start == "" || start < p.Start) {
		p.Start = start
	}
}

func (p *member) with(name string, n count) {
	if p.With == nil {
		p.With = map[string]count{}
	}
	has := p.With[name]
	has.add(&n)
	p.With[name] = has
}

// subject is a finding or a cause of which several traces tell.
type subject struct {
	Traces count
	Severe [3]int64 // traces, by the severity of the finding
	First  int64    // traces of which it is the first cause
	Share  int64    // of a cause: what of the time that slow ones took longer it had, in ppm, in sum over traces
	Cost   int64    // ns, in sum over traces
	Worst  worstOf
}

func (s *subject) add(o *subject) {
	s.Traces.add(&o.Traces)
	s.First += o.First
	s.Share += o.Share
	s.Cost = sumOf(s.Cost, o.Cost)
	for i := range s.Severe {
		s.Severe[i] += o.Severe[i]
	}
	s.Worst.add(&o.Worst)
}

// grains are a distribution by limits alone, for who is compared with many others.
type grains struct {
	Traces, N int64
	By        map[int32]int64
}

func (g *grains) take(values *stat.Sketch) {
	if values.N() == 0 {
		return
	}
	if g.By == nil {
		g.By = map[int32]int64{}
	}
	g.Traces++
	g.N = sumOf(g.N, values.N())
	for bin, n := range values.Bins() {
		g.By[int32(bin/coarse)] += n
	}
}

func (g *grains) add(o *grains) {
	if g.By == nil {
		g.By = map[int32]int64{}
	}
	g.Traces += o.Traces
	g.N = sumOf(g.N, o.N)
	for at, n := range o.By {
		g.By[at] += n
	}
}

// Add adds what is kept of a trace. One that was added before is not counted again.
func (f *Fleet) Add(r *Rows) {
	s, x := &f.s, &r.rows[0]
	path, again := s.Paths[x.Trace]
	if s.Paths == nil {
		s.Paths, s.Lost, s.Quality = map[string]string{}, map[string]string{}, map[Quality]int64{}
	}
	if !again || text(x.Path) < path {
		s.Paths[x.Trace] = text(x.Path)
	}
	if again {
		return
	}
	s.Quality[x.Quality]++
	if x.Quality == QualityUnreadable {
		s.Lost[x.Trace] = text(x.Losses)
		s.keepLost()
		return
	}
	a := adder{s: s, sample: sampleOf(text(x.Trigger)), host: text(x.Host), build: text(x.Build), trace: x.Trace}
	a.one.N[a.sample] = 1
	a.add(r)
}

// keepLost keeps the reasons of the first few in the order of their keys.
func (s *sums) keepLost() {
	for len(s.Lost) > mostLost {
		last := ""
		for k := range s.Lost {
			last = max(last, k)
		}
		delete(s.Lost, last)
	}
}

// adder adds one trace.
type adder struct {
	s           *sums
	sample      int
	one         count // of the sample
	host, build string
	trace       string
}

func (a *adder) add(r *Rows) {
	s, x := a.s, &r.rows[0]
	s.Traces.add(&a.one)
	s.Events, s.Duration = sumOf(s.Events, max(0, number(x.Events))), sumOf(s.Duration, max(0, number(x.Duration)))
	told := count{}
	for i := range r.rows {
		if r.rows[i].Kind == RowCause {
			told = a.one
		}
	}
	s.Told.add(&told)
	a.member(&s.Hosts, a.host, a.build, text(x.Start), told)
	a.member(&s.Builds, a.build, a.host, text(x.Start), told)
	a.findings(r)
	a.causes(r)
	if samples[a.sample] == SampleSlow {
		return // how long things take in these is no measure of how long they take
	}
	sample := string(samples[a.sample])
	r.series(func(x *Row, values *stat.Sketch) {
		s.Series.at(label{sample, text(x.Of), text(x.Name), a.build}, mostSeries).take(values, max(0, number(x.Open)))
		s.ByHost.at(label{sample, text(x.Of), text(x.Name), a.host}, mostGrains).take(values)
	})
}

func (a *adder) member(t *table[member, *member], name, with, start string, told count) {
	p := t.at(label{name}, mostParties)
	p.Traces.add(&a.one)
	p.Told.add(&told)
	p.begin(start)
	p.with(with, a.one)
}

// findings takes each check's findings of the trace together: it counts traces.
func (a *adder) findings(r *Rows) {
	type found struct {
		x      *Row
		cost   int64
		severe int
	}
	by := map[string]*found{}
	var order []string
	for i := range r.rows {
		x := &r.rows[i]
		if x.Kind != RowFinding {
			continue
		}
		id := text(x.ID)
		f := by[id]
		if f == nil {
			f = &found{x: x}
			by[id] = f
			order = append(order, id)
		}
		if number(x.Cost) > number(f.x.Cost) {
			f.x = x
		}
		f.cost = sumOf(f.cost, max(0, number(x.Cost)))
		f.severe = max(f.severe, report.Severity(text(x.Severity)).Rank())
	}
	for _, id := range order {
		f := by[id]
		if f.severe == 0 {
			continue // what is only worth knowing is in every trace, and sets nobody apart
		}
		s := a.s.Findings.at(label{id}, mostSubjects)
		s.Severe[f.severe]++
		a.subject(s, f.cost, worstTrace{f.cost, a.trace, number(f.x.At), text(f.x.Title), text(f.x.Advice)})
		a.share("finding", id, "", f.x)
	}
}

func (a *adder) subject(s *subject, cost int64, w worstTrace) {
	s.Traces.add(&a.one)
	s.Cost = sumOf(s.Cost, cost)
	s.Worst.offer(w)
}

// share counts the trace for its host, its build, and the line that the row names.
func (a *adder) share(what, id, fn string, x *Row) {
	a.s.Shares.at(label{what, id, fn, "host", a.host}, mostShares).add(&a.one)
	a.s.Shares.at(label{what, id, fn, "build", a.build}, mostShares).add(&a.one)
	if x.Func != nil {
		a.s.Places.at(label{what, id, fn, text(x.Func), text(x.File), strconv.FormatInt(number(x.Line), 10)}, mostPlaces).add(&a.one)
	}
}

// leastShare is what of the time that slow ones took longer a cause must have had to be
// counted as one of the trace: ppm.
const leastShare = 50_000

// causes takes what the slowest spent their time on, by kind and who is behind it.
func (a *adder) causes(r *Rows) {
	type sumBy struct {
		x             *Row
		longer, whole int64
	}
	by := map[label]*sumBy{}
	var order []label
	for i := range r.rows {
		x := &r.rows[i]
		if x.Kind != RowCause {
			continue
		}
		k := label{text(x.ID), text(x.Func)}
		c := by[k]
		if c == nil {
			c = &sumBy{x: x, whole: number(x.Longer)}
			by[k] = c
			order = append(order, k)
		}
		c.longer = sumOf(c.longer, max(0, number(x.Cost)-number(x.Typical)))
	}
	first := true
	for _, k := range order {
		c := by[k]
		ppm := int64(0)
		if c.whole > 0 {
			ppm = min(1e6, int64(float64(c.longer)/float64(c.whole)*1e6))
		}
		if ppm < leastShare {
			continue
		}
		s := a.s.Causes.at(label{string(samples[a.sample]), k[0], k[1]}, mostSubjects)
		s.Share += ppm
		if first {
			s.First++
		}
		first = false
		a.subject(s, c.longer, worstTrace{c.longer, a.trace, 0, text(c.x.Title), text(c.x.Advice)})
		a.share("cause", k[0], k[1], c.x)
	}
}

// Merge adds another fleet's traces, none of which may be among f's: it fails where one
// is, and leaves f as it was. It may keep what o holds, which is not to be used any more.
func (f *Fleet) Merge(o *Fleet) error {
	s, x := &f.s, &o.s
	for k := range x.Paths {
		if _, again := s.Paths[k]; again {
			return fmt.Errorf("both parts of the fleet have the trace %s: add each to one part", k)
		}
	}
	if s.Paths == nil {
		*s = *x
		return nil
	}
	for k, path := range x.Paths {
		s.Paths[k] = path
	}
	for k, why := range x.Lost {
		s.Lost[k] = why
	}
	s.keepLost()
	for q, n := range x.Quality {
		s.Quality[q] += n
	}
	s.Traces.add(&x.Traces)
	s.Told.add(&x.Told)
	s.Events, s.Duration = sumOf(s.Events, x.Events), sumOf(s.Duration, x.Duration)
	s.Hosts.merge(&x.Hosts, mostParties)
	s.Builds.merge(&x.Builds, mostParties)
	s.Findings.merge(&x.Findings, mostSubjects)
	s.Causes.merge(&x.Causes, mostSubjects)
	s.Shares.merge(&x.Shares, mostShares)
	s.Places.merge(&x.Places, mostPlaces)
	s.Series.merge(&x.Series, mostSeries)
	s.ByHost.merge(&x.ByHost, mostGrains)
	return nil
}

// Quantile is one of a distribution: what Result tells some of. It is 0 where there is no
// such distribution.
func (f *Fleet) Quantile(sample Sample, of, name, build string, q float64) int64 {
	if x := f.s.Series.By[label{string(sample), of, name, build}]; x != nil {
		return x.Values.Quantile(q)
	}
	return 0
}

// N is how many traces there are.
func (f *Fleet) N() int { return len(f.s.Paths) }

// encoding names the version of what MarshalBinary writes.
const encoding = "gmptrace.sums/1"

// MarshalBinary writes the fleet, to be merged elsewhere by the same version of gmptrace.
// Equal fleets may have different bytes: what they come to is in Result.
func (f *Fleet) MarshalBinary() ([]byte, error) {
	var b bytes.Buffer
	enc := gob.NewEncoder(&b)
	if err := cmp.Or(enc.Encode(encoding), enc.Encode(&f.s)); err != nil {
		return nil, fmt.Errorf("writing a part of the fleet: %w", err)
	}
	return b.Bytes(), nil
}

// UnmarshalBinary reads that.
func (f *Fleet) UnmarshalBinary(data []byte) error {
	dec := gob.NewDecoder(bytes.NewReader(data))
	var version string
	if err := dec.Decode(&version); err != nil || version != encoding {
		return fmt.Errorf("these %d bytes are no part of a fleet that this gmptrace has written", len(data))
	}
	var s sums
	if err := dec.Decode(&s); err != nil {
		return fmt.Errorf("reading a part of the fleet: %w", err)
	}
	f.s = s
	return nil
}
