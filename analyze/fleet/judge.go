package fleet

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gmptrace/analyze/stat"
	"gmptrace/analyze/words"
)

// Outlier is a host that stands out among the others.
type Outlier struct {
	Host   string   `json:"host"`
	What   string   `json:"what"` // finding, cause or p99
	Of     string   `json:"of"`   // id of the finding, kind of the cause; what the quantile is of
	Name   string   `json:"name"` // function behind the cause; name of what the quantile is of
	Sample Sample   `json:"sample"`
	Here   float64  `json:"here"`   // share of its traces; ns of a quantile
	There  float64  `json:"there"`  // of those of the other hosts; the median of theirs
	Traces int64    `json:"traces"` // of the host, that tell
	Builds []string `json:"builds"` // of the host: if the others have others, that may be why
	Text   string   `json:"text"`
}

// Change is what became otherwise from one build to the next.
type Change struct {
	Old    string  `json:"old"`
	New    string  `json:"new"`
	What   string  `json:"what"` // finding, cause, p50 or p99
	Of     string  `json:"of"`
	Name   string  `json:"name"`
	Sample Sample  `json:"sample"`
	Before float64 `json:"before"` // share of its traces; ns of a quantile
	After  float64 `json:"after"`
	Worse  bool    `json:"worse"`
	Traces int64   `json:"traces"` // of the new build, that tell
	Text   string  `json:"text"`
}

const (
	// chance is how likely it may be that anything at all is claimed of hosts, or of
	// builds, of which nothing is so: claims are held to that divided by how many were
	// possible.
	chance = .01

	fewestTraces = 3   // of a host or build of which something is claimed
	fewestHosts  = 5   // to tell what is usual
	farFrom      = 4   // robust standard deviations
	ratioOut     = 1.5 // of a host's p99 to the usual one
	ratioChanged = 1.1 // of a quantile to the one before
	fewestValues = 100 // to speak of a p99
)

// claim is a share that may set somebody apart.
type claim struct {
	p           float64
	with, of    int64 // traces of the one
	others, all int64 // and of the rest
	name        string
	what        label
	sample      int
}

func (t *teller) outliers() {
	t.outliersByShare()
	t.outliersByQuantile()
	t.out.Outliers = t.out.Outliers[:min(len(t.out.Outliers), MostListed)]
}

// outliersByShare are the hosts of which far more traces have a finding or a cause than
// of the others.
func (t *teller) outliersByShare() {
	var claims []claim
	tests := 0
	for i := range samples {
		for _, what := range t.subjects(i) {
			of := func(p *member) int64 { return t.whole(p, what, i) }
			total := t.total(what, i)
			with := t.withTotal(what, i)
			for _, k := range t.shares(what, "host") {
				p := t.s.Hosts.By[label{k[4]}]
				if k[4] == "" || p == nil {
					continue
				}
				tests++
				c := claim{with: t.s.Shares.By[k].N[i], of: of(p), name: k[4], what: what, sample: i}
				c.others, c.all = with-c.with, total-c.of
				if c.with < fewestTraces || c.all < fewestTraces || share(c.with, c.of) < 2*share(c.others, c.all) {
					continue
				}
				c.p = above(c.with, c.of, with, total)
				claims = append(claims, c)
			}
		}
	}
	slices.SortStableFunc(claims, func(a, b claim) int { return cmp.Compare(a.p, b.p) })
	for _, c := range claims {
		if c.p*float64(tests) >= chance {
			break
		}
		x := Outlier{Host: c.name, What: c.what[0], Of: c.what[1], Name: c.what[2], Sample: samples[c.sample], Here: share(c.with, c.of), There: share(c.others, c.all), Traces: c.of, Builds: t.buildsOf(c.name)}
		x.Text = fmt.Sprintf("%s in %s of its %s, and in %s of the others'", subjectWords(c.what), words.ShareOf(c.with, c.of), sampleWords(x.Sample, c.of), words.ShareOf(c.others, c.all))
		t.out.Outliers = append(t.out.Outliers, x)
	}
}

// subjectWords name a finding or a cause.
func subjectWords(what label) string {
	if what[0] == "finding" {
		return what[1]
	}
	c := Cause{Kind: what[1], Func: what[2]}
	return c.Words()
}

func share(n, of int64) float64 { return float64(n) / float64(max(1, of)) }

