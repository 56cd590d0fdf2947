package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"gmptrace/analyze/words"
)

// didYouMean is "; did you mean …?" with the name that is most like what was
// written, "" where none is.
func didYouMean(written string, names []string) string {
	if best := nearest(written, names); best != "" {
		return fmt.Sprintf("; did you mean %s?", best)
	}
	return ""
}

// nearest is the name most like what was written: at most two edits and a third of
// it away, or the only one that it is a part of.
func nearest(written string, names []string) string {
	best, least := "", min(2, len(written)/3)+1
	within := []string{}
	for _, n := range names {
		if n == "" || n == written {
			continue
		}
		if d := distance(strings.ToLower(written), strings.ToLower(n), least); d < least {
			best, least = n, d
		}
		if len(written) >= 3 && (strings.Contains(n, written) || len(n) >= 3 && strings.Contains(written, n)) {
			within = append(within, n)
		}
	}
	if best == "" && len(within) > 0 {
		return slices.MinFunc(within, func(a, b string) int { return distance(a, written, 1<<20) - distance(b, written, 1<<20) })
	}
	return best
}

// distance is how many letters must be put in, taken out, changed or swapped with
// the next to make b of a; limit if it is that or more.
func distance(a, b string, limit int) int {
	x, y := []rune(a), []rune(b)
	if d := len(x) - len(y); d >= limit || -d >= limit {
		return limit
	}
	var before []int
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(x); i++ {
		next := make([]int, len(y)+1)
		next[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			next[j] = min(row[j]+1, next[j-1]+1, row[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, row = row, next
	}
	return min(row[len(y)], limit)
}

// things is a number of a scope's items: "1 function", "2 sent requests".
func things(n int, scope string) string {
	scope = strings.ReplaceAll(scope, "_", " ")
	if n == 1 {
		scope = strings.TrimSuffix(scope, "s")
	}
	return words.Count(n) + " " + scope
}

// valueText is a value as messages show it.
func valueText(v ref.Val, u unit) string {
	switch v := v.(type) {
	case types.Duration:
		return words.Length(int64(v.Duration))
	case types.Double:
		return numberText(float64(v), u)
	case types.Int:
		return words.Count(int64(v))
	case types.String:
		return string(v)
	case types.Bool:
		return strconv.FormatBool(bool(v))
	case *value:
		if v.object.item != nil {
			return v.object.item(v.of)
		}
		return v.object.name
	}
	if l, ok := v.(interface{ Size() ref.Val }); ok {
		return fmt.Sprintf("%v of them", l.Size().Value())
	}
	return fmt.Sprint(v.Value())
}

func numberText(v float64, u unit) string {
	switch u {
	case unitShare:
		return words.ShareExact(v)
	case unitRate:
		return words.Number(v) + " per second"
	}
	return words.Number(v)
}

// orOneOf lists the values where none is like the one that was written.
func orOneOf(written string, values []string) string {
	if nearest(written, values) != "" {
		return ""
	}
	return ": it is one of " + strings.Join(values, ", ")
}
