package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

func explainHTMLOf(t testing.TB, x *report.Explanation) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := ExplainHTML(&b, x); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func openExplanation(t testing.TB, x *report.Explanation, v view) *tab {
	t.Helper()
	return openWritten(t, func(w io.Writer) error { return ExplainHTML(w, x) }, v)
}

func explanations() map[string]*report.Explanation {
	alone := sampleExplanation()
	alone.Typical, alone.Slow, alone.Extra = report.Group{}, report.Group{}, nil
	alone.Durations.Count, alone.Slowest = 1, alone.Slowest[:1]
	lost := sampleExplanation()
	lost.Trace = partial(sample(1, 10)).Trace
	return map[string]*report.Explanation{"typical": sampleExplanation(), "alone": alone, "partial": lost,
		"nothing": {}, "no instance": {Kind: report.KindTask, What: "tasks matching x", Headline: "The trace has no tasks matching x."}}
}

// unfold opens all that is folded.
func unfold(p *tab) {
	p.Helper()
	p.do(chromedp.Evaluate[chromedp.Void](`for (const d of document.querySelectorAll('details')) d.open = true; new Promise((f) => setTimeout(f, 50))`, chromedp.EvalAwaitPromise))
}

// TestExplainPageQuiet opens every kind of explanation, and demands that no request
// leaves the page, nothing is logged and no name acts.
func TestExplainPageQuiet(t *testing.T) {
	for name, x := range explanations() {
		t.Run(name, func(t *testing.T) {
			p := openExplanation(t, x, view{width: desktop, height: 768})
			unfold(p)
			if got := eval[string](p, `String(window.PWN)`); got != "undefined" {
				t.Errorf("a name of the trace was executed: PWN=%s", got)
			}
			if n := eval[int](p, `document.querySelectorAll("script, img, iframe, svg[onload], a[href^='javascript']").length`); n != 0 {
				t.Errorf("the page has %d elements that the template did not write", n)
			}
			p.quiet()
		})
	}
}

// TestExplainPageNames looks at the bytes: what must be escaped is, in every context.
func TestExplainPageNames(t *testing.T) {
	page := explainHTMLOf(t, sampleExplanation())
	for _, bad := range []string{"<script", "<img src=x", "<svg onload", "\u2028", "\u202e", "\x1b", "<!-- <script>", "ZgotmplZ", "NaN", "%!"} {
		if bytes.Contains(page, []byte(bad)) {
			t.Errorf("the page contains %q", bad)
		}
	}
	if !bytes.Equal(page, explainHTMLOf(t, sampleExplanation())) {
		t.Error("the same explanation gives different pages")
	}
}

// TestExplainPageFits: nothing sticks out at any width, in either theme.
func TestExplainPageFits(t *testing.T) {
	for name, x := range explanations() {
		p := openExplanation(t, x, view{width: desktop, height: 768})
		unfold(p)
		for _, width := range []int64{360, 768, desktop} {
			for _, dark := range []bool{false, true} {
				p.look(view{width: width, height: 800, dark: dark})
				p.do(wait(fmt.Sprintf("innerWidth === %d", width)))
				if over := eval[string](p, overflowing); over != "" {
					t.Errorf("%s at %d pixels, dark %v: sticks out: %s", name, width, dark, over)
				}
			}
		}
		p.quiet()
	}
}

// TestExplainPageAccessible runs axe-core in both themes, with everything unfolded.
func TestExplainPageAccessible(t *testing.T) {
	for name, x := range explanations() {
		p := openExplanation(t, x, looks[0])
		unfold(p)
		for _, v := range looks[:2] {
			p.see(v)
			for _, violation := range p.violations("") {
				t.Errorf("%s, dark %v: %s", name, v.dark, violation)
			}
		}
	}
}

// TestExplainPagePrint: on paper everything shows, folded or not, in the light theme.
func TestExplainPagePrint(t *testing.T) {
	p := openExplanation(t, sampleExplanation(), view{width: desktop, height: 768, dark: true})
	p.do(chromedp.Evaluate[chromedp.Void](`for (const d of document.querySelectorAll('details')) d.open = false`))
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
	if got := eval[string](p, `getComputedStyle(document.body).backgroundColor`); got != "rgb(255, 255, 255)" {
		t.Errorf("for print the page is %s", got)
	}
	if n := eval[int](p, `[...document.querySelectorAll('.waterfall')].filter((e) => e.getBoundingClientRect().height > 30).length`); n != 3 {
		t.Errorf("for print %d of 3 waterfalls show", n)
	}
}