// subjects are the findings and causes that traces of a sample have.
func (t *teller) subjects(sample int) []label {
	var out []label
	for _, k := range t.s.Findings.keys(mostSubjects) {
		out = append(out, label{"finding", k[0]})
	}
	for _, k := range t.s.Causes.keys(mostSubjects) {
		if k[0] == string(samples[sample]) {
			out = append(out, label{"cause", k[1], k[2]})
		}
	}
	return out
}

// whole is how many traces of a host or build could have told of something.
func (t *teller) whole(p *member, what label, sample int) int64 {
	if what[0] == "cause" {
		return p.Told.N[sample]
	}
	return p.Traces.N[sample]
}

// total is how many traces of the sample could.
func (t *teller) total(what label, sample int) int64 {
	if what[0] == "cause" {
		return t.s.Told.N[sample]
	}
	return t.s.Traces.N[sample]
}

// withTotal is how many of them do.
func (t *teller) withTotal(what label, sample int) int64 {
	var n int64
	for _, k := range t.shares(what, "build") {
		n += t.s.Shares.By[k].N[sample]
	}
	return n
}

func (t *teller) buildsOf(host string) []string {
	out := []string{}
	for name := range t.s.Hosts.By[label{host}].With {
		if name != "" {
			out = append(out, name)
		}
	}
	slices.SortFunc(out, natural)
	return out[:min(len(out), mostWith)]
}

// above is how likely it is that so many of n traces or more, drawn from total of which
// with have something, have it. (Fisher's exact test.)
func above(of, n, with, total int64) float64 {
	var p float64
	for k := of; k <= min(n, with); k++ {
		if n-k > total-with {
			continue
		}
		p += math.Exp(choose(with, k) + choose(total-with, n-k) - choose(total, n))
	}
	return min(1, p)
}

// choose is the logarithm of a binomial coefficient.
func choose(n, k int64) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return a - b - c
}

// outliersByQuantile are the hosts whose p99 of something is far above what is usual
// among hosts.
func (t *teller) outliersByQuantile() {
	if t.sample < 0 {
		return
	}
	var found []Outlier
	keys := t.s.ByHost.keys(mostGrains)
	for from := 0; from < len(keys); {
		to := from
		for to < len(keys) && keys[to][0] == keys[from][0] && keys[to][1] == keys[from][1] && keys[to][2] == keys[from][2] {
			to++
		}
		if keys[from][0] == string(samples[t.sample]) {
			found = append(found, t.farHosts(keys[from:to])...)
		}
		from = to
	}
	slices.SortStableFunc(found, func(a, b Outlier) int { return cmp.Compare(b.Here/b.There, a.Here/a.There) })
	t.out.Outliers = append(t.out.Outliers, found...)
}

// farHosts are those among the hosts of one distribution.
func (t *teller) farHosts(keys []label) (out []Outlier) {
	var logs []float64
	var told []label
	for _, k := range keys {
		if g := t.s.ByHost.By[k]; k[3] != "" && g.N >= fewestValues && g.Traces >= fewestTraces {
			told = append(told, k)
			logs = append(logs, math.Log(g.quantile(.99)))
		}
	}
	if len(told) < fewestHosts {
		return nil
	}
	usual := stat.Median(logs)
	var off []float64
	for _, l := range logs {
		off = append(off, math.Abs(l-usual))
	}
	spread := 1.4826 * stat.Median(off)
	for i, k := range told {
		if logs[i]-usual < max(math.Log(ratioOut), farFrom*spread) {
			continue
		}
		g := t.s.ByHost.By[k]
		x := Outlier{Host: k[3], What: "p99", Of: k[1], Name: k[2], Sample: samples[t.sample], Here: math.Exp(logs[i]), There: math.Exp(usual), Traces: g.Traces, Builds: t.buildsOf(k[3])}
		x.Text = fmt.Sprintf("p99 of %s about %s, where half of the hosts have %s or less", seriesWords(k[1], k[2]), words.Length(int64(x.Here)), words.Length(int64(x.There)))
		out = append(out, x)
	}
	return out
}

// quantile is about that of the values: the middle of the bins that share a limit.
func (g *grains) quantile(q float64) float64 {
	var at []int32
	for i := range g.By {
		at = append(at, i)
	}
	slices.Sort(at)
	rank := int64(math.Ceil(q * float64(g.N)))
	for _, i := range at {
		if rank -= g.By[i]; rank <= 0 {
			return max(1, float64(stat.Mid(int(i)*coarse+coarse/2)))
		}
	}
	return 1
}

