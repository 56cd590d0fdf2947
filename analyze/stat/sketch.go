// Package stat keeps what is told of many values without keeping the values: how
// long they are, as a Sketch, and the worst few of them, as a TopK.
//
// There is one definition of a quantile here, and whatever tells one uses it: a
// report of one trace, a comparison of several, and a query over stored rows say
// the same number of the same values.
package stat

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

// Bins grow with the values in them: each power of two from 64 on is divided into
// 64 of them. Those of values below 128 hold one value each, and no other is wider
// than 1/64 of its least value.
const (
	perOctave = 64
	octaveLen = 7 // bits of the values in the first octave that has so many

	// NumBins is how many bins there are: every int64 from 0 on has one.
	NumBins = (64-octaveLen)*perOctave + perOctave
)

// Bin is the bin of a value, in [0, NumBins). It grows with the value. What is
// negative counts as 0.
func Bin(v int64) int {
	u := uint64(max(v, 0))
	exp := bits.Len64(u|perOctave) - octaveLen
	return exp*perOctave + int(u>>(uint(exp)%64)) // it is less, which spares a check
}

// Lo is the least value in a bin.
func Lo(bin int) int64 {
	exp := exponent(bin)
	return int64(bin-exp*perOctave) << exp
}

// Hi is the greatest value in a bin: the next one begins at Hi+1.
func Hi(bin int) int64 { return Lo(bin) + 1<<exponent(bin) - 1 }

// Mid is the value that stands for all in a bin: Lo + (Hi-Lo)/2, rounded down. It is
// less than 1/128 of any of them away from it.
func Mid(bin int) int64 { return Lo(bin) + (Hi(bin)-Lo(bin))/2 }

// exponent is the power of two that is as wide as a bin.
func exponent(bin int) int { return max(bin/perOctave-1, 0) }

// Sketch is a distribution of lengths in nanoseconds, or of other numbers that are
// not negative. The zero value is an empty one.
//
// N, Sum, Min and Max are exact, Quantile is off by less than 1/128 of the value
// (0.8 %), and exact below 128. All of them depend on the values alone, not on their
// order nor on what was merged into what.
//
// Up to 32 values it takes 104 bytes. From then on it has counts by bins, in pages of
// an octave that are made when first needed: 512 bytes each, and 480 for the list of
// them. Waits from 1 µs to 1 ms take ten, 6 KB; a sketch of everything takes 58, 30 KB.
//
// A copy of a Sketch shares its counts: merge it into an empty one instead.
type Sketch struct {
	n, sum, min, max int64
	pages            *[NumBins / perOctave]*[perOctave]int64
	few              [32]uint16 // bins of the first n values, as long as there are no pages
}

// most is where counts stop: two of them can be added without an overflow. They get
// there by merging what somebody made up.
const most = 1 << 61

// Add adds a value. What is negative counts as 0.
func (s *Sketch) Add(v int64) {
	v = max(v, 0)
	if v < s.min || s.n == 0 {
		s.min = v
	}
	s.max = max(s.max, v)
	if s.sum += v; s.sum < 0 {
		s.sum = math.MaxInt64
	}
	bin := uint(Bin(v))
	if s.pages != nil {
		if p := s.pages[bin/perOctave]; p != nil { // as count does, but at once
			p[bin%perOctave]++
			s.n++
			return
		}
	}
	s.count(int(bin), 1)
}

// count counts n values in a bin.
func (s *Sketch) count(bin int, n int64) {
	if s.pages == nil && s.n+n <= int64(len(s.few)) {
		for ; n > 0; n-- {
			s.few[s.n] = uint16(bin)
			s.n++
		}
		return
	}
	if s.pages == nil {
		s.pages = new([NumBins / perOctave]*[perOctave]int64)
		for _, b := range s.few[:s.n] {
			s.cell(int(b), 1)
		}
	}
	s.cell(bin, n)
	s.n = min(s.n+n, most)
}

// cell counts n values on a page.
func (s *Sketch) cell(bin int, n int64) {
	p := &s.pages[bin/perOctave]
	if *p == nil {
		*p = new([perOctave]int64)
	}
	c := &(*p)[bin%perOctave]
	*c = min(*c+n, most)
}

// N is how many values there are.
func (s *Sketch) N() int64 { return s.n }

