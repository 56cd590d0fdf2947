package explain

import (
	"sort"

	"gmptrace/model"
)

// portions cut the facts where that does not depend on when they are handed on: for
// whoever does something now and then, such as forgetting, or needs facts of all
// kinds up to a moment.
type portions struct{ n int } // goroutines' stretches in the one under way

// portionOf is how many goroutines' stretches make a portion.
const portionOf = 512

// next takes out of f what belongs to the portion under way, and reports whether
// that ends there. If it does not, nothing is left in f.
func (p *portions) next(f *model.Facts) (part model.Facts, ends bool) {
	if left := portionOf - p.n; len(f.Gs) >= left {
		p.n = 0
		return upTo(f, f.Gs[left-1].End), true
	}
	p.n += len(f.Gs)
	part, *f = *f, model.Facts{}
	return part, false
}

// upTo is Facts.Until of the kinds that are asked for here: portions are long, and most
// kinds need not be looked at.
func upTo(f *model.Facts, t model.Time) model.Facts {
	return model.Facts{
		Gs:         head(&f.Gs, func(x *model.GInterval) bool { return x.End > t }),
		Ps:         head(&f.Ps, func(x *model.PInterval) bool { return x.End > t }),
		Dispatches: head(&f.Dispatches, func(x *model.Dispatch) bool { return x.Time > t }),
		Wastes:     head(&f.Wastes, func(x *model.Waste) bool { return x.End > t }),
		Begun:      head(&f.Begun, func(x *model.Beginning) bool { return x.End > t }),
		Idling:     head(&f.Idling, func(x *model.Idling) bool { return x.Time > t }),
		Events:     head(&f.Events, func(x *model.Event) bool { return x.Time > t }),
		Now:        min(t, f.Now),
	}
}

// head takes out of a list what comes before the first element that is late.
func head[T any](list *[]T, late func(*T) bool) []T {
	n := sort.Search(len(*list), func(i int) bool { return late(&(*list)[i]) })
	all := *list
	*list = all[n:]
	return all[:n]
}
