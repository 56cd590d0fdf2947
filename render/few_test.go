package render

import (
	"strings"
	"testing"
)

// TestFewWaits: a percentile is told only of as many waits as it takes; of fewer it
// would be but the longest.
func TestFewWaits(t *testing.T) {
	for _, x := range []struct {
		waits int64
		tells bool
	}{{99, false}, {100, true}} {
		r := sample(2, 100)
		r.Latency.Count, r.Latency.Censored = x.waits-1, 1
		for form, out := range map[string]string{"text": textOf(t, r, TextOptions{}), "page": string(htmlOf(t, r))} {
			if strings.Contains(out, "scheduling latency p99") != x.tells || strings.Contains(out, "longest scheduling latency") == x.tells {
				t.Errorf("%s of %d waits: the key figure is another one", form, x.waits)
			}
			if said := strings.Contains(out, "99 % within") || strings.Contains(out, "99\u00a0% within"); said != x.tells {
				t.Errorf("%s of %d waits: the 99th percentile is told: %v", form, x.waits, said)
			}
		}
	}
}
