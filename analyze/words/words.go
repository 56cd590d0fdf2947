// Package words spells what people read: a length of time, a count, a share, a
// size, a function's name. It is the one formatter of analyses and render, and
// the page's script spells as it does (render/static/src/format.js): both are
// held to testdata/examples.txt.
//
// What it returns holds two marks, so that sentences made of it need no repair
// wherever they end up: [Group] stands between groups of digits, [Tie] between a
// number and its unit. A page shows the marks as they are, thin and unbreakable
// spaces. [Text] makes commas and spaces of them, for terminals; [Machine] leaves
// the digits together, for JSON and whatever else programs read.
package words

import (
	"math"
	"strconv"
	"strings"
)

// The marks. Neither is what a name in a trace has between digits or after one:
// [Function] sees to that.
const (
	Group = "\u202f" // between groups of three digits, from 10,000 on: narrow, and no line ends in it
	Tie   = "\u00a0" // between a number and its unit
)

// Integer is whatever counts.
type Integer interface {
	~int | ~int32 | ~int64 | ~uint32 | ~uint64
}

// Count is a whole number. Its digits stand in groups from 10,000 on: "9999",
// "12,345".
func Count[N Integer](n N) string {
	s, sign := strconv.FormatInt(int64(n), 10), ""
	if n < 0 {
		s, sign = s[1:], "-"
	}
	if len(s) < 5 {
		return sign + s
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + Group + s[i:]
	}
	return sign + s
}

// None stands where a figure would say what is not known.
const None = "–"

// P99 is the 99th percentile of n values as spelled, None of fewer than 100: the
// greatest of them alone would be it.
func P99(n int64, spelled string) string { return tail(n, 100, spelled) }

// P999 is the 99.9th percentile of n values as spelled, None of fewer than 1000.
func P999(n int64, spelled string) string { return tail(n, 1000, spelled) }

func tail(n, enough int64, spelled string) string {
	if n < enough {
		return None
	}
	return spelled
}

// Plural is a count of things: "1 goroutine", "12,345 goroutines".
func Plural[N Integer](n N, thing string) string {
	if n == 1 {
		return "1" + Tie + thing
	}
	for _, hissing := range []string{"ch", "sh", "s", "x"} {
		if strings.HasSuffix(thing, hissing) {
			thing += "e"
			break
		}
	}
	return Count(n) + Tie + thing + "s"
}

// Were is "1 P was", "2 Ps were".
func Were[N Integer](n N, thing string) string {
	if n == 1 {
		return Plural(n, thing) + " was"
	}
	return Plural(n, thing) + " were"
}

// Times is how often: "once", "12 times".
func Times[N Integer](n N) string {
	if n == 1 {
		return "once"
	}
	return Count(n) + Tie + "times"
}

// Number is a figure with three significant digits, or with all its whole ones:
// "0.0123", "1.23", "1235", "12,346".
func Number(v float64) string {
	switch a := math.Abs(v); {
	case a == 0:
		return "0"
	case a < 1e-4 || a >= 1e15 || math.IsNaN(v):
		return strconv.FormatFloat(v, 'g', 3, 64)
	case a < 0.9995:
		return strconv.FormatFloat(v, 'f', 2-int(math.Floor(math.Log10(a))), 64)
	case a < 9.995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case a < 99.95:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return Count(int64(math.Round(v)))
}

// Mean is an average of counts, with one decimal while it is small: "0.4",
// "12.4", "1235". It never says 0.0 of what is there.
func Mean(v float64) string {
	if v > 0 && v < 0.05 {
		return "<0.1"
	}
	if v < 99.95 {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return Count(int64(math.Round(v)))
}

// Length is a length of time in nanoseconds, with three significant digits and
// the unit that suits it: "640 ns", "8.10 µs", "57.7 ms", "1.23 s". Seconds are
// the largest unit, so that lengths of one table can be compared at a glance:
// from 1,000 s on all whole seconds are told, "1235 s", "12,346 s". None is "0 s".
func Length(ns int64) string {
	if ns < 0 {
		return "-" + Length(-ns)
	}
	if ns == 0 {
		return "0" + Tie + "s"
	}
	v, unit := float64(ns), "ns"
	for _, next := range []string{"µs", "ms", "s"} {
		if v < 999.5 {
			break
		}
		v, unit = v/1000, next
	}
	if unit == "ns" {
		return strconv.FormatInt(ns, 10) + Tie + unit
	}
	return Number(v) + Tie + unit
}

// LengthChange is a difference of lengths, with its sign.
func LengthChange(ns int64) string {
	if ns > 0 {
		return "+" + Length(ns)
	}
	return Length(ns)
}

// At is an instant that stands alone, in nanoseconds from the trace's first
// event: to the microsecond.
func At(ns int64) string { return AtWithin(ns, 100_000) }

// AtWithin is an instant in seconds, with as many decimals as a window of length
// span needs to tell its ends apart.
func AtWithin(ns, span int64) string {
	if ns == 0 {
		return "0" + Tie + "s"
	}
	decimals := 9
	for limit := int64(1000); limit <= span && decimals > 2; limit *= 10 {
		decimals--
	}
	return strconv.FormatFloat(float64(ns)/1e9, 'f', decimals, 64) + Tie + "s"
}

// Share is a share in [0, 1] in percent: "0.3 %", "42 %", "99.4 %". It never says
// 0 % of what is there, nor 100 % of what is not all: these are "<0.1 %" and
// ">99.9 %".
func Share(x float64) string {
	p := x * 100
	switch {
	case math.IsNaN(p):
		return "–"
	case p > 0 && p < 0.1:
		return "<0.1" + Tie + "%"
	case p < 100 && p > 99.9:
		return ">99.9" + Tie + "%"
	case p != 0 && p < 9.95, p > 99 && p < 100:
		return strconv.FormatFloat(p, 'f', 1, 64) + Tie + "%"
	}
	return Count(int64(math.Round(p))) + Tie + "%"
}

// ShareExact is a share that is held to a limit, with three significant digits:
// beside the limit itself a rounder one could look as if it were kept.
func ShareExact(x float64) string { return Number(100*x) + Tie + "%" }

// ShareOf is part of whole as [Share] spells it, "–" where there is no whole.
func ShareOf[N ~int | ~int64 | ~float64](part, whole N) string {
	if whole == 0 {
		return "–"
	}
	return Share(float64(part) / float64(whole))
}

// Change is how much more or less something became, 0.123 being 12.3 % more, with
// its sign: "+12.3 %", "-4.0 %", "+240 %".
func Change(x float64) string {
	p := x * 100
	switch {
	case math.IsNaN(p) || math.IsInf(p, 0):
		return "–"
	case math.Abs(p) < 0.05:
		return "+0.0" + Tie + "%"
	case math.Abs(p) < 99.95:
		return sign(p) + strconv.FormatFloat(math.Abs(p), 'f', 1, 64) + Tie + "%"
	}
	return sign(p) + Count(int64(math.Round(math.Abs(p)))) + Tie + "%"
}

func sign(v float64) string {
	if v < 0 {
		return "-"
	}
	return "+"
}

// Bytes is a size in powers of 1000: "1 byte", "999 bytes", "21.4 MB".
func Bytes[N Integer](n N) string {
	v, unit := float64(n), ""
	for _, next := range []string{"kB", "MB", "GB"} {
		if v < 999.5 {
			break
		}
		v, unit = v/1000, next
	}
	if unit == "" {
		return Plural(n, "byte")
	}
	return Number(v) + Tie + unit
}
