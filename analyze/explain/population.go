package explain

import (
	"cmp"
	"slices"
	"strings"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/model"
)

// group is the instances of one finder, by what they are called.
type group struct {
	kind   report.InstanceKind
	what   string
	finder Finder
	top    int
	pooled bool    // all are one population, whatever they are called
	ended  []*Span // found, and not explained yet
	most   int64   // that one of the populations had lost when it was told of: see explainer.tell

	populations []*population // in the order in which they were first seen
	by          map[popKey]*population
}

// popKey is what instances have in common that are one population, as far as it is known
// when they end.
type popKey struct {
	name    string
	key     uint32 // Span.Key
	through bool   // Span.through
}

// population is instances that are compared with each other: those of one name.
type population struct {
	popKey
	all        stat.Sketch // lengths, of those that had not ended as far as they went
	ended      stat.Sketch // lengths of the others, by which it shows what is typical
	sum        bill
	bills      []*bill // of those that ended, by likeness of their lengths
	unfinished int64
	beyond     int64         // of those in all, reach beyond the window
	skipped    int64         // of those in all, not in sum and bills
	opened     replay.Window // when the first and the last of those began that had not ended
	shares     *shares       // of all instances, where that is kept: of stalls
	slowest    *stat.TopK[*explained]
	typical    sampler
	told       bool   // of its slowest: see explainer.tell
	shown      int64  // of those without a handler: of so many one shows, too few to be told of apart
	shownAs    string // that of most of those
}

// Populations are told apart up to maxPopulations, and those that come later are one:
// names may be as many as instances.
const (
	maxPopulations = 128
	otherNames     = "(other names)"
)

// of is the population of an instance.
func (g *group) of(in *Span) *population {
	k := popKey{in.Name, in.Key, in.through}
	if g.pooled {
		k.name = ""
	}
	if p := g.by[k]; p != nil {
		return p
	}
	if len(g.populations) >= maxPopulations {
		k = popKey{name: otherNames}
	}
	return g.at(k)
}

func (g *group) at(k popKey) *population {
	if p := g.by[k]; p != nil {
		return p
	}
	p := &population{popKey: k, opened: replay.Window{From: replay.Forever}, slowest: stat.NewTopK[*explained](g.top)}
	if g.kind == report.KindStall {
		p.shares = &shares{}
	}
	if g.by == nil {
		g.by = map[popKey]*population{}
	}
	g.by[k] = p
	g.populations = append(g.populations, p)
	return p
}

// late reports whether it shows only at the end which instances are selected.
func (g *group) late() bool {
	x, ok := g.finder.(*requestFinder)
	return ok && !x.client && x.match != nil
}

// choose keeps the populations that are selected, each under its name, now that all has
// been read: of handlers that match or, if nothing else is, of requests that went through
// a function that does.
func (e *explainer) choose() {
	found := false
	all := make([][]*population, len(e.groups))
	for i, g := range e.groups {
		all[i], g.populations, g.by = g.populations, nil, nil
		g.take(all[i], func(p *population) bool { return !g.late() || g.finder.(*requestFinder).selects(p.key) })
		found = found || len(g.populations) > 0
	}
	for i, g := range e.groups {
		if found || !g.late() {
			continue
		}
		if g.take(all[i], func(p *population) bool { return p.through }); len(g.populations) > 0 {
			g.finder.(*requestFinder).through = true
			g.what = strings.Replace(g.what, "served by handlers", "served that were seen in functions", 1)
		}
	}
	for _, g := range e.groups {
		g.joinFew()
	}
}

// A few requests of which a handler shows are no population beside fewPart times as many of
// which none does: what is typical they can't tell.
const (
	fewNamed = 10
	fewPart  = 10
)

// joinFew counts those few with the others.
func (g *group) joinFew() {
	unnamed := g.unnamed()
	if unnamed == nil {
		return
	}
	named := slices.DeleteFunc(slices.Clone(g.populations), func(p *population) bool { return p == unnamed })
	var n, most int64
	for _, p := range named {
		n += p.all.N()
	}
	if n == 0 || n >= fewNamed || fewPart*n > unnamed.all.N() {
		return
	}
	for _, p := range named {
		if unnamed.shown += p.all.N(); p.all.N() > most {
			most, unnamed.shownAs = p.all.N(), p.name
		}
		unnamed.add(p)
		delete(g.by, p.popKey)
	}
	g.populations = append(g.populations[:0], unnamed)
}

// unnamed are the requests that show no handler, nil where all do. They are a population of
// their own: a handler shows where it waits, so that those without one may be the quick ones
// of any, and to tell of both as one is to tell of neither.
func (g *group) unnamed() *population {
	if g.kind != report.KindRequest || g.pooled {
		return nil
	}
	return g.by[popKey{}]
}

// quickPart is how many times as long at the median as the others those must take of which a
// handler shows to be the slow ones of all.
const quickPart = 4

// usual is the population by which it shows what is typical of one's: where the requests of
// which no handler shows are as many and quick, these, as a handler shows where a request
// stopped, so that all that show one may be slow.
func (g *group) usual(p *population) *population {
	q := g.unnamed()
	if q == nil || p == q || q.ended.N() < 4 || 10*q.all.N() < p.all.N() || q.all.N() < p.all.N() && len(g.populations) > 2 || quickPart*q.all.Quantile(.5) > p.all.Quantile(.5) {
		return p
	}
	return q
}

