package fleet

import (
	"math"
	"math/bits"

	student "github.com/aclements/go-moremath/stats"

	"gmptrace/analyze/stat"
)

// A pooled quantile is one of all values, but how sure it is depends on the traces: the
// requests of one snapshot are alike, so ten thousand of them in two snapshots tell less
// than a hundred in each of a hundred. What share of the values lies below a limit is a
// ratio of two sums over traces, whose variance follows from three more sums: of the
// squares of the traces' counts below the limit, of their products with the traces' sizes,
// and of the squares of the sizes. Those of all limits are kept, by differences from one
// limit to the next, so that they add up in whatever order traces come. (Woodruff's
// interval: the share's bounds, read off the distribution.)

// coarse is how many bins of a sketch one limit stands for: eight are an eighth of an
// octave, which is near enough for the width of an interval.
const coarse = 8

// wide is an integer of 128 bits: counts go up to 2^53, and their squares are added.
type wide struct{ Hi, Lo uint64 }

func product(a, b int64) wide {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	return wide{hi, lo}
}

func (w *wide) add(o wide) {
	var carry uint64
	w.Lo, carry = bits.Add64(w.Lo, o.Lo, 0)
	w.Hi, _ = bits.Add64(w.Hi, o.Hi, carry)
}

func (w wide) float() float64 { return float64(w.Hi)*0x1p64 + float64(w.Lo) }

// limit is by how much three sums grow up to one limit.
type limit struct {
	N       int64 // values
	Squares wide
	Sizes   wide // products with the traces' sizes
}

// spread is a distribution over several traces, and how it varies from one to the next.
type spread struct {
	Values sketch
	Traces int64
	Open   int64 // of Values: instances that had not ended
	Sizes  wide  // sum of the squares of the traces' sizes
	Limits map[int32]limit
}

// sketch is a stat.Sketch that gob can write.
type sketch struct{ stat.Sketch }

// GobEncode writes it as text.
func (s sketch) GobEncode() ([]byte, error) { return s.MarshalText() }

// GobDecode reads that.
func (s *sketch) GobDecode(b []byte) error { return s.UnmarshalText(b) }

// take takes in one trace's distribution.
func (s *spread) take(values *stat.Sketch, open int64) {
	if values.N() == 0 {
		return
	}
	if s.Limits == nil {
		s.Limits = map[int32]limit{}
	}
	size := values.N()
	s.Values.Merge(values)
	s.Traces++
	s.Open = sumOf(s.Open, open)
	s.Sizes.add(product(size, size))
	below, n, last := int64(0), int64(0), int32(-1)
	put := func() {
		if n > 0 {
			l := s.Limits[last]
			l.N = sumOf(l.N, n)
			l.Squares.add(product(n, 2*below+n)) // (below+n)² − below²
			l.Sizes.add(product(n, size))
			s.Limits[last] = l
			below += n
		}
	}
	for bin, count := range values.Bins() {
		if at := int32(bin / coarse); at != last {
			put()
			last, n = at, 0
		}
		n += count
	}
	put()
}

func (s *spread) add(o *spread) {
	if s.Limits == nil {
		s.Limits = map[int32]limit{}
	}
	s.Values.Merge(&o.Values.Sketch)
	s.Traces += o.Traces
	s.Open = sumOf(s.Open, o.Open)
	s.Sizes.add(o.Sizes)
	for at, x := range o.Limits {
		l := s.Limits[at]
		l.N = sumOf(l.N, x.N)
		l.Squares.add(x.Squares)
		l.Sizes.add(x.Sizes)
		s.Limits[at] = l
	}
}

// sure is the probability with which an interval holds the true value.
const sure = .95

// quantile is one of the values, with the interval that it lies in: as far as the traces
// are a fair sample of all there could be.
func (s *spread) quantile(q float64) Quantile {
	out := Quantile{NS: s.Values.Quantile(q)}
	if s.Traces < 2 {
		return out
	}
	half := studentAbove(float64(s.Traces-1)) * math.Sqrt(s.variance(q, out.NS))
	lo, hi := s.Values.Quantile(max(0, q-half)), s.Values.Quantile(min(1, q+half))
	out.Lo, out.Hi = &lo, &hi
	if q+half >= 1 {
		out.Hi = nil // nothing tells how much longer there could be
	}
	return out
}

// variance is that of the share of values below one that is the q-quantile: what traces
// differ by, and no less than what as many values taken one by one would.
func (s *spread) variance(q float64, value int64) float64 {
	n := float64(s.Values.N())
	least := q * (1 - q) / n
	at := int32(stat.Bin(value) / coarse)
	return max(least, s.between(at), s.between(at-1))
}

// between is what traces differ by in the share of their values up to a limit.
func (s *spread) between(at int32) float64 {
	var below int64
	var squares, sizes wide
	for i, l := range s.Limits {
		if i <= at {
			below = sumOf(below, l.N)
			squares.add(l.Squares)
			sizes.add(l.Sizes)
		}
	}
	n := float64(s.Values.N())
	p := float64(below) / n
	m := float64(s.Traces)
	return max(0, squares.float()-2*p*sizes.float()+p*p*s.Sizes.float()) / (n * n) * m / (m - 1)
}

// studentAbove is how many standard errors an interval reaches to each side.
func studentAbove(df float64) float64 {
	lo, hi := 0.0, 100.0
	for range 60 {
		if mid := (lo + hi) / 2; (student.TDist{V: df}).CDF(mid) < (1+sure)/2 {
			lo = mid
		} else {
			hi = mid
		}
	}
	return (lo + hi) / 2
}

// sumOf is the sum of two numbers that are not negative, at most the greatest int64.
func sumOf(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
