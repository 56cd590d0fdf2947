package simulate

import (
	"math/bits"
	"slices"
)

// Histogram counts lengths of time in buckets that grow with the value: sixteen
// for each power of two, so that a quantile is at most a sixteenth off.
type Histogram struct {
	counts [64 * subBuckets]int64
	N      int64
	Total  int64
	Max    int64
}

const subBuckets = 16

// Add counts a length in nanoseconds.
func (h *Histogram) Add(ns int64) {
	ns = max(ns, 0)
	h.counts[bucketOf(ns)]++
	h.N++
	h.Total += ns
	h.Max = max(h.Max, ns)
}

func bucketOf(v int64) int {
	if v < subBuckets {
		return int(v)
	}
	exp := bits.Len64(uint64(v)) - 5
	return (exp+1)*subBuckets + int(v>>exp)&(subBuckets-1)
}

func bucketLo(i int) int64 {
	if i < subBuckets {
		return int64(i)
	}
	return int64(subBuckets+i%subBuckets) << (i/subBuckets - 1)
}

// Quantile is the value that a share q in [0, 1] of the lengths does not exceed,
// interpolated within its bucket; 0 when there are none.
func (h *Histogram) Quantile(q float64) int64 {
	rank, seen := q*float64(h.N), 0.0
	for i, c := range h.counts {
		if c == 0 {
			continue
		}
		if seen+float64(c) >= rank {
			lo, hi := bucketLo(i), bucketLo(i+1)
			return min(lo+int64(float64(hi-lo)*(rank-seen)/float64(c)), h.Max)
		}
		seen += float64(c)
	}
	return h.Max
}

// tableSize is how many values a measured cost has: enough for a tail that shows.
const tableSize = 512

// Cost is the lengths counted as a cost; fallback where there are fewer than
// least of them.
func (h *Histogram) Cost(source string, least int64, fallback Cost) Cost {
	if h.N < least {
		return fallback
	}
	c := Cost{NS: make([]int64, tableSize), Source: source}
	for i := range c.NS {
		c.NS[i] = h.Quantile((float64(i) + .5) / tableSize)
	}
	// The last value stands for all of the tail: the mean stays what it was.
	sum := int64(0)
	for _, ns := range c.NS[:tableSize-1] {
		sum += ns
	}
	c.NS[tableSize-1] = max(c.NS[tableSize-1], h.Total*tableSize/h.N-sum)
	slices.Sort(c.NS)
	return c
}
