package diagnose

import (
	"fmt"
	"strings"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// whoRan says who ran longest on the P that an episode's goroutine waited for.
func whoRan(e *report.Episode) string {
	if len(e.Culprits) == 0 || e.Forgotten*2 >= e.Wait {
		return ""
	}
	c := e.Culprits[0]
	return fmt.Sprintf(" while %s ran %s on P%d", words.Goroutine(int64(c.G), c.Func), words.Length(c.NS), queueOf(e))
}

// queueOf is the P whose stretches an episode's culprits are from.
func queueOf(e *report.Episode) int32 {
	if e.P >= 0 {
		return int32(e.P)
	}
	return int32(e.RanOn)
}

// isTracer tells whether goroutines that start with a function do the tracing.
func isTracer(fn string) bool { return strings.HasPrefix(fn, "runtime.(*traceAdvancerState)") }

// mostlyBehind is the function whose goroutines ran for most of the worst waits,
// "" if none did.
func mostlyBehind(episodes []report.Episode) string {
	var waited int64
	ran := map[string]int64{}
	for _, e := range episodes {
		waited += e.Wait
		for _, c := range e.Culprits {
			ran[c.Func] += c.NS
		}
	}
	for fn, ns := range ran {
		if fn != "" && ns*2 > waited {
			return fn
		}
	}
	return ""
}
