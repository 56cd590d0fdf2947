package render

import (
	"strings"
	"testing"
	"unicode/utf8"

	"gmptrace/analyze"
)

func TestShort(t *testing.T) {
	for name, want := range map[string]string{
		"main.main":                                "main.main",
		"net/http.(*conn).serve":                   "http.(*conn).serve",
		"example.com/shop/worker.(*Worker).loop":   "worker.(*Worker).loop",
		"example.com/shop/v2.checkout.func1":       "shop/v2.checkout.func1",
		"gopkg.in/yaml%2ev3.Unmarshal":             "yaml%2ev3.Unmarshal",
		"main.Map[go.example.com/a/b.Key,int].Get": "main.Map[b.Key,int].Get",
		"example.com/vendored.F":                   "vendored.F",
		"/usr/src/app/main.go":                     "main.go",
		"</script><script>window.PWN=1</script>":   "</script><script>window.PWN=1</script>",
		"":                                         "",
		"github.com/x/y.(*T[...]).Do-fm":           "y.(*T[...]).Do-fm",
		"v2.F":                                     "v2.F",
		"func(example.com/a.T, *example.com/b/c.U) error.x": "func(a.T, *c.U) error.x",
	} {
		if got := short(name); got != want {
			t.Errorf("short(%q) = %q, want %q", name, got, want)
		}
	}
}

// TestPrintable shows that what acts on its surroundings becomes visible, that
// the rest stays, and that doing it twice changes nothing more.
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
		"8.1" + nbsp + "µs":     "8.1" + nbsp + "µs",
	} {
		got := printable(in)
		if got != want {
			t.Errorf("printable(%q) = %q, want %q", in, got, want)
		}
		if again := printable(got); again != got {
			t.Errorf("printable(printable(%q)) = %q, want %q", in, again, got)
		}
	}
}

func FuzzPrintable(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := printable(s)
		if !utf8.ValidString(got) || strings.IndexFunc(got, hidden) >= 0 {
			t.Errorf("printable(%q) = %q still holds what it must not", s, got)
		}
		short(s)
	})
}

// TestMapped shows that the copy is complete: strings at every depth changed,
// no nil slices, the original untouched.
func TestMapped(t *testing.T) {
	in := analyze.Report{Findings: []analyze.Finding{{Title: "a", Stacks: []analyze.Stack{{Frames: []analyze.Frame{{Func: "b", Line: 7}}}}}}}
	out := mapped(in, strings.ToUpper)
	f := out.Findings[0]
	if f.Title != "A" || f.Stacks[0].Frames[0].Func != "B" || f.Stacks[0].Frames[0].Line != 7 {
		t.Errorf("strings or numbers were lost: %+v", f)
	}
	if in.Findings[0].Title != "a" {
		t.Error("the original was changed")
	}
	if out.Checks == nil || f.Moments == nil || out.Overview.Runnable == nil {
		t.Error("a nil slice stayed nil")
	}
}
