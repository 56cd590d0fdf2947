package explain

import (
	"slices"
	"sort"

	"gmptrace/analyze/replay"
	"gmptrace/model"
)

// pages are the facts of the last portions, where the replay wrote them. What goroutines
// and Ps did is read out of them one by one, for those that an explanation asks for.
type pages struct {
	list   []*factPage // in order; the last one is of the newest facts
	first  int         // number of the first one
	begin  int         // and of the first one that is not forgotten
	spare  []*factPage
	memory []memory // of the facts in list, in order
	free   []memory

	from, to int // numbers of the pages that are read from
	all      int // number of the one until which all has been read out of them
	sought   int // how many pages were looked at
	there    int // how many stretches those have that are read from
}

// factPage is what is kept of the facts of one portion.
type factPage struct {
	until    model.Time
	parts    []pagePart // of each call of Watch that told of the portion
	copies   pagePart   // what was copied, in memory of the page's own
	wastes   []replay.Window
	samples  []model.Event
	stretchG int // stretches of goroutines that count
	stretchP int
	byG, byP chains
}

type pagePart struct {
	gs         []model.GInterval
	dispatches []model.Dispatch
	ps         []model.PInterval
}

// memory is what some facts lie in.
type memory struct {
	gs         []model.GInterval
	dispatches []model.Dispatch
	ps         []model.PInterval
	last       int // number of the last page with some of them
}

func (p *factPage) size() int { return p.stretchG + p.stretchP }

// newest is the page of the newest facts.
func (x *pages) newest() *factPage {
	if len(x.list) == 0 {
		x.turn()
	}
	return x.list[len(x.list)-1]
}

// write adds facts to a page: what lies in memory that is not kept is copied.
func (p *factPage) write(f *model.Facts, in *model.Facts) {
	part := pagePart{f.Gs, f.Dispatches, f.Ps}
	if !dense(in.Gs) {
		part.gs = copied(&p.copies.gs, part.gs)
	}
	if !dense(in.Dispatches) {
		part.dispatches = copied(&p.copies.dispatches, part.dispatches)
	}
	if !dense(in.Ps) {
		part.ps = copied(&p.copies.ps, part.ps)
	}
	p.parts = append(p.parts, part)
	p.until = f.Now
	for i := range part.gs {
		if counts(&part.gs[i]) {
			p.stretchG++
		}
	}
	p.stretchP += len(part.ps)
	for i := range f.Wastes {
		p.wastes = append(p.wastes, replay.Window{From: f.Wastes[i].Start, To: f.Wastes[i].End})
	}
}

// copied is a copy of some facts behind others that were copied, which stay where they are
// as long as they are needed.
func copied[T any](copies *[]T, facts []T) []T {
	n := len(*copies)
	*copies = append(*copies, facts...)
	return (*copies)[n:]
}

// turn begins the page of another portion.
func (x *pages) turn() {
	if n := len(x.spare); n > 0 {
		x.list, x.spare = append(x.list, x.spare[n-1]), x.spare[:n-1]
		return
	}
	x.list = append(x.list, &factPage{})
}

// end is the number of the next page.
func (x *pages) end() int { return x.first + len(x.list) }

// page is the one with a number.
func (x *pages) page(n int) *factPage { return x.list[n-x.first] }

// since is the number of the first page with facts from a time on.
func (x *pages) since(t model.Time) int {
	kept := x.list[x.begin-x.first:]
	return x.begin + sort.Search(len(kept), func(i int) bool { return kept[i].until > t })
}

// open begins to read, from a page on: nothing of it has been read out.
func (x *pages) open(from int) {
	x.from, x.to, x.all, x.sought, x.there = from, from, from, 0, 0
}

// forget lets go of the pages before one, but for those that are read from.
func (x *pages) forget(before int) {
	x.begin = before
	if x.to < before { // what is asked for next has begun later
		x.from, x.to = before-1, before-1
	}
	before = min(before, x.from)
	n := before - x.first
	if n <= 0 {
		return
	}
	for _, p := range x.list[:n] {
		clear(p.parts)
		copies := pagePart{p.copies.gs[:0], p.copies.dispatches[:0], p.copies.ps[:0]}
		*p = factPage{parts: p.parts[:0], copies: copies, wastes: p.wastes[:0], samples: p.samples[:0], byG: p.byG.emptied(), byP: p.byP.emptied()}
	}
	x.spare = append(x.spare, x.list[:n]...)
	x.list = slices.Delete(x.list, 0, n)
	x.first = before
	k := 0
	for k < len(x.memory) && x.memory[k].last < before {
		k++
	}
	x.free = append(x.free, x.memory[:k]...)
	x.memory = slices.Delete(x.memory, 0, k)
}

// keep takes the memory of facts that pages have, and gives them other memory.
func (x *pages) keep(f *model.Facts) {
	var other memory
	if n := len(x.free); n > 0 {
		other, x.free = x.free[n-1], x.free[:n-1]
	}
	m := memory{last: x.end() - 1}
	m.gs, f.Gs = swapped(f.Gs, other.gs)
	m.dispatches, f.Dispatches = swapped(f.Dispatches, other.dispatches)
	m.ps, f.Ps = swapped(f.Ps, other.ps)
	x.memory = append(x.memory, m)
}

// swapped is what to keep of the memory of some facts, and what to leave in its place.
func swapped[T any](facts, other []T) (kept, left []T) {
	switch {
	case !dense(facts):
		return other, facts
	case other == nil:
		other = make([]T, 0, len(facts)+len(facts)/8)
	}
	return facts, other[:0]
}

