package analyze

import (
	"fmt"
	"strconv"
	"strings"
)

// dur is a length in nanoseconds for people: three significant digits and the
// unit that suits it. Findings are prose; tables are formatted by render.
func dur(ns int64) string {
	if ns < 1000 {
		return strconv.FormatInt(ns, 10) + " ns"
	}
	v, unit := float64(ns)/1e3, "µs"
	switch {
	case ns >= 999_500_000:
		v, unit = float64(ns)/1e9, "s"
	case ns >= 999_500:
		v, unit = float64(ns)/1e6, "ms"
	}
	prec := 2
	switch {
	case v >= 99.95:
		prec = 0
	case v >= 9.995:
		prec = 1
	}
	return strconv.FormatFloat(v, 'f', prec, 64) + " " + unit
}

// at is an instant for people, in nanoseconds from the trace's first event.
func at(ns int64) string { return strconv.FormatFloat(float64(ns)/1e9, 'f', 6, 64) + " s" }

// percent is the share a of b.
func percent(a, b int64) string {
	if b == 0 {
		return "0 %"
	}
	p := 100 * float64(a) / float64(b)
	switch {
	case p == 0:
		return "0 %"
	case p < .1:
		return "less than 0.1 %"
	case p < 10:
		return fmt.Sprintf("%.1f %%", p)
	}
	return fmt.Sprintf("%.0f %%", p)
}

// plural is "1 thing" or "n things".
func plural(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	if strings.HasSuffix(thing, "ch") {
		thing += "e"
	}
	return count(n) + " " + thing + "s"
}

// count is a number with its digits in groups of three.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

// functionName is a function's name without its package's path: long paths hide
// what matters.
func functionName(fn string) string {
	if fn == "" {
		return "function unknown"
	}
	return fn[strings.LastIndexByte(fn, '/')+1:]
}

// named is a goroutine for people.
func named(g int64, fn string) string {
	return fmt.Sprintf("G%d (%s)", g, functionName(fn))
}