// Sum is the sum of the values; the greatest int64 if it is more than that.
func (s *Sketch) Sum() int64 { return s.sum }

// Min is the least value; 0 of none.
func (s *Sketch) Min() int64 { return s.min }

// Max is the greatest value; 0 of none.
func (s *Sketch) Max() int64 { return s.max }

// Quantile is the value of rank ceil(q·N), at least 1, in ascending order: Min and
// Max if that is the first or the last one, else the Mid of its bin, but no less than
// Min and no more than Max. It is 0 of none.
//
// A query over rows of Bins says the same number if it multiplies as float64.
func (s *Sketch) Quantile(q float64) int64 {
	rank := int64(math.Ceil(q * float64(s.n)))
	switch {
	case rank <= 1:
		return s.min
	case rank >= s.n:
		return s.max
	}
	for bin, n := range s.Bins() {
		if rank -= n; rank <= 0 {
			return min(max(Mid(bin), s.min), s.max)
		}
	}
	return s.max
}

// Bins yields the bins that have values, in ascending order, and how many.
func (s *Sketch) Bins() iter.Seq2[int, int64] {
	if s.pages == nil {
		return s.fewBins
	}
	return s.pagedBins
}

func (s *Sketch) fewBins(yield func(int, int64) bool) {
	few := s.few // sorted here, so that Add need not
	bins := few[:s.n]
	slices.Sort(bins)
	for i := 0; i < len(bins); {
		from := i
		for i < len(bins) && bins[i] == bins[from] {
			i++
		}
		if !yield(int(bins[from]), int64(i-from)) {
			return
		}
	}
}

func (s *Sketch) pagedBins(yield func(int, int64) bool) {
	for i, p := range s.pages {
		if p == nil {
			continue
		}
		for j, n := range p {
			if n > 0 && !yield(i*perOctave+j, n) {
				return
			}
		}
	}
}

// Count is how many values are at least lo and less than hi. From 128 on, a value is
// as good as the Lo of its bin.
func (s *Sketch) Count(lo, hi int64) int64 {
	var sum int64
	for bin, n := range s.Bins() {
		if v := Lo(bin); v >= lo && v < hi {
			sum += n
		}
	}
	return sum
}

// Octave counts the values in [Lo, Hi).
type Octave struct{ Lo, Hi, Count int64 }

// firstOctave is where the first of Octaves ends.
const firstOctave = 16

// Octaves are the counts by powers of two, from the first one in use to the last. What
// is below 16 is in one.
func (s *Sketch) Octaves() []Octave {
	var out []Octave
	for bin, n := range s.Bins() {
		for len(out) == 0 || Lo(bin) >= out[len(out)-1].Hi {
			out = append(out, nextOctave(out, Lo(bin)))
		}
		out[len(out)-1].Count += n
	}
	return out
}

// nextOctave is the one after the last of some, or that of a value if there is none.
func nextOctave(octaves []Octave, v int64) Octave {
	switch n := len(octaves); {
	case n > 0:
		v = octaves[n-1].Hi
	case v < firstOctave:
		return Octave{Lo: 0, Hi: firstOctave}
	}
	lo := int64(1) << (bits.Len64(uint64(v)) - 1)
	if lo > math.MaxInt64/2 {
		return Octave{Lo: lo, Hi: math.MaxInt64}
	}
	return Octave{Lo: lo, Hi: 2 * lo}
}

// Merge adds the values of o, which it leaves alone.
func (s *Sketch) Merge(o *Sketch) {
	if o.n == 0 {
		return
	}
	if s.n == 0 {
		s.min = o.min
	}
	s.min, s.max, s.sum = min(s.min, o.min), max(s.max, o.max), sumOf(s.sum, o.sum)
	for bin, n := range o.Bins() {
		s.count(bin, n)
	}
}

// Merged is a distribution of the values of all of them.
func Merged(sketches []*Sketch) *Sketch {
	all := &Sketch{}
	for _, s := range sketches {
		all.Merge(s)
	}
	return all
}

