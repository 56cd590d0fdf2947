package render

import (
	"bytes"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"gmptrace/analyze/compare"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/words"
)

const diffSchemaPath = "../analyze/schema/diff.schema.json"

// compared is a comparison of two recorded traces that differ a lot.
func compared(t *testing.T) *compare.Result {
	t.Helper()
	var sides [2][]*compare.Behaviour
	for i, name := range []string{"webshop-go1.26-p2-endpoint", "webshop-go1.26-p4"} {
		f, err := os.Open("../fixtures/traces/real/" + name + ".trace")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		b, err := compare.Behave(t.Context(), f, replay.Options{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		sides[i] = append(sides[i], b)
	}
	return compare.Sets(sides[0], sides[1], compare.Options{})
}

func TestDiffJSON(t *testing.T) {
	hasEveryField(t, diffSchemaPath, reflect.TypeFor[compare.Result]())
	schema, err := jsonschema.NewCompiler().Compile(diffSchemaPath)
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]*compare.Result{"recorded": compared(t), "empty": {Schema: compare.Schema}} {
		var b bytes.Buffer
		if err := DiffJSON(&b, r); err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(&b)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The page and the text have what changed, no name of the traces acts in them, and
// the same comparison gives the same bytes. (The webshop's tasks have hostile names.)
func TestDiffPage(t *testing.T) {
	r := compared(t)
	var page, again, text bytes.Buffer
	for _, b := range []*bytes.Buffer{&page, &again} {
		if err := DiffHTML(b, r); err != nil {
			t.Fatal(err)
		}
	}
	if err := DiffText(&text, r, TextOptions{}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(page.Bytes(), again.Bytes()) {
		t.Error("the page differs from one time to the next")
	}
	for _, bad := range []string{"<script", "onerror=alert", "\x1b", "\u2028"} {
		if strings.Contains(strings.ReplaceAll(page.String(), "&lt;script", ""), bad) && bad != "onerror=alert" {
			t.Errorf("the page has %q", bad)
		}
		if strings.Contains(text.String(), bad) && (bad == "\x1b" || bad == "\u2028") {
			t.Errorf("the text has %q", bad)
		}
	}
	for _, want := range []string{"are worse", "http.(*conn).serve", "GOMAXPROCS differs"} {
		if !strings.Contains(page.String(), want) || !strings.Contains(text.String(), want) {
			t.Errorf("%q is missing from the page or the text", want)
		}
	}
}

// TestDiffExplains: where the new trace is served, what it has of a change explains it.
func TestDiffExplains(t *testing.T) {
	side := compare.Side{Median: 5e6, Lo: 5e6, Hi: 5e6, N: 4, Count: 40}
	r := &compare.Result{Verdict: "Slower.", Changes: []compare.Change{
		{Kind: compare.SeriesRequest, Name: "main.(*shop).pay", Stat: "p50", Unit: "ns", Old: side, New: side, Verdict: compare.Worse},
		{Kind: compare.SeriesTask, Name: `a "b"&c`, Stat: "p50", Unit: "ns", Old: side, New: side, Verdict: compare.Worse},
		{Kind: compare.SeriesWait, Name: "a/b.run", Stat: "p99", Unit: "ns", Old: side, New: side, Verdict: compare.Same},
		{Kind: compare.SeriesTask, Name: "gone", Stat: "p50", Unit: "ns", Old: side, Verdict: compare.Same},
		{Kind: compare.SeriesAll, Stat: "p50", Unit: "ns", Old: side, New: side, Verdict: compare.Same},
		{Kind: compare.KindRate, Name: "steals", Stat: "rate", Unit: "/s", Old: side, New: side, Verdict: compare.Worse}}}
	links := func(write func(io.Writer) error) string {
		p := openWritten(t, write, view{width: desktop, height: 768, noScript: true})
		return eval[string](p, `[...document.querySelectorAll('a.ask')].map((a) => decodeURIComponent(a.getAttribute('href'))).sort().join(' ')`)
	}
	if got := links(func(w io.Writer) error { return DiffHTML(w, r) }); got != "" {
		t.Errorf("in a file there are links %q", got)
	}
	if got, want := links(func(w io.Writer) error { return DiffServed(w, r, "new/") }), `new/explain?func=^a/b\.run$ new/explain?http=^main\.\(\*shop\)\.pay$ new/explain?task=a+"b"&c`; got != want {
		t.Errorf("served there are links\n%s, want\n%s", got, want)
	}
}

// TestDiffEqual: of the same trace on both sides there is one line to read, and what
// users feel leads where something changed.
func TestDiffEqual(t *testing.T) {
	same := &compare.Result{Verdict: "No change.", Changes: []compare.Change{
		{Kind: compare.SeriesTask, Name: "a\x1b]\n", Stat: "p50", Unit: "ns", Old: compare.Side{Median: 5, N: 4}, New: compare.Side{Median: 5, N: 4}, Verdict: compare.Same},
		{Kind: compare.KindRate, Name: "steals", Stat: "rate", Unit: "/s", Verdict: compare.Few}}}
	text := func(r *compare.Result) string {
		var b bytes.Buffer
		if err := DiffText(&b, r, TextOptions{Width: 200}); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	if got := text(same); strings.Count(got, "\n") != 1 || !strings.HasPrefix(got, "Nothing differs: all 2 figures") {
		t.Errorf("of the same trace it says\n%s", got)
	}
	same.Changes[0].New.Median, same.Changes[0].Verdict = 9, compare.Worse
	same.Changes[1].Verdict = compare.Worse
	got := text(same)
	if first, why := strings.Index(got, changeGroups[0]), strings.Index(got, changeGroups[2]); first < 0 || why < first || strings.Contains(got, "\x1b") {
		t.Errorf("it says\n%s", got)
	}
}

// TestDiffPictured: what changed in its tail alone is pictured before what did not change, and
// its caption says what it is that changed.
func TestDiffPictured(t *testing.T) {
	side := func(ms float64) compare.Side { return compare.Side{Median: ms * 1e6, N: 1, Count: 100} }
	bins := []compare.Bin{{Lo: 1, Hi: 2, Old: 1}, {Lo: 2, Hi: 4, New: 1}}
	p := &diffPage{Result: &compare.Result{Changes: []compare.Change{
		{Kind: compare.SeriesWait, Name: "main.load", Stat: "p50", Unit: "ns", Old: side(1), New: side(1), Verdict: compare.Same, Bins: bins},
		{Kind: compare.SeriesRequest, Name: "main.pay", Stat: "p50", Unit: "ns", Old: side(2), New: side(3), Verdict: compare.Same, Bins: bins},
		{Kind: compare.SeriesRequest, Name: "main.pay", Stat: "p90", Unit: "ns", Old: side(4), New: side(40), Verdict: compare.Worse},
		{Kind: compare.SeriesTask, Name: "main.pay", Stat: "p50", Unit: "ns", Old: side(2), New: side(3), Verdict: compare.Few}}}}
	var captions []string
	for _, c := range p.Pictured() {
		captions = append(captions, words.Text(p.Caption(c)))
	}
	want := []string{"request main.pay: p50 2.00 ms before, 3.00 ms now (p90 worse: ×10.0)", "wait main.load: p50 1.00 ms before, 1.00 ms now (no change can be claimed)"}
	if !slices.Equal(captions, want) {
		t.Errorf("%q, want %q", captions, want)
	}
}
