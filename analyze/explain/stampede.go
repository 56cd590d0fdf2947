package explain

import (
	"cmp"
	"fmt"
	"slices"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// What many requests of one handler compute at once, and most of its requests not at all, may
// be one thing that has expired and that each of them makes anew.
const (
	// stampedeFrom is how many must compute the same function at once.
	stampedeFrom = 3
	// quickIf is how many times as long as quick ones they must take.
	quickIf = 10
)

// stampede is advice on that; "" where it does not look like it. How many were at it at once
// is known of those that were looked at closely alone.
func (a *answer) stampede(mine *account, r *report.Root) string {
	if a.g.kind != report.KindRequest || a.p.name == "" || r.From != a.p.name || r.Kind != report.RootComputing && r.Kind != report.RootQueue || !a.someQuick() {
		return ""
	}
	n := mine.atOnce(a.p.detailed(), r.At.Func)
	if n < stampedeFrom {
		return ""
	}
	return fmt.Sprintf(" At least %s of them were in %s at once: if they compute the same, let one do so for all (singleflight), or do it before what there is expires.", words.Count(int64(n)), words.Function(r.At.Func))
}

// someQuick reports whether requests of the handler are quick, or such as may be of it.
func (a *answer) someQuick() bool {
	slow := billOf(a.slow).group().Mean
	if quickIf*a.p.ended.Quantile(.1) <= slow {
		return true
	}
	p := a.g.unnamed()
	return p != nil && p.all.N() >= a.p.all.N() && quickIf*p.all.Quantile(.5) <= slow
}

// atOnce is how many instances were under way at once that computed in a function.
func (a *account) atOnce(of []*explained, fn string) int {
	type change struct {
		at model.Time
		n  int
	}
	var changes []change
	seen := map[*explained]bool{}
	for _, x := range of {
		if !seen[x] && a.computes(x, fn) {
			changes = append(changes, change{x.Start, 1}, change{x.End, -1})
		}
		seen[x] = true
	}
	slices.SortFunc(changes, func(a, b change) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.n, b.n)) })
	n, most := 0, 0
	for _, c := range changes {
		n += c.n
		most = max(most, n)
	}
	return most
}

// computes reports whether an instance itself was seen to compute in a function.
func (a *account) computes(x *explained, fn string) bool {
	for i := range x.sums.list {
		if s := &x.sums.list[i].key; s.cause == report.CauseRunning && own(s) {
			if p := a.places.Of(s.seen); p != nil && p.At.Func == fn {
				return true
			}
		}
	}
	return false
}