// dense reports whether facts fill enough of the memory that they lie in for it to be
// kept for them. Else they are copied: there may be few in each of many calls.
func dense[T any](facts []T) bool { return len(facts) > cap(facts)/3 }

// chains lead through the stretches of a page of one goroutine or P.
type chains struct {
	heads []int32 // by hash: the first one, counted from 1; 0 for none
	next  []int32 // by stretch: the next one
}

func (c *chains) emptied() chains { return chains{c.heads[:0], c.next[:0]} }

// begin makes room for n stretches.
func (c *chains) begin(n int) {
	size := 64
	for size < n {
		size *= 2
	}
	c.heads = slices.Grow(c.heads[:0], size)[:size]
	clear(c.heads)
	c.next = slices.Grow(c.next[:0], n)[:n]
}

// add adds a stretch in front of those that were added before it.
func (c *chains) add(i int, id int64) {
	head := c.head(id)
	c.next[i] = *head
	*head = int32(i + 1)
}

func (c *chains) head(id int64) *int32 { return &c.heads[int(id)&(len(c.heads)-1)] }

// chain makes the page's chains.
func (p *factPage) chain() {
	gs, ps := 0, 0
	for _, part := range p.parts {
		gs += len(part.gs)
		ps += len(part.ps)
	}
	p.byG.begin(gs)
	p.byP.begin(ps)
	for k := len(p.parts) - 1; k >= 0; k-- {
		part := &p.parts[k]
		gs, ps = gs-len(part.gs), ps-len(part.ps)
		for i := len(part.gs) - 1; i >= 0; i-- {
			p.byG.add(gs+i, int64(part.gs[i].G))
		}
		for i := len(part.ps) - 1; i >= 0; i-- {
			p.byP.add(ps+i, int64(part.ps[i].P))
		}
	}
}

// chained makes sure that the page has chains.
func (p *factPage) chained() {
	if len(p.byG.heads) == 0 {
		p.chain()
	}
}

// eachG calls use with the stretches of a goroutine, in order.
func (p *factPage) eachG(g model.GoID, use func(*pagePart, *model.GInterval)) {
	p.chained()
	part, begin := 0, 0
	for i := *p.byG.head(int64(g)); i != 0; i = p.byG.next[i-1] {
		for int(i)-1-begin >= len(p.parts[part].gs) {
			begin += len(p.parts[part].gs)
			part++
		}
		if iv := &p.parts[part].gs[int(i)-1-begin]; iv.G == g && counts(iv) {
			use(&p.parts[part], iv)
		}
	}
}

// eachP calls use with the stretches of a P, in order.
func (p *factPage) eachP(id model.ProcID, use func(*model.PInterval)) {
	p.chained()
	part, begin := 0, 0
	for i := *p.byP.head(int64(id)); i != 0; i = p.byP.next[i-1] {
		for int(i)-1-begin >= len(p.parts[part].ps) {
			begin += len(p.parts[part].ps)
			part++
		}
		if iv := &p.parts[part].ps[int(i)-1-begin]; iv.P == id {
			use(iv)
		}
	}
}

// ended is the dispatch that ended a goroutine's stretch, nil if none did.
func (part *pagePart) ended(iv *model.GInterval) *model.Dispatch {
	if iv.State != model.GRunnable {
		return nil
	}
	i := sort.Search(len(part.dispatches), func(i int) bool { return part.dispatches[i].Time >= iv.End })
	for ; i < len(part.dispatches) && part.dispatches[i].Time == iv.End; i++ {
		if part.dispatches[i].G == iv.G {
			return &part.dispatches[i]
		}
	}
	return nil
}

// lineG completes what a goroutine did in the pages that are read from.
func (x *pages) lineG(h *history, g model.GoID) *gLine {
	l := h.line(g)
	n := max(l.read, x.from, x.all)
	if x.seek(h, x.to-n) {
		return l
	}
	for ; n < x.to; n++ {
		p := x.page(n)
		p.eachG(g, func(part *pagePart, iv *model.GInterval) { l.add(iv, part.ended(iv)) })
		for i := range p.samples {
			if p.samples[i].G == g {
				l.sampled(&p.samples[i])
			}
		}
	}
	l.read = x.to
	return l
}

// lineP completes what a P did in the pages that are read from.
func (x *pages) lineP(h *history, p model.ProcID) *pLine {
	l := &h.ps[p]
	n := max(l.read, x.from, x.all)
	if x.seek(h, x.to-n) {
		return &h.ps[p]
	}
	for ; n < x.to; n++ {
		x.page(n).eachP(p, func(iv *model.PInterval) { l.add(iv) })
	}
	l.read = x.to
	return l
}

// seek counts pages that are to be looked at. When that is more work than to read all at
// once, it does so, and says so.
func (x *pages) seek(h *history, pages int) (all bool) {
	x.sought += pages
	if pages == 0 || x.sought < x.there {
		return false
	}
	x.readAll(h)
	return true
}

func (x *pages) readAll(h *history) {
	for n := max(x.from, x.all); n < x.to; n++ {
		p := x.page(n)
		for k := range p.parts {
			part := &p.parts[k]
			for i := range part.gs {
				if iv := &part.gs[i]; counts(iv) {
					if l := h.line(iv.G); l.read <= n {
						l.add(iv, part.ended(iv))
					}
				}
			}
			for i := range part.ps {
				if l := h.p(part.ps[i].P); l != nil && l.read <= n {
					l.add(&part.ps[i])
				}
			}
		}
		for i := range p.samples {
			if l := h.line(p.samples[i].G); l.read <= n {
				l.sampled(&p.samples[i])
			}
		}
	}
	x.all = x.to
}
