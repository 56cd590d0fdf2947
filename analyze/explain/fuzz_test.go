package explain

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
)

// FuzzExplain explains whatever can be read, and the parts sum to the whole.
func FuzzExplain(f *testing.F) {
	small, err := filepath.Glob("../testdata/traces/go1.*.trace")
	if err != nil || len(small) == 0 {
		f.Fatal("no traces", err)
	}
	for _, name := range small {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)/2])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, sel := range []Selector{{}, {Kind: report.KindGoroutine, Pattern: regexp.MustCompile("")}, {Kind: report.KindRegion}, {Kind: report.KindLog}} {
			x, err := Explain(t.Context(), bytes.NewReader(b), replay.Options{MaxMemory: 256 << 20}, sel)
			if err == nil {
				addsUp(t, x)
			}
		}
	})
}