// seriesWords name a distribution.
func seriesWords(of, name string) string {
	switch {
	case of == OfSched:
		return "waits for a P"
	case of == OfBlocked:
		return "waits (" + name + ")"
	case name == "":
		return of + "s"
	}
	return of + "s of " + words.Function(name)
}

// changes compares each build with the one before.
func (t *teller) changes() {
	var named []string
	for _, b := range t.builds {
		if b != "" {
			named = append(named, b)
		}
	}
	for i := 1; i < len(named); i++ {
		t.changedShares(named[i-1], named[i], len(named)-1)
		t.changedQuantiles(named[i-1], named[i])
	}
	t.out.Changes = t.out.Changes[:min(len(t.out.Changes), MostListed)]
}

// changedShares are the findings and causes of which far more or fewer traces tell.
func (t *teller) changedShares(old, new string, pairs int) {
	var claims []claim
	tests := 0
	o, n := t.s.Builds.By[label{old}], t.s.Builds.By[label{new}]
	if o == nil || n == nil {
		return
	}
	for i := range samples {
		for _, what := range t.subjects(i) {
			c := claim{of: t.whole(n, what, i), all: t.whole(o, what, i), what: what, sample: i}
			if x := t.s.Shares.By[label{what[0], what[1], what[2], "build", new}]; x != nil {
				c.with = x.N[i]
			}
			if x := t.s.Shares.By[label{what[0], what[1], what[2], "build", old}]; x != nil {
				c.others = x.N[i]
			}
			if c.of < fewestTraces || c.all < fewestTraces || c.with+c.others == 0 {
				continue
			}
			tests += 2
			c.p = above(c.with, c.of, c.with+c.others, c.of+c.all)
			if share(c.with, c.of) < share(c.others, c.all) {
				c.p = above(c.others, c.all, c.with+c.others, c.of+c.all)
			}
			claims = append(claims, c)
		}
	}
	slices.SortStableFunc(claims, func(a, b claim) int { return cmp.Compare(a.p, b.p) })
	for _, c := range claims {
		if c.p*float64(tests*pairs) >= chance {
			break
		}
		x := Change{Old: old, New: new, What: c.what[0], Of: c.what[1], Name: c.what[2], Sample: samples[c.sample], Before: share(c.others, c.all), After: share(c.with, c.of), Traces: c.of}
		x.Worse = x.After > x.Before
		x.Text = fmt.Sprintf("%s in %s of %s, was in %s of %s", subjectWords(c.what), words.ShareOf(c.with, c.of), sampleWords(x.Sample, c.of), words.ShareOf(c.others, c.all), words.Count(c.all))
		t.out.Changes = append(t.out.Changes, x)
	}
}

// changedQuantiles are those whose intervals do not touch.
func (t *teller) changedQuantiles(old, new string) {
	by := map[label]*Quantiles{}
	for i := range t.out.Quantiles {
		if q := &t.out.Quantiles[i]; q.Build == old {
			by[label{q.Of, q.Name}] = q
		}
	}
	for i := range t.out.Quantiles {
		n := &t.out.Quantiles[i]
		o := by[label{n.Of, n.Name}]
		if n.Build != new || o == nil || n.Traces < fewestTraces || o.Traces < fewestTraces {
			continue
		}
		for _, x := range []struct {
			what     string
			from, to Quantile
		}{{"p50", o.P50, n.P50}, {"p99", o.P99, n.P99}} {
			worse, better := apart(x.from, x.to), apart(x.to, x.from)
			if !worse && !better || x.what == "p99" && min(o.Count, n.Count) < fewestValues {
				continue
			}
			t.out.Changes = append(t.out.Changes, Change{Old: old, New: new, What: x.what, Of: n.Of, Name: n.Name, Sample: samples[t.sample], Before: float64(x.from.NS), After: float64(x.to.NS), Worse: worse, Traces: n.Traces,
				Text: fmt.Sprintf("%s of %s %s, was %s", x.what, seriesWords(n.Of, n.Name), words.Length(x.to.NS), words.Length(x.from.NS))})
		}
	}
}

// apart reports whether one quantile is above another beyond both intervals, and by
// enough to speak of it.
func apart(low, high Quantile) bool {
	return low.Hi != nil && high.Lo != nil && *low.Hi < *high.Lo && float64(high.NS) >= ratioChanged*float64(low.NS)
}
