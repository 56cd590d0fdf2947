package explain

import (
	"cmp"
	"slices"

	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
)

// group is the instances of one finder, by what they are called.
type group struct {
	kind   report.InstanceKind
	what   string
	finder Finder
	top    int
	pooled bool    // all are one population, whatever they are called
	ended  []*Span // found, and not explained yet

	populations []*population // in the order in which they were first seen
	byName      map[string]*population
}

// population is instances that are compared with each other: those of one name.
type population struct {
	name       string
	all        stat.Sketch // lengths, of those that had not ended as far as they went
	sum        bill
	bills      []*bill // by likeness of their lengths
	unfinished int64
	skipped    int64 // of those in all, not in sum and bills
	slowest    *stat.TopK[*explained]
	typical    sampler
}

// Populations are told apart up to maxPopulations, and those that come later are one:
// names may be as many as instances.
const (
	maxPopulations = 64
	otherNames     = "(other names)"
)

// of is the population of an instance.
func (g *group) of(in *Span) *population {
	name := in.Name
	if g.pooled {
		name = ""
	}
	if p := g.byName[name]; p != nil {
		return p
	}
	if len(g.populations) >= maxPopulations {
		name = otherNames
		if p := g.byName[name]; p != nil {
			return p
		}
	}
	p := &population{name: name, slowest: stat.NewTopK[*explained](g.top)}
	if g.byName == nil {
		g.byName = map[string]*population{}
	}
	g.byName[name] = p
	g.populations = append(g.populations, p)
	return p
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

// ranked are the populations, the one that lost most first.
func (g *group) ranked() []*population {
	out := slices.Clone(g.populations)
	slices.SortStableFunc(out, func(a, b *population) int {
		return cmp.Or(cmp.Compare(b.lost(), a.lost()), cmp.Compare(b.all.Sum(), a.all.Sum()), cmp.Compare(a.name, b.name))
	})
	return out
}

// lost is how much longer the instances took than they might have, in ns: what the
// slower ones took beyond the median, or what all of them waited for a P, for the
// collector or without an end, whichever is more.
func (p *population) lost() int64 {
	var waited int64
	for _, x := range p.sum.items {
		if waitsForP(x.cause) || ofCollector(x.cause) || x.cause == report.CauseNeverEnded {
			waited += x.ns
		}
	}
	if p.sum.count > 0 { // of those that were looked at
		waited = int64(float64(waited) * float64(p.all.N()) / float64(p.sum.count))
	}
	return max(waited, p.all.Sum()-p.all.N()*p.all.Quantile(.5))
}

// count counts an instance and its length.
func (p *population) count(in *Span, length int64) {
	if in.unfinished {
		p.unfinished++
	}
	p.all.Add(length)
}

// bill is the one of the instances that are about as long.
func (p *population) bill(length int64) *bill {
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
	n := p.all.N()
	if n%max(1, s.every) != 0 {
		return false
	}
	return n < 8 || p.all.Quantile(.25) <= length && length <= p.all.Quantile(.75)
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
