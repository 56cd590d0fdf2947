package compare

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"

	student "github.com/aclements/go-moremath/stats"

	"gmptrace/analyze/stat"
)

// How an effect is judged. The statistic of each trace is put on a scale on which an
// effect is a difference: the logarithm of a length, say. What varies is known from
// three places, from the inside out: blocks of time within a trace, drawn again and
// again; how a trace drifts from one quarter to the next; and how the traces of a side
// differ. Where a side has few traces, or one, the third is held to be no less than what
// the first two and an assumption say: four traces that happen to be alike are no
// proof that the fifth will be.
const (
	maxBlocks    = 16   // of time that a trace is divided into to draw from
	fewestBlocks = 4    // that a single trace needs, to tell how much it varies
	drawsInAll   = 1000 // over the traces of both sides
	mostDraws    = 200  // of one trace
	fewestDraws  = 40
	priorDF      = 4   // traces that the assumption is worth, beside those that there are
	assumedDF    = 30  // degrees of freedom where it stands alone
	noticedPower = .85 // chance to be noticed that an effect of Change.Noticed has
)

// Of the variance between quarters of a trace, the share that is to be expected between traces:
// of lengths, and of what is counted.
const (
	driftShare     = 1
	rateDriftShare = .5
)

// Standard deviations from one run to the next that are assumed where there are no runs to
// tell: of logarithms, or of angles in the case of shares.
const (
	lengthDrift = .03
	tailDrift   = .08
	shareDrift  = .04
	waitDrift   = .15
	rateDrift   = .15
)

// run is a statistic of one trace.
type run struct {
	seen   float64 // on the scale of effects
	y      float64 // seen, less what it owes to the run's pace
	within float64 // variance that drawing blocks of time again gives it
	drift  float64 // variance between the quarters of the trace
	blocks int     // that it was divided into
}

// effect is by how much two sides differ, and how sure that is.
type effect struct {
	diff     float64 // new less old, on the scale of effects
	variance float64 // of one run's statistic
	old, new int     // runs
	df       float64 // degrees of freedom of the variance
}

// assumed is what is taken for granted of how runs differ where they do not say more.
type assumed struct {
	sd    float64 // from run to run
	share float64 // of the variance between quarters of a trace that is to be expected between traces
	least float64 // from run to run, however alike the runs there are happen to be
}

// effectOf compares runs.
func effectOf(old, new []run, assumed assumed) effect {
	e := effect{old: len(old), new: len(new)}
	e.diff = meanOf(new, statistic) - meanOf(old, statistic)
	all := slices.Concat(old, new)
	within := meanOf(all, func(r run) float64 { return r.within })
	drift := meanOf(all, func(r run) float64 { return r.drift })
	drift = max(0, drift-4*within) // four quarters of what only varies from block to block differ by that
	e.variance = within + max(assumed.sd*assumed.sd, assumed.share*drift)
	e.df = assumedDF
	if df := float64(len(all) - 2); df > 0 {
		spread := (squares(old) + squares(new)) / df
		e.df = priorDF + df
		e.variance = max(spread, (priorDF*e.variance+df*spread)/e.df, assumed.least*assumed.least)
	}
	return e
}

func statistic(r run) float64  { return r.y }
func unadjusted(r run) float64 { return r.seen }

// seenRun is a run of what owes nothing to its pace.
func seenRun(y, within, drift float64, blocks int) run {
	return run{seen: y, y: y, within: within, drift: drift, blocks: blocks}
}

func meanOf(runs []run, of func(run) float64) float64 {
	var sum float64
	for _, r := range runs {
		sum += of(r)
	}
	return sum / float64(max(1, len(runs)))
}

// squares is the sum of squared distances from the mean.
func squares(runs []run) float64 {
	m := meanOf(runs, statistic)
	return meanOf(runs, func(r run) float64 { return (r.y - m) * (r.y - m) }) * float64(len(runs))
}

// spread is the standard error of the difference.
func (e *effect) spread() float64 {
	return math.Sqrt(e.variance * (1/float64(e.old) + 1/float64(e.new)))
}

// p is how likely a difference like this one, or a greater one, is where there is none.
func (e *effect) p() float64 {
	if e.diff == 0 {
		return 1
	}
	return min(1, 2*student.TDist{V: e.df}.CDF(-math.Abs(e.diff)/e.spread()))
}

// reach is how far from the true difference the one seen may be, at a level.
func (e *effect) reach(level float64) float64 {
	return -studentBelow(level/2, e.df) * e.spread()
}