// TestWaterfallPlaces measures the picture: bars stand in their rows at their times,
// and each line leads from the middle of one row to that of another, at both layouts.
func TestWaterfallPlaces(t *testing.T) {
	x := sampleExplanation()
	in := &x.Slowest[0]
	want := newWaterfall(in)
	for _, width := range []int64{desktop, 390} {
		p := openExplanation(t, x, view{width: width, height: 800})
		bars := eval[[][]float64](p, `[...document.querySelector('.waterfall').querySelectorAll('.wf-lane')].map((lane) => { const l = lane.getBoundingClientRect(); return [...lane.children].flatMap((b) => { const r = b.getBoundingClientRect(); return [(r.left - l.left) / l.width * 100, r.width / l.width * 100]; }); })`)
		for i, row := range want.Rows {
			for k, bar := range row.Bars {
				if got := bars[i][2*k]; math.Abs(got-bar.Left) > .2 {
					t.Errorf("at %d pixels, bar %d of row %d begins at %.2f %%, want %.2f", width, k, i, got, bar.Left)
				}
			}
		}
		middles := eval[[]float64](p, `[...document.querySelector('.waterfall').querySelectorAll('.wf-lane')].map((e) => { const r = e.getBoundingClientRect(); return (r.top + r.bottom) / 2; })`)
		hops := eval[[][]float64](p, `[...document.querySelector('.waterfall').querySelectorAll('.hop')].map((e) => { const r = e.getBoundingClientRect(); return [r.top, r.bottom]; })`)
		for i, h := range want.Hops {
			if math.Abs(hops[i][0]-middles[h.Row]) > 1.5 || math.Abs(hops[i][1]-middles[h.Row+h.Far]) > 1.5 {
				t.Errorf("at %d pixels, line %d goes from %.0f to %.0f, want %.0f to %.0f", width, i, hops[i][0], hops[i][1], middles[h.Row], middles[h.Row+h.Far])
			}
		}
	}
}

// TestExplainView holds what the templates draw from to a golden file.
func TestExplainView(t *testing.T) {
	x := sampleExplanation()
	in := &x.Slowest[0]
	raw, err := json.MarshalIndent(struct {
		Waterfall waterfall
		Causes    []causeRow
		Classes   []causeClass
		Histogram histogram
		Compared  []comparedRow
	}{newWaterfall(in), causeRows(in), classesIn(in), newHistogram(&x.Durations), comparedRows(x.Extra, x.Typical.Mean, x.Slow.Mean)}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "explain.json", append(raw, '\n'))
}

// TestWaterfallRows: the explained goroutine comes first, whoever is on its path
// first, and steps never get lost.
func TestWaterfallRows(t *testing.T) {
	in := report.Instance{G: 1, Func: "main.a", Duration: 100}
	for i := range 50 {
		in.Path = append(in.Path, report.PathStep{Start: int64(2 * i), NS: 2, G: model.GoID(50 - i), Cause: "running"})
	}
	w := newWaterfall(&in)
	if len(w.Rows) != maxRows+1 || w.Left != 50-maxRows {
		t.Fatalf("%d rows, %d goroutines left over", len(w.Rows), w.Left)
	}
	if !strings.HasPrefix(w.Rows[0].Name, "G1 ") || !strings.HasPrefix(w.Rows[1].Name, "G50 ") {
		t.Errorf("the first rows are %q and %q", w.Rows[0].Name, w.Rows[1].Name)
	}
	n := 0
	for _, r := range w.Rows {
		n += len(r.Bars)
	}
	if n != 50 {
		t.Errorf("%d of 50 steps are shown", n)
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		length int64
		want   string
	}{{0, "0"}, {1, "0 +1 ns"}, {338 * ms, "0 +50 ms +100 ms +150 ms +200 ms +250 ms +300 ms"}, {6 * ms, "0 +1 ms +2 ms +3 ms +4 ms +5 ms +6 ms"}, {70_000, "0 +20 µs +40 µs +60 µs"}} {
		var got []string
		for _, k := range ticks(c.length) {
			got = append(got, words.Text(k.Text))
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("ticks(%d) = %s, want %s", c.length, s, c.want)
		}
	}
}

// TestComparedSums: what is not shown by itself is in the last row, so that the
// columns sum to the means.
func TestComparedSums(t *testing.T) {
	x := sampleExplanation()
	rows := comparedRows(x.Extra, x.Typical.Mean, x.Slow.Mean)
	whole := slices.DeleteFunc(slices.Clone(rows), func(r comparedRow) bool { return strings.HasPrefix(r.Text, "of that: ") })
	if len(whole) != maxCompared+1 || whole[maxCompared].Text != "all other causes" {
		t.Errorf("%d rows, the last is %+v", len(whole), whole[len(whole)-1])
	}
	if len(rows) != len(whole)+6 {
		t.Errorf("%d rows are parts of others, want 4 of the CPU that others had and 2 of threads that came late", len(rows)-len(whole))
	}
}

// TestCauseWords: every cause that there is has a class and a meaning.
func TestCauseWords(t *testing.T) {
	for c := range report.NumCauses {
		if w := causeWordOf(c.String()); w.Text == "" {
			t.Errorf("nothing says what %q is", c)
		}
	}
	for _, w := range causeWords {
		if !strings.Contains(style, "."+w.Class+" {") {
			t.Errorf("the style sheet does not know %s", w.Class)
		}
	}
}

func TestExplainHTMLWriteError(t *testing.T) {
	full := errors.New("disk full")
	if err := ExplainHTML(failing{full}, sampleExplanation()); !errors.Is(err, full) {
		t.Errorf("error = %v, want it to wrap %v", err, full)
	}
}
