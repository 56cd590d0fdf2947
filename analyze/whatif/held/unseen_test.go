package held

import (
	"math"
	"testing"
)

// TestApart: among a few far from all others, one is far from its tenth neighbour.
func TestApart(t *testing.T) {
	var all []float64
	for i := range 40 {
		all = append(all, float64(i)/100)
	}
	for _, x := range []struct{ v, want float64 }{{.2, .05}, {-1, 1.09}, {1, .70}} {
		if got := apart(all, x.v); math.Abs(got-x.want) > .011 {
			t.Errorf("%g is %g from its tenth neighbour, want %g", x.v, got, x.want)
		}
	}
	if got := apart([]float64{3}, 1); got != -2 && got != 2 {
		t.Errorf("one neighbour: %g", got)
	}
}