// studentBelow is where Student's t distribution reaches a probability, at most a half.
func studentBelow(p, df float64) float64 {
	lo, hi := -1e3, 0.0
	for range 60 {
		if mid := (lo + hi) / 2; (student.TDist{V: df}).CDF(mid) < p {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi
}

// blocks are the lengths of a trace by blocks of time, as bins of a sketch.
type blocks struct {
	bins  []int    // that have values in any block
	cells [][]cell // of each block
	sums  []float64
	from  []int // first of the windows of each block, of all
	of    int   // windows
	n     int64
}

// cell is how many values a block has in a bin, which is a number of blocks.bins.
type cell struct {
	bin int
	n   int64
}

// blocksOf joins windows to as many blocks as are drawn from. Those of nothing are none.
func blocksOf(windows []*stat.Sketch) *blocks {
	b := &blocks{of: len(windows)}
	at := map[int]int{}
	for bin := range stat.Merged(windows).Bins() {
		at[bin] = len(b.bins)
		b.bins = append(b.bins, bin)
	}
	join := max(1, (len(windows)+maxBlocks-1)/maxBlocks)
	for from := 0; from < len(windows); from += join {
		all := stat.Merged(windows[from:min(from+join, len(windows))])
		if all.N() == 0 {
			continue
		}
		var cells []cell
		for bin, n := range all.Bins() {
			cells = append(cells, cell{at[bin], n})
		}
		b.cells, b.sums, b.from, b.n = append(b.cells, cells), append(b.sums, float64(all.Sum())), append(b.from, from), b.n+all.N()
	}
	return b
}

// generator gives the numbers that a trace's blocks are drawn by: the same ones
// for the same lengths, wherever and whenever they are compared.
func (b *blocks) generator() *rand.Rand {
	h := fnv.New128a()
	var word [8]byte
	add := func(n int64) {
		binary.LittleEndian.PutUint64(word[:], uint64(n))
		h.Write(word[:])
	}
	for i, cells := range b.cells {
		add(int64(b.from[i]))
		for _, c := range cells {
			add(int64(b.bins[c.bin]))
			add(c.n)
		}
	}
	sum := h.Sum(nil)
	return rand.New(rand.NewPCG(binary.LittleEndian.Uint64(sum), binary.LittleEndian.Uint64(sum[8:])))
}

// drawn are lengths that some blocks have together.
type drawn struct {
	b      *blocks
	counts []int64
	n      int64
	sum    float64
}

func (d *drawn) clear() {
	clear(d.counts)
	d.n, d.sum = 0, 0
}

func (d *drawn) add(block int) {
	for _, c := range d.b.cells[block] {
		d.counts[c.bin] += c.n
		d.n += c.n
	}
	d.sum += d.b.sums[block]
}

// quantile is as that of a sketch, which knows the least and the greatest too.
func (d *drawn) quantile(q float64) float64 {
	rank := int64(math.Ceil(q * float64(d.n)))
	for i, n := range d.counts {
		if rank -= n; rank <= 0 {
			return float64(stat.Mid(d.b.bins[i]))
		}
	}
	return 0
}

func (d *drawn) mean() float64 { return d.sum / float64(max(1, d.n)) }

// above is the share of lengths above one.
func (d *drawn) above(length float64) float64 {
	var n int64
	for i := len(d.counts) - 1; i >= 0 && float64(stat.Mid(d.b.bins[i])) > length; i-- {
		n += d.counts[i]
	}
	return float64(n) / float64(max(1, d.n))
}

// figure is how a statistic of drawn lengths is told on the scale of effects.
type figure func(*drawn) float64

// vary says how much figures vary within a trace: each by drawing blocks of time, as
// many as there are, and between quarters.
func (b *blocks) vary(of []figure, draws int) (within, drift []float64) {
	d := &drawn{b: b, counts: make([]int64, len(b.bins))}
	r := b.generator()
	values := make([][]float64, len(of))
	for range draws {
		d.clear()
		for range b.cells {
			d.add(r.IntN(len(b.cells)))
		}
		for i, m := range of {
			values[i] = append(values[i], m(d))
		}
	}
	quarters := b.quarters(d, of)
	for i := range of {
		within = append(within, variance(values[i]))
		drift = append(drift, variance(quarters[i]))
	}
	return within, drift
}

// quarterValues are the lengths that each quarter of a trace needs, to tell a drift.
const quarterValues = 20

// quarters are figures of the quarters of a trace: of none if one has too few lengths.
func (b *blocks) quarters(d *drawn, of []figure) [][]float64 {
	out := make([][]float64, len(of))
	for q := range 4 {
		d.clear()
		for i := range b.cells {
			if b.from[i]*4/max(1, b.of) == q {
				d.add(i)
			}
		}
		if d.n < quarterValues {
			return make([][]float64, len(of))
		}
		for i, m := range of {
			out[i] = append(out[i], m(d))
		}
	}
	return out
}

// variance is that of a sample; 0 of fewer than two.
func variance(values []float64) float64 {
	if len(values) < 2 {
		return 0
	}
	m, sum := mean(values), 0.0
	for _, v := range values {
		sum += (v - m) * (v - m)
	}
	return sum / float64(len(values)-1)
}

// varyRate is vary of a rate, the windows of which are the blocks.
func varyRate(windows []float64, scale func(float64) float64, draws int) (within, drift float64) {
	r := generatorOf(windows)
	var values, quarters []float64
	for range draws {
		var sum float64
		for range windows {
			sum += windows[r.IntN(len(windows))]
		}
		values = append(values, scale(sum/float64(len(windows))))
	}
	for q := 0; q < 4 && len(windows) >= 4; q++ {
		quarters = append(quarters, scale(mean(windows[q*len(windows)/4:(q+1)*len(windows)/4])))
	}
	return variance(values), variance(quarters)
}

// generatorOf gives the numbers that some figures are drawn by: the same ones for the same.
func generatorOf(figures []float64) *rand.Rand {
	h := fnv.New128a()
	var word [8]byte
	for _, v := range figures {
		binary.LittleEndian.PutUint64(word[:], math.Float64bits(v))
		h.Write(word[:])
	}
	sum := h.Sum(nil)
	return rand.New(rand.NewPCG(binary.LittleEndian.Uint64(sum), binary.LittleEndian.Uint64(sum[8:])))
}

// angle is the scale of shares: on it a share varies alike, however small it is.
func angle(share float64) float64 { return math.Asin(math.Sqrt(min(1, max(0, share)))) }

// shareOf is the share of an angle.
func shareOf(angle float64) float64 {
	s := math.Sin(min(math.Pi/2, max(0, angle)))
	return s * s
}
