package whatif

import "slices"

// Where the machine was not asked, a thread that had no CPU looks as if its goroutine computed
// all the while. The same piece of a program, from one place where goroutines stop to the next,
// takes about as long each time, and a great deal longer when its thread was put aside in
// between: other threads have the CPU for milliseconds then.

// pause is how much longer than usual a piece takes at the least if its thread was put aside.
const pause = 2_000_000 // ns

const (
	pieceTimes = 8   // that a piece must be seen for its usual length to be known
	pieceKept  = 256 // lengths that tell it
	pieceEven  = 2   // times its usual length that three of four are within: others are now long and now short by themselves
	pieceMore  = 4   // times its usual length that it takes at the least if its thread was put aside
)

// mostPaused is the share of computing in pauses from which threads lacked CPUs: of some 130
// recordings those of programs beside others, or with more Ps than CPUs, have a tenth to two
// thirds, and others up to 7 %.
const mostPaused = .08

// piece is computing from one place where a goroutine stood to the next, by stacks.
type piece struct{ from, to uint32 }

// pieces tells of the program's computing, piece by piece.
func (c *workloads) pieces(tell func(p piece, ns int64)) {
	for _, g := range c.order {
		if g.runtime || g.worker {
			continue
		}
		last, ns := g.fn, int64(0)
		for s := range g.steps() {
			switch s.kind {
			case ownRun:
				ns += int64(s.to - s.from)
			case ownAssist:
			default:
				if ns > 0 {
					tell(piece{last, s.stack}, ns)
				}
				last, ns = s.stack, 0
			}
		}
	}
}

// usual is how long each piece takes that is seen often enough and takes about as long each
// time.
func (c *workloads) usual() map[piece]int64 {
	lengths := map[piece][]int64{}
	c.pieces(func(p piece, ns int64) {
		if l := lengths[p]; len(l) < pieceKept {
			lengths[p] = append(l, ns)
		}
	})
	out := map[piece]int64{}
	for p, l := range lengths {
		slices.Sort(l)
		if len(l) >= pieceTimes && l[len(l)*3/4] <= pieceEven*l[len(l)/2] {
			out[p] = l[len(l)/2]
		}
	}
	return out
}

// paused is which share of computing came on top of what it usually takes, in pauses. What one
// piece has most of does not count: that may be what it does, while who lacks a CPU does so
// wherever it is.
func (c *workloads) paused() float64 {
	type sum struct{ over, all int64 }
	usual := c.usual()
	sums := map[piece]sum{}
	c.pieces(func(p piece, ns int64) {
		takes, ok := usual[p]
		if !ok {
			return
		}
		x := sums[p]
		if x.all += ns; ns > pieceMore*takes && ns-takes >= pause {
			x.over += ns - takes
		}
		sums[p] = x
	})
	var rest, most sum
	for _, x := range sums {
		rest.over, rest.all = rest.over+x.over, rest.all+x.all
		if x.over > most.over || x.over == most.over && x.all < most.all {
			most = x
		}
	}
	return float64(rest.over-most.over) / float64(max(rest.all-most.all, 1))
}
