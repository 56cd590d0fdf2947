package timeline

import (
	"slices"
	"testing"

	"gmptrace/analyze/report"
)

// TestDepths: thinning keeps the highest number between two points kept, and in
// a trace where the number hardly changes next to nothing.
func TestDepths(t *testing.T) {
	var d depths
	var got []report.DepthPoint
	for i, n := range []int{100, 101, 99, 104, 100, 98, 50, 50, 52, 50} {
		got = d.add(got, int64(i), n)
	}
	got = d.flush(got)
	want := []report.DepthPoint{{At: 0, N: 100}, {At: 3, N: 104}, {At: 4, N: 100}, {At: 6, N: 50}, {At: 8, N: 52}, {At: 9, N: 50}}
	if !slices.Equal(got, want) {
		t.Errorf("kept %v, want %v", got, want)
	}
}

// TestDepthsBound: at most three points for a change, however they jump.
func TestDepthsBound(t *testing.T) {
	var d depths
	var got []report.DepthPoint
	const changes = 10_000
	for i := range int64(changes) {
		got = d.add(got, i, int(i*i*7919%1000))
	}
	if got = d.flush(got); len(got) > 3*changes+1 {
		t.Errorf("%d points for %d changes", len(got), changes)
	}
	if !slices.IsSortedFunc(got, func(a, b report.DepthPoint) int { return int(a.At - b.At) }) {
		t.Error("the points are not in order of time")
	}
}
