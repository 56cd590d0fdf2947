package analyze

import (
	"slices"
	"testing"
)

// TestDepths: thinning keeps the highest number between two points kept, and in
// a trace where the number hardly changes next to nothing.
func TestDepths(t *testing.T) {
	var d depths
	var got []DepthPoint
	for i, n := range []int{100, 101, 99, 104, 100, 98, 50, 50, 52, 50} {
		got = d.add(got, int64(i), n)
	}
	got = d.flush(got)
	want := []DepthPoint{{0, 100}, {3, 104}, {4, 100}, {6, 50}, {8, 52}, {9, 50}}
	if !slices.Equal(got, want) {
		t.Errorf("kept %v, want %v", got, want)
	}
}

// TestDepthsBound: at most three points for a change, however they jump.
func TestDepthsBound(t *testing.T) {
	var d depths
	var got []DepthPoint
	const changes = 10_000
	for i := range int64(changes) {
		got = d.add(got, i, int(i*i*7919%1000))
	}
	if got = d.flush(got); len(got) > 3*changes+1 {
		t.Errorf("%d points for %d changes", len(got), changes)
	}
	if !slices.IsSortedFunc(got, func(a, b DepthPoint) int { return int(a.At - b.At) }) {
		t.Error("the points are not in order of time")
	}
}
