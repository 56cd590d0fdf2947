package words

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

var entities = strings.NewReplacer("&thinsp;", Group, "&nbsp;", Tie)

// spell calls the function that a kind of example is of.
func spell(t *testing.T, kind, value string) string {
	first, second, _ := strings.Cut(value, " ")
	whole := func(s string) int64 {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	real := func() float64 {
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	switch kind {
	case "length":
		return Length(whole(value))
	case "length-change":
		return LengthChange(whole(value))
	case "at":
		return At(whole(value))
	case "at-within":
		return AtWithin(whole(first), whole(second))
	case "count":
		return Count(whole(value))
	case "plural":
		return Plural(whole(first), second)
	case "were":
		return Were(whole(first), second)
	case "times":
		return Times(whole(value))
	case "share":
		return Share(real())
	case "share-exact":
		return ShareExact(real())
	case "change":
		return Change(real())
	case "number":
		return Number(real())
	case "mean":
		return Mean(real())
	case "bytes":
		return Bytes(whole(value))
	case "function":
		return Function(value)
	case "goroutine":
		return Goroutine(whole(first), second)
	}
	t.Fatalf("no function spells a %s", kind)
	return ""
}

// TestExamples holds the package to the table that the page's script is held to
// as well.
func TestExamples(t *testing.T) {
	raw, err := os.ReadFile("testdata/examples.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(raw), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(line, "\t")
		if len(cells) != 4 {
			t.Fatalf("%q has %d columns", line, len(cells))
		}
		html := spell(t, cells[0], entities.Replace(cells[1]))
		if want := entities.Replace(cells[3]); html != want {
			t.Errorf("%s %s: %q, want %q", cells[0], cells[1], html, want)
		}
		if got := Text(html); got != cells[2] {
			t.Errorf("%s %s as text: %q, want %q", cells[0], cells[1], got, cells[2])
		}
	}
}

// TestMarks: only what stands by digits as a mark does is one.
func TestMarks(t *testing.T) {
	s := "f(1,234) of 1" + Group + "234" + Group + "567" + Tie + "bytes, a" + Tie + "b 7" + Group + "x" + Group + "8"
	if got, want := Text(s), "f(1,234) of 1,234,567 bytes, a"+Tie+"b 7"+Group+"x"+Group+"8"; got != want {
		t.Errorf("Text gives %q, want %q", got, want)
	}
	if got, want := Machine(s), "f(1,234) of 1234567 bytes, a"+Tie+"b 7"+Group+"x"+Group+"8"; got != want {
		t.Errorf("Machine gives %q, want %q", got, want)
	}
	if got := ShareOf(1, 0); got != "–" {
		t.Errorf("a share of nothing is %q", got)
	}
}

// TestPrintable shows that what acts on its surroundings becomes visible, that
// the rest stays, and that doing it twice changes nothing more.
func TestInert(t *testing.T) {
	for in, want := range map[string]string{
		"FAIL a::b ::c #1 ## d":        "FAIL a::b ::c #1 ## d",
		"::error::x":                   `\x3a:error::x`,
		"a\n \t ::stop-commands::x\nb": "a\n \t \\x3a:stop-commands::x\nb",
		"a ##[error]b":                 `a \x23#[error]b`,
		"##vso[task.setvariable x]y":   `\x23#vso[task.setvariable x]y`,
		"x##teamcity[y":                `x\x23#teamcity[y`,
	} {
		if got := Inert(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"main.main":             "main.main",
		"päckchen.日本":           "päckchen.日本",
		"a\x1b[31mb":            `a\x1b[31mb`,
		"two\nlines\t\r":        `two\x0alines\x09\x0d`,
		"right\u202eto left":    `right\u202eto left`,
		"zero\u200bwidth\ufeff": `zero\u200bwidth\ufeff`,
		"\u2028\u2029":          `\u2028\u2029`,
		"\xff\xfe":              `\xff\xfe`,
		"tag\U000e0041":         `tag\U000e0041`,
		"8.1" + Tie + "µs":      "8.1" + Tie + "µs",
	} {
		got := Printable(in)
		if got != want {
			t.Errorf("Printable(%q) = %q, want %q", in, got, want)
		}
		if again := Printable(got); again != got {
			t.Errorf("Printable(Printable(%q)) = %q, want %q", in, again, got)
		}
	}
}

func FuzzPrintable(f *testing.F) {
	for _, s := range []string{"main.main", "\x1b[31m", "\u202e", "\xff", "</script>", "a/b.(*T[c/d.E]).f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Printable(s)
		if !utf8.ValidString(got) || strings.IndexFunc(got, hidden) >= 0 {
			t.Errorf("Printable(%q) = %q still holds what it must not", s, got)
		}
		Function(s)
	})
}

// TestPercentiles: of too few values there is none.
func TestPercentiles(t *testing.T) {
	for _, x := range []struct{ got, want string }{
		{P99(99, "1 ms"), None}, {P99(100, "1 ms"), "1 ms"}, {P999(999, "1 ms"), None}, {P999(1000, "1 ms"), "1 ms"},
	} {
		if x.got != x.want {
			t.Errorf("got %q, want %q", x.got, x.want)
		}
	}
}
