package render

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// chainReport is a millisecond in which G20 readies G21 and G22, and later runs again:
//
//	P0  100 G20 300               600 G20 700
//	P1        400 G21 500  G22 550
func chainReport() *report.Report {
	const us = int64(1000)
	slice := func(from, to int64, g model.GoID, wait int64, by model.GoID) report.Slice {
		return report.Slice{Start: from * us, End: to * us, G: g, Name: uint32(g - 20), Wait: wait * us, By: by, Source: model.SourceLocal, Certain: true, Stop: 1}
	}
	a, b := &report.Track{P: 0}, &report.Track{P: 1}
	a.Add(slice(100, 300, 20, 10, model.NoG))
	a.Add(slice(600, 700, 20, 0, model.NoG))
	for _, s := range []report.Slice{slice(400, 500, 21, 100, 20), slice(500, 550, 22, 250, 20)} {
		s.M = 1
		b.Add(s)
	}
	return &report.Report{Trace: report.Trace{To: 1000 * us, DurationNS: 1000 * us}, Timeline: &report.Timeline{
		Tracks: []*report.Track{a, b}, Names: []string{"main.a", "main.b", "main.c"}, Threads: []int64{41, 42, 43}, Complete: true,
		Kept:    []report.Window{{End: 1000 * us}},
		Stops:   []report.Stop{{}, {Why: "blocked: select", Stack: []report.Frame{{Func: "main.wait", File: "/src/main.go", Line: 5}}}},
		Blocked: []report.Blocked{{Start: 0, End: 50 * us, M: 2}},
	}}
}

// TestPageDetail chooses a slice and follows it to its waker and on, by keys and by
// buttons.
func TestPageDetail(t *testing.T) {
	p := open(t, chainReport(), view{width: desktop, height: 768})
	choose := func(row int, at int64) {
		p.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`(() => { const t = gmptrace.timeline; t.show([0, 1e6], -1);
			const b = t.box; t.choose(b.x + b.width * %d / 1e6, b.y + b.height * (%d + .5) / 2); })()`, at, row)))
	}
	choose(1, 450_000)
	text := eval[string](p, `document.getElementById('panel').innerText`)
	for _, want := range []string{"100" + words.Tie + "µs, from", "Then\nblocked: select", "Made runnable by\nG20 main.a", "G22 main.c 100" + words.Tie + "µs", "main.wait", "To its waker"} {
		if !strings.Contains(text, want) {
			t.Errorf("the panel lacks %q:\n%s", want, text)
		}
	}
	key := func(k string) string {
		return eval[string](p, fmt.Sprintf(`(() => { gmptrace.timeline.root.dispatchEvent(new KeyboardEvent('keydown', {key: %q})); return document.getElementById('detail').textContent; })()`, k))
	}
	if got := key("b"); !strings.HasPrefix(got, "P0 · user goroutine · G20") || !strings.Contains(got, "from 0.00010") {
		t.Errorf("the waker is %q", got)
	}
	if got := eval[string](p, `document.getElementById('panel').innerText`); !strings.Contains(got, "Made runnable (2)\nG21") {
		t.Errorf("the waker's panel does not say whom it made runnable:\n%s", got)
	}
	if got := key(">"); !strings.Contains(got, "from 0.00060") {
		t.Errorf("the next slice of G20 is %q", got)
	}
	if got := key("<"); !strings.Contains(got, "from 0.00010") {
		t.Errorf("the slice of G20 before is %q", got)
	}
	p.do(chromedp.Evaluate[chromedp.Void](`[...document.querySelectorAll('#panel li button')][0].click()`))
	if got := eval[string](p, `document.getElementById('detail').textContent`); !strings.HasPrefix(got, "P1") {
		t.Errorf("the button led to %q", got)
	}
	p.quiet()
}

