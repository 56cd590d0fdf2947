package render

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Number formats, the same in Go and in static/src/format.js: both are tested
// against testdata/format.json. nbsp keeps a number and its unit on one line;
// thin groups digits.
const (
	nbsp = "\u00a0"
	thin = "\u202f"
)

// dur formats a length in nanoseconds with three significant digits and the
// unit that suits it: "640 ns", "8.10 µs", "13.6 ms", "1.21 s", "3 600 s".
func dur(ns int64) string {
	if ns < 0 {
		return "-" + dur(-ns)
	}
	if ns == 0 {
		return "0" + nbsp + "s"
	}
	v, unit := float64(ns), "ns"
	for _, next := range []string{"µs", "ms", "s"} {
		if v < 999.5 {
			break
		}
		v, unit = v/1000, next
	}
	if unit == "ns" {
		return strconv.FormatInt(ns, 10) + nbsp + unit
	}
	return digits3(v) + nbsp + unit
}

// digits3 is v with three significant digits, or all its whole digits.
func digits3(v float64) string {
	switch {
	case v < 9.995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case v < 99.95:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return count(int64(math.Round(v)))
}

// offset formats an instant, in nanoseconds from the trace's first event, in
// seconds with as many decimals as a window of length span needs to tell its
// ends apart.
func offset(at, span int64) string {
	if at == 0 {
		return "0" + nbsp + "s"
	}
	decimals := 9
	for limit := int64(1000); limit <= span && decimals > 2; limit *= 10 {
		decimals--
	}
	return strconv.FormatFloat(float64(at)/1e9, 'f', decimals, 64) + nbsp + "s"
}

// atSpan is the span for instants that stand alone: offset then shows them to a
// tenth of a millisecond.
const atSpan = 10_000_000

// count formats a whole number with its digits in groups of three.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + thin + s[i:]
	}
	return sign + s
}

// mean formats an average of counts: one decimal while it is small.
func mean(v float64) string {
	if v > 0 && v < 0.05 {
		return "<0.1"
	}
	if v < 99.95 {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return count(int64(math.Round(v)))
}

// pct formats a share in [0, 1]. It never says 0 % of what is there, nor 100 %
// of what is not all.
func pct(x float64) string {
	p := x * 100
	switch {
	case math.IsNaN(p):
		return "–"
	case p > 0 && p < 0.1:
		return "<0.1" + nbsp + "%"
	case p < 100 && p > 99.9:
		return ">99.9" + nbsp + "%"
	case p != 0 && p < 9.95, p > 99 && p < 100:
		return strconv.FormatFloat(p, 'f', 1, 64) + nbsp + "%"
	}
	return strconv.FormatFloat(p, 'f', 0, 64) + nbsp + "%"
}

// share is part of whole as pct formats it; "–" where there is no whole.
func share[T int64 | float64 | int](part, whole T) string {
	if whole == 0 {
		return "–"
	}
	return pct(float64(part) / float64(whole))
}

// size formats bytes in powers of 1000.
func size(bytes int64) string {
	v, unit := float64(bytes), "bytes"
	for _, next := range []string{"kB", "MB", "GB"} {
		if v < 999.5 {
			break
		}
		v, unit = v/1000, next
	}
	if unit == "bytes" {
		return plural(bytes, "byte")
	}
	return digits3(v) + nbsp + unit
}

// plural is "1 wait", "2 waits".
func plural(n int64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return count(n) + nbsp + noun
}

// prose keeps numbers and their units on one line in what the analysis says.
func prose(s string) string { return beforeUnit.ReplaceAllString(s, "${1}"+nbsp+"${2}") }

var beforeUnit = regexp.MustCompile(`(\d) ([nµm]?s\b|%|[kMG]i?B\b)`)

// capital is s as a sentence begins.
func capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// plain replaces the spaces that only a page lays out well.
var plain = strings.NewReplacer(nbsp, " ", thin, " ").Replace
