package explain

import (
	"testing"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// TestShares: of more goroutines than are told apart, each of which had the P for a moment,
// the function still is.
func TestShares(t *testing.T) {
	const fn, n = 7, maxShares + 1000
	p := &population{shares: map[stepSum]tally{}}
	for g := model.GoID(1); g <= n; g++ {
		p.share(stepSum{cause: report.CauseQueue, g: measure.Culprit{G: model.NoG}, who: measure.Culprit{G: g, Func: fn}}, tally{ns: 1, n: 1})
	}
	var ns int64
	for s, sum := range p.shares {
		if s.who.Func == fn && s.who.G != model.NoG {
			ns += sum.ns
		}
	}
	if ns != n || len(p.shares) > maxShares+1 {
		t.Errorf("%d ns of %d are %d's, in %d sums", ns, n, fn, len(p.shares))
	}
	for g := model.GoID(n); len(p.shares) <= 2*maxShares+1; g++ { // functions without end are not told apart either
		before := len(p.shares)
		p.share(stepSum{cause: report.CauseQueue, who: measure.Culprit{G: g, Func: uint32(g)}}, tally{ns: 1, n: 1})
		if len(p.shares) == before {
			return
		}
	}
	t.Errorf("%d sums", len(p.shares))
}
