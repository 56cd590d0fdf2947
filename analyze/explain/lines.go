package explain

import (
	"iter"

	"gmptrace/model"
)

// lines are those of goroutines, by id. Ids are given out one after the other, so that who
// does something at a time is close together: a page of them is found in a far smaller map
// than each would be, and mostly is the one that was looked at last.
type lines struct {
	pages map[uint64]*linePage // by id / linesEach, as a number without sign: NoG has a line as well
	last  *linePage
	at    uint64 // of last
}

// linesEach is small, as a trace may name ids that are far apart.
const linesEach = 16

type linePage struct {
	lines [linesEach]*gLine
	n     int // of them that there are
}

func (x *lines) page(g model.GoID) *linePage {
	at := uint64(g) / linesEach
	if x.last == nil || x.at != at {
		p := x.pages[at]
		if p == nil {
			return nil
		}
		x.last, x.at = p, at
	}
	return x.last
}

// of is a goroutine's line, nil if there is none.
func (x *lines) of(g model.GoID) *gLine {
	if p := x.page(g); p != nil {
		return p.lines[uint64(g)%linesEach]
	}
	return nil
}

// put puts a line in where there was none.
func (x *lines) put(g model.GoID, l *gLine) {
	p := x.page(g)
	if p == nil {
		if x.pages == nil {
			x.pages = map[uint64]*linePage{}
		}
		p = &linePage{}
		x.pages[uint64(g)/linesEach] = p
	}
	p.lines[uint64(g)%linesEach] = l
	p.n++
}

// all are the lines, in no order.
func (x *lines) all() iter.Seq2[model.GoID, *gLine] {
	return func(yield func(model.GoID, *gLine) bool) {
		for at, p := range x.pages {
			for i, l := range p.lines {
				if l != nil && !yield(model.GoID(at*linesEach+uint64(i)), l) {
					return
				}
			}
		}
	}
}

// without takes out the lines of which a function says so.
func (x *lines) without(out func(*gLine) bool) {
	for at, p := range x.pages {
		for i, l := range p.lines {
			if l != nil && out(l) {
				p.lines[i] = nil
				p.n--
			}
		}
		if p.n == 0 {
			delete(x.pages, at)
		}
	}
	x.last = nil
}
