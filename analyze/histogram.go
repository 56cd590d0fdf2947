package analyze

import "math/bits"

// subBuckets is how finely histogram divides each power of two: a quantile is
// at most 1/16 above the true value.
const subBuckets = 16

// histogram counts lengths of time in buckets that grow with the value, in
// fixed memory. A full HDR histogram would take ten times the memory, and there
// is one for each start function.
type histogram struct {
	counts []int64 // grown to the highest bucket used
	n      int64
	total  int64
	max    int64
}

func bucketOf(v int64) int {
	if v < subBuckets {
		return int(max(v, 0))
	}
	exp := bits.Len64(uint64(v)) - 5
	return (exp+1)*subBuckets + int(v>>exp)&(subBuckets-1)
}

// bucketLo is the least value in bucket i.
func bucketLo(i int) int64 {
	if i < subBuckets {
		return int64(i)
	}
	exp := i/subBuckets - 1
	return int64(subBuckets+i%subBuckets) << exp
}

func (h *histogram) add(v int64) {
	i := bucketOf(v)
	for i >= len(h.counts) {
		h.counts = append(h.counts, make([]int64, subBuckets)...)
	}
	h.counts[i]++
	h.n++
	h.total += v
	h.max = max(h.max, v)
}

// quantile is the value that a share q in [0, 1] of the values does not exceed,
// rounded up to its bucket's end; 0 when there are none.
func (h *histogram) quantile(q float64) int64 {
	if h.n == 0 {
		return 0
	}
	rank := int64(q * float64(h.n))
	if float64(rank) < q*float64(h.n) {
		rank++
	}
	rank = max(rank, 1)
	var seen int64
	for i, c := range h.counts {
		if seen += c; seen >= rank {
			return min(bucketLo(i+1)-1, h.max)
		}
	}
	return h.max
}

// octaves are the counts by powers of two, from the first one in use to the
// last.
func (h *histogram) octaves() []Bucket {
	var out []Bucket
	for lo, hi := int64(0), int64(subBuckets); lo <= h.max && h.n > 0; lo, hi = hi, hi*2 {
		b := Bucket{Lo: lo, Hi: hi}
		for i := bucketOf(lo); i < bucketOf(hi) && i < len(h.counts); i++ {
			b.Count += h.counts[i]
		}
		if b.Count > 0 || len(out) > 0 {
			out = append(out, b)
		}
	}
	return out
}

// merge adds the values counted in o.
func (h *histogram) merge(o *histogram) {
	for len(h.counts) < len(o.counts) {
		h.counts = append(h.counts, 0)
	}
	for i, c := range o.counts {
		h.counts[i] += c
	}
	h.n += o.n
	h.total += o.total
	h.max = max(h.max, o.max)
}
