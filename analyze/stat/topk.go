package stat

import "slices"

// TopK keeps the k values with the highest scores; among equal scores the one
// offered first wins. It takes the memory of k values, however many are offered.
type TopK[T any] struct {
	k    int
	heap []scored[T] // least score first
	n    int64
}

type scored[T any] struct {
	score int64
	order int64
	value T
}

// NewTopK is an empty TopK of k values, of which there must be one at least.
func NewTopK[T any](k int) *TopK[T] { return &TopK[T]{k: k} }

func less[T any](a, b *scored[T]) bool {
	return a.score < b.score || a.score == b.score && a.order > b.order
}

// Admits reports whether Offer would keep a value with this score: ask before making
// one that is expensive to make.
func (t *TopK[T]) Admits(score int64) bool {
	return score > 0 && (len(t.heap) < t.k || score > t.heap[0].score)
}

// Offer keeps v if its score is among the highest; scores of 0 and below never are.
func (t *TopK[T]) Offer(score int64, v T) {
	if !t.Admits(score) {
		return
	}
	t.n++
	x := scored[T]{score, t.n, v}
	if len(t.heap) < t.k {
		t.heap = append(t.heap, x)
		for i := len(t.heap) - 1; i > 0 && less(&t.heap[i], &t.heap[(i-1)/2]); i = (i - 1) / 2 {
			t.heap[i], t.heap[(i-1)/2] = t.heap[(i-1)/2], t.heap[i]
		}
		return
	}
	t.heap[0] = x
	for i := 0; ; {
		c := 2*i + 1
		if c+1 < len(t.heap) && less(&t.heap[c+1], &t.heap[c]) {
			c++
		}
		if c >= len(t.heap) || !less(&t.heap[c], &t.heap[i]) {
			return
		}
		t.heap[i], t.heap[c] = t.heap[c], t.heap[i]
		i = c
	}
}

// Best are the kept values, highest score first.
func (t *TopK[T]) Best() []T {
	all := slices.Clone(t.heap)
	slices.SortFunc(all, func(a, b scored[T]) int {
		if less(&a, &b) {
			return 1
		}
		return -1
	})
	out := make([]T, len(all))
	for i := range all {
		out[i] = all[i].value
	}
	return out
}
