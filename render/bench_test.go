package render

import (
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/performance"
)

// BenchmarkHTML is what writing a page costs, beside the analysis.
func BenchmarkHTML(b *testing.B) {
	for _, n := range []int{0, 200_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r := sample(8, n)
			b.ReportAllocs()
			for b.Loop() {
				if err := HTML(io.Discard, r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkPageWhole is what a step costs, on the browser's main thread in CPU time,
// that shows nearly all of a trace with many Ps.
func BenchmarkPageWhole(b *testing.B) {
	for _, n := range []int{200_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r := sample(64, n)
			for b.Loop() {
				p := open(b, r, view{width: desktop, height: 768})
				call(p, performance.Enable, performance.EnableParams{TimeDomain: performance.EnableTimeDomainThreadTicks})
				var steps []float64
				for i := range 24 {
					steps = append(steps, p.cpu(func() { p.frame(fmt.Sprintf(`gmptrace.timeline.show([%d, 2e9])`, (i+1)*1e6)) }))
				}
				slices.Sort(steps)
				b.ReportMetric(steps[len(steps)/2], "step-p50-ms")
				b.ReportMetric(steps[len(steps)*95/100], "step-p95-ms")
			}
		})
	}
}
