package explain

import (
	"fmt"
	"slices"
	"strings"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// What keeps those that are explained may keep others as well: those that take longest are
// seldom those that suffer most, for who does little takes many times as long by the same wait.
const (
	// victimsFrom is how many a population must have to be told of with them, and fewVictims
	// how many of those are.
	victimsFrom, fewVictims = 8, 2
	// suffersFrom is how many times as long as their quickest tenth the slowest must take.
	suffersFrom = 4
	// maxVictims is how many populations are looked at.
	maxVictims = 8
)

// victim is a population that waits for what the explained one does.
type victim struct {
	p     *population
	quick int64   // length up to which a tenth of them took
	times float64 // as long as that the slowest took
}

// victims says whom else it held up, who suffers most by it first; "" for nobody.
func (a *answer) victims(mine *account) string {
	if a.g.kind != report.KindRequest && a.g.kind != report.KindTask || a.g.pooled {
		return ""
	}
	cause, _ := mine.first()
	var found []victim
	for i, p := range a.g.ranked() {
		if i == maxVictims {
			break
		}
		if p == a.p || p.name == "" || p.name == otherNames || p.all.N() < victimsFrom {
			continue
		}
		slow := p.slow(p.slowest.Best())
		v := victim{p: p, quick: max(1, p.ended.Quantile(.1))}
		v.times = float64(billOf(slow).group().Mean) / float64(v.quick)
		theirs := a.e.accountOf(slow)
		if k, ns := theirs.first(); v.times >= suffersFrom && 2*ns >= theirs.total && cause.holdsUp(k) {
			found = append(found, v)
		}
	}
	slices.SortStableFunc(found, func(a, b victim) int {
		if a.times > b.times {
			return -1
		}
		return 1
	})
	var said []string
	for _, v := range found[:min(len(found), fewVictims)] {
		said = append(said, fmt.Sprintf("%s (%s: %sthe longest %s)", a.g.called(v.p), words.Count(v.p.all.N()), v.quickOnes(), words.Length(v.p.all.Max())))
	}
	switch {
	case len(said) == 0:
		return ""
	case cause.kind == report.RootNeverEnded:
		return " The same holds up others: " + strings.Join(said, " and ") + "."
	}
	return " It held up others too: " + strings.Join(said, " and ") + "."
}

// quickOnes says how long the quick ones took, if any ended.
func (v *victim) quickOnes() string {
	if v.p.ended.N() == 0 {
		return ""
	}
	return "the quick ones " + words.Length(v.quick) + ", "
}

// first is the root that took most, and how much.
func (a *account) first() (first rootKey, ns int64) {
	for k, r := range a.by {
		if r.ns > ns || r.ns == ns && (k.kind < first.kind || k.kind == first.kind && k.fn < first.fn) {
			first, ns = k, r.ns
		}
	}
	return first, ns
}

// holdsUp reports whether others whose time went to a root wait for what is behind this one:
// the same function, a place of the same pool, or a P while others ran.
func (k rootKey) holdsUp(other rootKey) bool {
	switch other.kind {
	case report.RootQueue:
		return k.kind == report.RootQueue || k.fn != "" && k.fn == other.fn
	case report.RootLock, report.RootPlace, report.RootNeverEnded:
		return k.known != nil && k.known.Same(other.known) || k.fn != "" && k.fn == other.fn
	}
	return false
}