// TestPageSearch finds by id, function, state and length, dims the rest, and lets
// no name act.
func TestPageSearch(t *testing.T) {
	p := open(t, sample(8, 5000), view{width: desktop, height: 768})
	p.do(chromedp.Evaluate[chromedp.Void](`document.getElementById('tool-find').open = true`))
	search := func(text, kind, least string) string {
		return eval[string](p, fmt.Sprintf(`(() => { const $ = (id) => document.getElementById(id);
			[$('search-text').value, $('search-kind').value, $('search-least').value] = [%q, %q, %q];
			$('search').requestSubmit(); return $('search-status').textContent + '|' + $('search-rows').innerText; })()`, text, kind, least))
	}
	for _, c := range []struct{ text, kind, least, want string }{
		{"G4711", "", "", "1\u00a0slice of 1\u00a0goroutine.|G4711 main.priceIndex.rebuild"},
		{"rebuild", "", "100ms", "1\u00a0slice of 1\u00a0goroutine"},
		{"pricEIndex", "0", "1s", "Nothing found"},
		{"script", "", "", "</script><script>window.PWN=1</script>"},
		{"", "waited", "10 µs", "slices of"},
		{"", "blocked: network", "10 µs", "slices of"},
		{"x", "", "many", "A length is a number"},
	} {
		if got := search(c.text, c.kind, c.least); !strings.Contains(got, c.want) {
			t.Errorf("%q that %q for %q: %.300q lacks %q", c.text, c.kind, c.least, got, c.want)
		}
	}
	search("G4711", "0", "1 ms")
	if got := eval[string](p, `gmptrace.timeline.hash()`); !strings.HasSuffix(got, "&find=G4711&did=0&least=1%20ms") {
		t.Errorf("the search's address is %q", got)
	}
	p.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('#search-rows button').click()`))
	if got := eval[string](p, `document.getElementById('detail').textContent`); !strings.HasPrefix(got, "P3 · user goroutine · G4711") {
		t.Errorf("the result leads to %q", got)
	}
	p.do(chromedp.Evaluate[chromedp.Void](`document.dispatchEvent(new KeyboardEvent('keydown', {key: '/', bubbles: true}))`))
	if got := eval[string](p, `document.activeElement.id`); got != "palette-text" {
		t.Errorf("/ leads to %q", got)
	}
	p.do(chromedp.Evaluate[chromedp.Void](`document.getElementById('palette').close(), document.getElementById('search-text').focus(), document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape', bubbles: true}))`))
	if got := eval[string](p, `document.getElementById('search-text').value + gmptrace.timeline.view.masks`); got != "null" {
		t.Errorf("after Escape there is %q", got)
	}
	if got := eval[string](p, `String(window.PWN)`); got != "undefined" {
		t.Errorf("a name acted: %s", got)
	}
	p.quiet()
}

