package diagnose

import (
	"cmp"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/model"
)

// leaks answers: of which goroutines are there more and more? It samples their
// number, by the function that they started with, at a fixed number of times.
type leaks struct {
	names  *names.Table
	window *replay.Window
	from   model.Time // of what was analysed; set by the first facts
	step   model.Time // 0 before
	n      int
	byFunc []*growth // by names' function index
	endAt  model.Time
	now    model.Time

	// By the stack that it parked with, the longest wait of the program's goroutines
	// that ended; 0 if none did.
	returned []int64
}

// growth is how the number of goroutines of one function changed.
type growth struct {
	fn          uint32
	born, ended int64
	live        int64 // born less ended
	samples     [leakSamples]int32

	// Of those there at the end that began in the trace.
	blocked int64
	stuck   int64               // for longer than an eighth of the trace
	places  map[uint32]*stuckAt // by the stack that they parked with
}

// stuckAt are goroutines of one function that are blocked at one place at the end.
type stuckAt struct {
	stack  uint32
	reason model.Reason
	since  []model.Time
	g      model.GoID // blocked for longest
}

func newLeaks(s *replay.Session) *leaks { return &leaks{names: s.Names, window: s.Window} }

func (l *leaks) Watch(f *model.Facts) {
	if l.step == 0 {
		l.step, l.from = leakTick, l.window.From
	}
	for i := range f.Gs {
		iv := &f.Gs[i]
		if iv.State == model.GWaiting && iv.Open&model.OpenEnd == 0 && !iv.Runtime {
			l.ended(iv)
		}
		if iv.First || iv.Exit || iv.Open&model.OpenEnd != 0 {
			l.sampleUntil(iv.End)
			l.change(iv)
		}
	}
	l.now = min(f.Now, l.window.To)
}

// ended notes that a goroutine went on.
func (l *leaks) ended(iv *model.GInterval) {
	for int(iv.Stack) >= len(l.returned) {
		l.returned = append(l.returned, 0)
	}
	l.returned[iv.Stack] = max(l.returned[iv.Stack], int64(iv.End-iv.Start), 1)
}

// finish takes the samples that no goroutine's stretch came after.
func (l *leaks) finish() { l.sampleUntil(l.now) }

func (l *leaks) sampleUntil(now model.Time) {
	for l.from+l.step*model.Time(l.n+1) <= now {
		l.sample()
	}
}

func (l *leaks) sample() {
	if l.n == leakSamples {
		for _, g := range l.byFunc {
			if g == nil {
				continue
			}
			for i := range leakSamples / 2 {
				g.samples[i] = g.samples[2*i+1]
			}
		}
		l.n /= 2
		l.step *= 2
		return
	}
	for _, g := range l.byFunc {
		if g != nil {
			g.samples[l.n] = int32(g.live)
		}
	}
	l.n++
}

func (l *leaks) at(stack uint32) *growth {
	i := l.names.Start[stack]
	for int(i) >= len(l.byFunc) {
		l.byFunc = append(l.byFunc, nil)
	}
	if l.byFunc[i] == nil {
		l.byFunc[i] = &growth{fn: i}
	}
	return l.byFunc[i]
}

func (l *leaks) change(iv *model.GInterval) {
	g := l.at(iv.Func)
	if iv.First && iv.Open&model.OpenStart == 0 {
		g.born++
		g.live++
	}
	if iv.Exit {
		g.ended++
		g.live--
	}
	if iv.Open&model.OpenEnd == 0 || iv.State != model.GWaiting {
		return
	}
	if iv.End != l.endAt { // those before were of a break in the trace
		l.endAt = iv.End
		for _, x := range l.byFunc {
			if x != nil {
				x.blocked, x.stuck, x.places = 0, 0, nil
			}
		}
	}
	if iv.Open&model.OpenStart != 0 {
		return // it is older than the trace
	}
	g.blocked++
	if (iv.End-iv.Start)*leakParts > iv.End-l.from {
		g.stuck++
	}
	p := g.places[iv.Stack]
	if p == nil {
		if g.places == nil {
			g.places = map[uint32]*stuckAt{}
		}
		p = &stuckAt{stack: iv.Stack, reason: iv.Reason, g: iv.G}
		g.places[iv.Stack] = p
	}
	p.since = append(p.since, iv.Start)
	if k := len(p.since) - 1; iv.Start < p.since[0] { // the first is the one blocked for longest
		p.g, p.since[0], p.since[k] = iv.G, iv.Start, p.since[0]
	}
}

// place is where most of them are blocked.
func (g *growth) place() *stuckAt {
	most := &stuckAt{}
	for _, p := range g.places {
		if len(p.since) > len(most.since) || len(p.since) == len(most.since) && p.stack < most.stack {
			most = p
		}
	}
	return most
}

// forever reports whether most that are blocked at p have been so for ten times as
// long as anybody else was who went on from there, while leakSize of the same
// function came to their end: these are no work in progress.
func (g *growth) forever(l *leaks, p *stuckAt) bool {
	var longest int64
	if int(p.stack) < len(l.returned) {
		longest = l.returned[p.stack]
	}
	n := 0
	for _, t := range p.since {
		if int64(l.endAt-t) > 10*longest {
			n++
		}
	}
	return g.ended >= leakSize && 2*n > len(p.since)
}

// curve is how many there were after each part of the trace.
func (l *leaks) curve(g *growth) []int64 {
	out := make([]int64, 0, leakParts)
	for i := 1; i < leakParts; i++ {
		if k := l.n * i / leakParts; k > 0 {
			out = append(out, int64(g.samples[k-1]))
		}
	}
	return append(out, g.live)
}

// leaks reports whether g got more and more and stays.
func (g *growth) leaks(l *leaks) bool {
	if g.live < leakSize || g.blocked*10 < g.live*9 || g.stuck*2 < g.live {
		return false
	}
	if p := g.place(); g.ended*10 > g.born && (len(p.since) < leakSize || !g.forever(l, p)) {
		return false
	}
	curve := l.curve(g)
	rose := 0
	for i, n := range curve {
		var before int64
		if i > 0 {
			before = curve[i-1]
		}
		switch cmp.Compare(n, before) {
		case 1:
			rose++
		case -1:
			return false
		}
	}
	return rose >= leakParts-2
}
