package explain

import (
	"testing"

	"gmptrace/analyze/report"
	"gmptrace/model"
)

// TestShares: of more goroutines than are told apart, each of which had the P for a moment,
// the function still is.
func TestShares(t *testing.T) {
	const fn, n = 7, maxShares + 1000
	var x shares
	for g := model.GoID(1); g <= n; g++ {
		x.step(&step{to: 1, cause: report.CauseQueue, who: g, whoFn: fn})
	}
	var ns int64
	x.each(func(s *stepSum, sum tally) {
		if s.who.Func == fn && s.who.G != model.NoG {
			ns += sum.ns
		}
	})
	if ns != n || len(x.by) > maxShares+1 {
		t.Errorf("%d ns of %d are %d's, in %d sums", ns, n, fn, len(x.by))
	}
	for g := model.GoID(n); g < 4*maxShares; g++ { // functions without end are not told apart
		x.step(&step{to: 1, cause: report.CauseQueue, who: g, whoFn: uint32(g)})
	}
	if len(x.by) > 2*maxShares || len(x.alone) != 1 {
		t.Errorf("%d sums, and %d of causes alone", len(x.by), len(x.alone))
	}
}