// TestPagePins gives goroutines and threads rows, keeps them in the address, and
// takes them away.
func TestPagePins(t *testing.T) {
	p := open(t, chainReport(), view{width: desktop, height: 768, hash: "#t=0-1000000&row=G21&g=21,22&m=0&find=main.a&did=away"})
	if got := eval[string](p, `document.getElementById('search-status').textContent + gmptrace.timeline.hash()`); got != "1\u00a0slice of 1\u00a0goroutine.#t=0-1000000&row=G21&g=21,22&m=0&find=main.a&did=away" {
		t.Errorf("the address searches for %q", got)
	}
	p.do(chromedp.Evaluate[chromedp.Void](`document.getElementById('search-clear').click()`))
	rows := `gmptrace.timeline.view.rows.map((r) => r.id).join()`
	if got := eval[string](p, rows); got != "G21,G22,P0,P1" {
		t.Errorf("the rows are %s", got)
	}
	spans := eval[string](p, `(({start, end, kind, n}) => Array.from({length: n}, (_, i) => kind[i] + ':' + start[i] / 1e3 + '-' + end[i] / 1e3).join())(gmptrace.timeline.view.rows[0].track)`)
	if spans != "6:300-400,0:400-500" {
		t.Errorf("G21's row is %s", spans)
	}
	if got := eval[string](p, `(() => { const t = gmptrace.timeline; const b = t.box; t.hover(b.x + b.width * .35, b.y + 8); return t.tip.textContent; })()`); !strings.Contains(got, "G21 · runnable") {
		t.Errorf("on G21's row is %q", got)
	}
	p.do(chromedp.Evaluate[chromedp.Void](`gmptrace.timeline.togglePin(20)`))
	if got := eval[string](p, `(() => { const t = gmptrace.timeline; const b = t.box; t.hover(b.x + b.width * .45, b.y + 56); return t.tip.textContent; })()`); !strings.Contains(got, "G20 · blocked: select\nG20 main.a\n300"+words.Tie+"µs") {
		t.Errorf("on G20's row is %q", got)
	}
	p.do(chromedp.Evaluate[chromedp.Void](`gmptrace.timeline.togglePin(20)`))
	p.do(chromedp.Evaluate[chromedp.Void](`document.getElementById('show-threads').click()`))
	if got := eval[string](p, rows); got != "G21,G22,P0,P1,M41,M42,M43" {
		t.Errorf("with threads the rows are %s", got)
	}
	if got := eval[string](p, `gmptrace.timeline.hash()`); got != "#t=0-1000000&row=G21&g=21,22" {
		t.Errorf("the address is %s", got)
	}
	if over := eval[string](p, overflowing); over != "" {
		t.Errorf("sticks out: %s", over)
	}
	p.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('#pins button').click()`))
	if got := eval[string](p, rows); got != "G22,P0,P1,M41,M42,M43" {
		t.Errorf("after removing one the rows are %s", got)
	}
	p.quiet()
}

// TestPageMoment: with many Ps too, who a moment names stands in sight, with what the
// finding says; marks and the chosen slice are in the address and come back from it.
func TestPageMoment(t *testing.T) {
	p := open(t, sample(64, 20_000), view{width: desktop, height: 768})
	p.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('#f1 a[href^="#t="]').click()`))
	rows := `gmptrace.timeline.view.rows.slice(0, 3).map((r) => r.id).join()`
	if got := eval[string](p, rows); got != "P3,G4711,P0" {
		t.Errorf("first are %s", got)
	}
	bottom := eval[float64](p, `(({root, box, view}) => root.getBoundingClientRect().top + box.y + view.places[2].top)(gmptrace.timeline)`)
	if bottom > 768 {
		t.Errorf("the rows that the moment names end at %.0f, out of sight", bottom)
	}
	if got := eval[string](p, `document.querySelector('.moment').innerText`); !strings.HasPrefix(got, "Finding 1 of 15: One goroutine held P3 for 148 ms") || !strings.Contains(got, "P3 and G4711 stand first") {
		t.Errorf("beside them stands %q", got)
	}
	if got := eval[string](p, `document.querySelector('.ran').innerText`); !strings.HasPrefix(got, "Most time ran:") || strings.Count(got, words.Tie+"%") != 3 {
		t.Errorf("the legend of functions is %q", got)
	}
	press := func(keys string) string {
		return eval[string](p, fmt.Sprintf(`(() => { for (const key of %q) gmptrace.timeline.root.dispatchEvent(new KeyboardEvent('keydown', {key})); return gmptrace.timeline.hash(); })()`, keys))
	}
	hash := press("]m]mf")
	if !strings.Contains(hash, "&row=P3&g=4711") || !strings.Contains(hash, "&at=") || !strings.Contains(hash, "&marks=") {
		t.Errorf("the address is %s", hash)
	}
	p.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`gmptrace.timeline.unmark(), location.hash = %q`, hash)), wait(`gmptrace.timeline.view.flags.length === 2`))
	if got := press(""); got != hash {
		t.Errorf("the address %s leads to %s", hash, got)
	}
	p.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('.moment button').click()`))
	if got := eval[string](p, rows+` + document.querySelector('.moment').hidden`); got != "G4711,P0,P1true" {
		t.Errorf("put back, the first are %s", got)
	}
	p.do(chromedp.Evaluate[chromedp.Void](`document.dispatchEvent(new KeyboardEvent('keydown', {key: '?', bubbles: true}))`))
	if got := eval[int](p, `document.querySelectorAll('dialog[open] tr').length`); got < 20 {
		t.Errorf("the list of keys has %d lines", got)
	}
	p.quiet()
}

// TestPageLanes: the lanes of the heap and of goroutines say what there was at a moment, by
// mouse and by keys.
func TestPageLanes(t *testing.T) {
	p := open(t, sample(8, 2000), view{width: desktop, height: 768})
	at := func(row string) string {
		return eval[string](p, fmt.Sprintf(`(() => { const t = gmptrace.timeline, b = t.box; t.choose(b.x + b.width / 8 + .5, b.y + t.view.places[t.view.rowById(%q)].top + 20); return document.getElementById('detail').textContent; })()`, row))
	}
	for row, want := range map[string]string{"Heap": "Heap · 22.5\u00a0MB live · goal, at which the collection is to have ended: 38.0\u00a0MB", "Gs": "Goroutines · 92, on average · 8 running, 18 in a system call, 28 runnable, 38 blocked · 2.00\u00a0ms, from 0.25"} {
		if got := at(row); !strings.HasPrefix(got, want) {
			t.Errorf("the lane %s says %q, not %q", row, got, want)
		}
	}
	for row, want := range map[string]string{
		"Task1": "task checkout, 3 at once · G181: 10.0\u00a0ms, from 0.2430\u00a0s", "Reg1": "region warm up · G1: 300\u00a0ms, from 0.10", "Logs": "log: __f__window.PWN=2__f__ · G7, at 0.150", "Task3": "no task",
	} {
		if got := at(row); !strings.Contains(got, want) {
			t.Errorf("the lane %s says %q, not %q", row, got, want)
		}
	}
	if got, want := eval[string](p, `gmptrace.timeline.view.rows.filter((r) => /^(Task|Reg)/.test(r.id)).map((r) => r.label) + ''`), "checkout"; !strings.HasPrefix(got, want) || !strings.Contains(got, "warm up") {
		t.Errorf("the rows of tasks and regions are called %q", got)
	}
	if got := eval[string](p, `document.querySelector('.legend.ran').textContent`); !strings.Contains(got, "4\u00a0more names of tasks and regions without a row, 321 tasks and regions of still more") {
		t.Errorf("the legend does not say what has no row: %s", got)
	}
	at("Gs")
	got := eval[string](p, `(() => { const t = gmptrace.timeline, before = t.detail.range.start; t.root.dispatchEvent(new KeyboardEvent('keydown', {key: ']'})); return String(t.detail.range.start - before); })()`)
	if got != "2000000" {
		t.Errorf("the next stretch begins %s ns later", got)
	}
	p.quiet()
}
