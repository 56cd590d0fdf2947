package analyze

import "slices"

// topK keeps the k values with the highest scores; among equal scores the one
// offered first wins.
type topK[T any] struct {
	k    int
	heap []scored[T] // least score first
	n    int64
}

type scored[T any] struct {
	score int64
	order int64
	value T
}

func newTopK[T any](k int) *topK[T] { return &topK[T]{k: k} }

func less[T any](a, b *scored[T]) bool {
	return a.score < b.score || a.score == b.score && a.order > b.order
}

// admits reports whether a value with this score would be kept.
func (t *topK[T]) admits(score int64) bool {
	return score > 0 && (len(t.heap) < t.k || score > t.heap[0].score)
}

// offer keeps v if its score is among the highest; scores of 0 and below never are.
func (t *topK[T]) offer(score int64, v T) {
	if !t.admits(score) {
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

// best are the kept values, highest score first.
func (t *topK[T]) best() []T {
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