// sumOf is the sum of two numbers that are not negative, at most the greatest int64.
func sumOf(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// timesOf is their product, likewise.
func timesOf(a, b int64) int64 {
	if hi, lo := bits.Mul64(uint64(a), uint64(b)); hi == 0 && lo <= math.MaxInt64 {
		return int64(lo)
	}
	return math.MaxInt64
}

// mostRead is how many values a sketch that is read may have: as many as every reader
// of JSON counts exactly.
const mostRead = 1 << 53

// FromBins is the sketch of which Bins, Sum, Min and Max are told, in whatever order the
// bins come. It is an error if there is no such sketch, or one of more than 2^53 values.
func FromBins(bins iter.Seq2[int, int64], sum, least, greatest int64) (*Sketch, error) {
	s := &Sketch{sum: sum, min: least, max: greatest}
	for bin, n := range bins {
		if err := s.read(bin, n); err != nil {
			return nil, err
		}
	}
	return s, s.sound()
}

// read counts what somebody says is in a bin.
func (s *Sketch) read(bin int, n int64) error {
	if bin < 0 || bin >= NumBins {
		return fmt.Errorf("there is no bin %d", bin)
	}
	if n <= 0 || n > mostRead-s.n {
		return fmt.Errorf("no sketch has %d values in bin %d", n, bin)
	}
	s.count(bin, n)
	return nil
}

// sound tells what can't be of Sum, Min and Max.
func (s *Sketch) sound() error {
	first, last := -1, -1
	var lo, hi int64
	for bin, n := range s.Bins() {
		if last = bin; first < 0 {
			first = bin
		}
		lo, hi = sumOf(lo, timesOf(n, Lo(bin))), sumOf(hi, timesOf(n, Hi(bin)))
	}
	switch {
	case s.n == 0 && (s.min != 0 || s.max != 0 || s.sum != 0):
		return errors.New("without a value, least, greatest and sum are 0")
	case s.n > 0 && (s.min < 0 || s.min > s.max || Bin(s.min) != first || Bin(s.max) != last):
		return fmt.Errorf("the least value %d and the greatest %d are not those of the first and last bin", s.min, s.max)
	case s.sum < lo || s.sum > hi:
		return fmt.Errorf("the sum %d is not that of the bins", s.sum)
	}
	return nil
}

// MarshalText writes the sketch: "sum=S min=A max=B", then of each bin that has values
// its Lo, and "×count" if there are several. It is "" of none. So JSON has it as a text, in
// which one can read the lengths, and which an indented file has in one line. Equal
// values give equal texts.
func (s Sketch) MarshalText() ([]byte, error) {
	if s.n > mostRead {
		return nil, fmt.Errorf("a sketch of %d values: only up to %d can be read again", s.n, int64(mostRead))
	}
	if s.n == 0 {
		return []byte{}, nil
	}
	out := fmt.Appendf(nil, "sum=%d min=%d max=%d", s.sum, s.min, s.max)
	for bin, n := range s.Bins() {
		out = strconv.AppendInt(append(out, ' '), Lo(bin), 10)
		if n > 1 {
			out = strconv.AppendInt(append(out, "×"...), n, 10)
		}
	}
	return out, nil
}

// UnmarshalText reads what MarshalText wrote. On an error it leaves s as it was.
func (s *Sketch) UnmarshalText(text []byte) error {
	var read Sketch
	for i, field := range strings.Fields(string(text)) {
		if err := read.field(i, field); err != nil {
			return err
		}
	}
	if err := read.sound(); err != nil {
		return err
	}
	*s = read
	return nil
}

// field reads one part of the text.
func (s *Sketch) field(i int, field string) error {
	head := []struct {
		name string
		to   *int64
	}{{"sum=", &s.sum}, {"min=", &s.min}, {"max=", &s.max}}
	if i >= len(head) {
		bin, n, err := parseBin(field)
		if err != nil {
			return err
		}
		return s.read(bin, n)
	}
	number, ok := strings.CutPrefix(field, head[i].name)
	v, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil {
		return fmt.Errorf("%.40q is not %s and a number", field, head[i].name)
	}
	*head[i].to = v
	return nil
}

// parseBin reads a bin of MarshalText and its count.
func parseBin(field string) (bin int, n int64, err error) {
	least, count, several := strings.Cut(field, "×")
	v, err := strconv.ParseInt(least, 10, 64)
	n = 1
	if several && err == nil {
		n, err = strconv.ParseInt(count, 10, 64)
	}
	bin = Bin(v)
	if err != nil || Lo(bin) != v {
		return 0, 0, fmt.Errorf("%.40q is not the least value of a bin, and a count", field)
	}
	return bin, n, nil
}
