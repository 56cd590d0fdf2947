package explain

import (
	"slices"
	"sort"

	"gmptrace/analyze/replay"
	"gmptrace/model"
)

// pages are what goroutines and Ps did in the last portions, in as few bytes as explaining it
// takes. What goroutines did stands in order of time, and is read out for those that an
// explanation asks for; Ps are few, and each one's stretches stand together.
type pages struct {
	list  []*factPage // in order; the last one is of the newest facts
	procs []procPages // by P
	first int         // number of the first one
	gone  model.Time  // until when the facts went that are not there any more
	begin int         // and of the first one that is not forgotten
	spare []*factPage

	from, to int // numbers of the pages that are read from
	all      int // number of the one until which all has been read out of them
	sought   int // how many pages were looked at
	there    int // how many stretches those have that are read from
}

// factPage is what is kept of the facts of one portion.
type factPage struct {
	until   model.Time
	gs      []pageG // those that count
	ps      int     // how many stretches of Ps there were
	wastes  []replay.Window
	samples []model.Event
	byG     chains
}

// procPages is what a P did in all pages that are there.
type procPages struct {
	segs  []pSeg
	from  int // the first one of the pages that are read from
	ended model.Time
}

// pageG is a stretch of a goroutine.
type pageG struct {
	gSeg
	g  model.GoID
	fn uint32 // stack that it started with
}

func (p *factPage) size() int { return len(p.gs) + p.ps }

// newest is the page of the newest facts.
func (x *pages) newest() *factPage {
	if len(x.list) == 0 {
		x.turn()
	}
	return x.list[len(x.list)-1]
}

// write adds facts to the newest page.
func (x *pages) write(f *model.Facts) {
	p := x.newest()
	p.until = f.Now
	p.write(f)
	p.ps += len(f.Ps)
	for i := range f.Ps {
		x.addP(&f.Ps[i])
	}
}

// addP adds a stretch of a P.
func (x *pages) addP(iv *model.PInterval) {
	if iv.P < 0 {
		return
	}
	for int(iv.P) >= len(x.procs) {
		x.procs = append(x.procs, procPages{})
	}
	l := &x.procs[iv.P]
	n := len(l.segs)
	if n == cap(l.segs) { // made new, as what is not written to need not be there: append and slices.Grow clear it
		all := make([]pSeg, n, n+n/2+portionOf)
		copy(all, l.segs)
		l.segs = all
	}
	l.segs = l.segs[:n+1]
	l.segs[n].set(iv)
	l.ended = iv.End
}

// write adds what goroutines did.
func (p *factPage) write(f *model.Facts) {
	gs, dispatches := slices.Grow(p.gs, len(f.Gs)), f.Dispatches
	for i := range f.Gs {
		iv := &f.Gs[i]
		if !counts(iv) {
			continue
		}
		var d *model.Dispatch
		if iv.State == model.GRunnable {
			d, dispatches = endedBy(iv, dispatches)
		}
		gs = gs[:len(gs)+1]
		x := &gs[len(gs)-1]
		x.g, x.fn = iv.G, iv.Func
		x.set(iv, d)
	}
	p.gs = gs
	for i := range f.Wastes {
		p.wastes = append(p.wastes, replay.Window{From: f.Wastes[i].Start, To: f.Wastes[i].End})
	}
}

// turn begins the page of another portion.
func (x *pages) turn() {
	if n := len(x.spare); n > 0 {
		x.list, x.spare = append(x.list, x.spare[n-1]), x.spare[:n-1]
		return
	}
	x.list = append(x.list, &factPage{gs: make([]pageG, 0, portionOf)})
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
	for i := range x.procs {
		x.procs[i].from = x.procs[i].until(x.before(from))
	}
}

// before is until when the facts go of the page before one.
func (x *pages) before(n int) model.Time {
	if n == x.first {
		return x.gone
	}
	return x.page(n - 1).until
}

// until is how many stretches of a P ended by a time.
func (l *procPages) until(t model.Time) int {
	return sort.Search(len(l.segs), func(i int) bool { return l.segs[i].end > t })
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
	x.gone = x.before(before)
	for i := range x.procs {
		l := &x.procs[i]
		n := l.until(x.gone)
		l.segs = l.segs[:copy(l.segs, l.segs[n:])]
		l.from = max(0, l.from-n)
	}
	for _, p := range x.list[:n] {
		*p = factPage{gs: p.gs[:0], wastes: p.wastes[:0], samples: p.samples[:0], byG: p.byG.emptied()}
	}
	x.spare = append(x.spare, x.list[:n]...)
	x.list = slices.Delete(x.list, 0, n)
	x.first = before
}

// chains lead through the stretches of a page of one goroutine.
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
	p.byG.begin(len(p.gs))
	for i := len(p.gs) - 1; i >= 0; i-- {
		p.byG.add(i, int64(p.gs[i].g))
	}
}

// chained makes sure that the page has chains.
func (p *factPage) chained() {
	if len(p.byG.heads) == 0 {
		p.chain()
	}
}

// eachG calls use with the stretches of a goroutine, in order.
func (p *factPage) eachG(g model.GoID, use func(*pageG)) {
	p.chained()
	for i := *p.byG.head(int64(g)); i != 0; i = p.byG.next[i-1] {
		if x := &p.gs[i-1]; x.g == g {
			use(x)
		}
	}
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
		p.eachG(g, l.put)
		for i := range p.samples {
			if p.samples[i].G == g {
				l.sampled(&p.samples[i])
			}
		}
	}
	l.read = x.to
	return l
}

// did is what a P did in the pages that are read from.
func (x *pages) did(p model.ProcID) []pSeg {
	if int(p) >= len(x.procs) {
		return nil
	}
	l := &x.procs[p]
	return l.segs[l.from:]
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
		for i := range p.gs {
			if l := h.line(p.gs[i].g); l.read <= n {
				l.put(&p.gs[i])
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
