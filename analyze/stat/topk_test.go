package stat

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestTopK compares it with sorting all that was offered.
func TestTopK(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	type offered struct {
		score int64
		order int
	}
	for range 200 {
		k := 1 + r.IntN(8)
		top := NewTopK[offered](k)
		var all []offered
		for i := range r.IntN(60) {
			x := offered{r.Int64N(12) - 2, i}
			top.Offer(x.score, x)
			if x.score > 0 {
				all = append(all, x)
			}
		}
		slices.SortStableFunc(all, func(a, b offered) int { return cmp.Compare(b.score, a.score) })
		if got, want := top.Best(), all[:min(k, len(all))]; !slices.Equal(got, want) {
			t.Fatalf("of %v the best %d are %v, not %v", all, k, got, want)
		}
		if len(all) >= k && (top.Admits(all[k-1].score) || !top.Admits(all[k-1].score+1)) {
			t.Fatalf("what is as good as the last of %v is admitted, or what is better is not", all[:k])
		}
	}
}
