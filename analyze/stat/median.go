package stat

import "slices"

// Median is the middle of some values, or between the two in the middle; 0 of none. It is
// exact, for few: see Sketch for many.
func Median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
