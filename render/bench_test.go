package render

import (
	"fmt"
	"io"
	"testing"
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