// take takes in the populations that are wanted, under the names that show at the end.
func (g *group) take(all []*population, wanted func(*population) bool) {
	x, ok := g.finder.(*requestFinder)
	named := ok && !x.client
	for _, p := range all {
		if !wanted(p) {
			continue
		}
		k := popKey{name: p.name}
		if named && k.name != otherNames {
			k.name = x.Called(p.key)
			for _, in := range p.detailed() {
				in.Name = k.name
			}
		}
		if g.pooled {
			k = popKey{}
		}
		g.at(k).add(p)
	}
}

// add takes in another population.
func (p *population) add(o *population) {
	p.all.Merge(&o.all)
	p.ended.Merge(&o.ended)
	p.sum.add(&o.sum)
	for i, b := range o.bills {
		if b != nil {
			for i >= len(p.bills) {
				p.bills = append(p.bills, nil)
			}
			if p.bills[i] == nil {
				p.bills[i] = &bill{}
			}
			p.bills[i].add(b)
		}
	}
	p.unfinished += o.unfinished
	p.beyond += o.beyond
	p.opened = replay.Window{From: min(p.opened.From, o.opened.From), To: max(p.opened.To, o.opened.To)}
	if o.shares != nil {
		p.shares.merge(o.shares)
	}
	p.skipped += o.skipped
	for _, x := range o.slowest.Best() {
		p.slowest.Offer(int64(x.End-x.Start), x)
	}
	for _, x := range o.typical.kept {
		p.typical.keep(x)
	}
}

// n is how many instances there are.
func (g *group) n() int64 {
	var n int64
	for _, p := range g.populations {
		n += p.all.N()
	}
	return n
}

// first is the population that lost most, nil where there is none.
func (g *group) first() *population {
	if len(g.populations) == 0 {
		return nil
	}
	return g.ranked()[0]
}

// namedFirst is how many times as much requests that show no handler must have lost as those
// of one that shows to be told of before it: they may be of any, and nobody can mend that.
const namedFirst = 4

// aboutAll is how many times as long as another population one must have taken in all to be
// told of before that, which has lost up to twice as much.
const aboutAll = 4

// ranked are the populations, the one that lost most first.
func (g *group) ranked() []*population {
	out, unnamed := slices.Clone(g.populations), g.unnamed()
	lost := func(p *population) int64 {
		if p == unnamed {
			return p.lost() / namedFirst
		}
		return p.lost()
	}
	slices.SortStableFunc(out, func(a, b *population) int {
		return cmp.Or(cmp.Compare(lost(b), lost(a)), cmp.Compare(b.all.Sum(), a.all.Sum()), cmp.Compare(a.name, b.name))
	})
	for i, p := range out { // of which all are slow has lost more than it has beyond its median
		if 2*lost(p) >= lost(out[0]) && p != unnamed && p.all.Sum() > aboutAll*out[0].all.Sum() {
			copy(out[1:], out[:i])
			out[0] = p
		}
	}
	return out
}

// lost is how much longer the instances took than they might have, in ns: what the
// slower ones took beyond the median, or what all of them waited for a P, for the
// collector or without an end, stalls for anything, whichever is more.
func (p *population) lost() int64 {
	var waited int64
	for _, x := range p.sum.items {
		if p.shares != nil && (x.via != 0 || x.cause == report.CauseUnknown) || waitsForP(x.cause) || ofCollector(x.cause) || x.cause == report.CauseNeverEnded {
			waited += x.ns
		}
	}
	if p.sum.total > 0 { // of those that were looked at, which the slowest are among
		waited = int64(float64(waited) * float64(p.all.Sum()) / float64(p.sum.total))
	}
	return max(waited, p.all.Sum()-p.all.N()*p.all.Quantile(.5))
}

// count counts an instance and its length.
func (p *population) count(in *Span, length int64) {
	p.all.Add(length)
	if in.unfinished {
		p.unfinished++
		p.opened = replay.Window{From: min(p.opened.From, in.Start), To: max(p.opened.To, in.Start)}
		return
	}
	p.ended.Add(length)
}

// pile is how many instances were open at once at the end, as each had begun while others
// went on: as many as had ended, and over as long as the last of them took. 0 for none.
func (p *population) pile(now model.Time) int64 {
	const many = 4
	if p.unfinished < many || p.unfinished < p.ended.N() || 3*(p.opened.To-p.opened.From) < now-p.opened.From {
		return 0
	}
	return p.unfinished
}

// alike is the bill of the instances that ended and are about as long.
func (p *population) alike(length int64) *bill {
	b := likeness(length)
	for b >= len(p.bills) {
		p.bills = append(p.bills, nil)
	}
	if p.bills[b] == nil {
		p.bills[b] = &bill{}
	}
	return p.bills[b]
}

// likeness is the same for lengths that are about the same, to 1/16, and grows with
// them.
func likeness(length int64) int { return stat.Bin(length) / 4 }

// detailed are the instances whose details are kept.
func (p *population) detailed() []*explained {
	return append(p.slowest.Best(), p.typical.kept...)
}

// sampler keeps some instances between the quartiles, to show what a typical one does:
// first all, and each time that there are too many every second one only.
type sampler struct {
	kept  []*explained
	every int64 // 0 is 1
}

// maxTypical bounds a sampler.
const maxTypical = 16

// admits reports whether an instance is to be kept, which comes as the n-th.
func (s *sampler) admits(p *population, length int64) bool {
	n := p.ended.N()
	if n%max(1, s.every) != 0 {
		return false
	}
	lo, hi := p.usualLengths()
	return n < 8 || lo <= length && length <= hi
}

func (s *sampler) keep(x *explained) {
	if len(s.kept) == maxTypical {
		for i := range maxTypical / 2 {
			s.kept[i] = s.kept[2*i]
		}
		s.kept = s.kept[:maxTypical/2]
		s.every = 2 * max(1, s.every)
	}
	s.kept = append(s.kept, x)
}
