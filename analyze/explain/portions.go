package explain

import "gmptrace/model"

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
		return f.Until(f.Gs[left-1].End), true
	}
	p.n += len(f.Gs)
	part, *f = *f, model.Facts{}
	return part, false
}
