package render

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// run runs a script in the page.
func (p *tab) run(script string) {
	p.Helper()
	p.do(chromedp.Evaluate[chromedp.Void](`(() => {` + script + `})()`))
}

// text is what an element shows, with plain blanks.
func (p *tab) text(id string) string {
	p.Helper()
	return words.Text(eval[string](p, fmt.Sprintf(`document.getElementById(%q).innerText`, id)))
}

// drag drags over the timeline with the shift key held, from and to shares of the width
// and height of its rows.
func (p *tab) drag(from, to [2]float64) {
	p.Helper()
	place := func(at [2]float64) []float64 {
		return eval[[]float64](p, fmt.Sprintf(`(() => { const {root, box} = gmptrace.timeline;
			root.scrollIntoView({block: 'center', behavior: 'instant'});
			const r = root.getBoundingClientRect();
			return [r.left + box.x + box.width * %f, r.top + box.y + box.height * %f]; })()`, at[0], at[1]))
	}
	mouse := func(kind input.DispatchMouseEventType, at []float64) {
		call(p, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: kind, X: at[0], Y: at[1], Modifiers: 8, Button: input.MouseButtonLeft, Buttons: 1, ClickCount: 1})
	}
	a, b := place(from), place(to)
	mouse(input.DispatchMouseEventTypeMousePressed, a)
	mouse(input.DispatchMouseEventTypeMouseMoved, b)
	mouse(input.DispatchMouseEventTypeMouseReleased, b)
	p.do(chromedp.Evaluate[chromedp.Void](`new Promise((f) => requestAnimationFrame(() => setTimeout(f)))`, chromedp.EvalAwaitPromise))
}

// TestPageSelection selects a part of the timeline by dragging and by keys, and finds in
// its sums what happened there, by hand.
func TestPageSelection(t *testing.T) {
	p := open(t, chainReport(), view{width: desktop, height: 768, hash: "#t=0-1000000&m=0"})
	p.drag([2]float64{.25, .1}, [2]float64{.65, .1})
	if got := selected(p); !near(got, 250_000, 650_000, "") {
		t.Errorf("the selection is %s", got)
	}
	p.run(`gmptrace.selection.select({from: 250000, to: 650000, rows: null})`)
	// In [250, 650): G20 ran 50 and 50, G21 100, G22 50; G21 was runnable 100 (300 to 400), G22
	// 250 to 500: 250. G20 was blocked from 300 to 600.
	for _, want := range []string{"user goroutine 250 µs 31 % of P time", "idle 550 µs", "runnable, waiting for a P 350 µs", "blocked 300 µs 0.8 goroutines on average", "blocked: select 3 300 µs"} {
		if got := strings.Join(strings.Fields(p.text("selection-sums")), " "); !strings.Contains(got, want) {
			t.Errorf("the sums lack %q:\n%s", want, got)
		}
	}
	if got := p.text("selection-title"); !strings.Contains(got, "Selection: 400 µs") {
		t.Errorf("the title is %q", got)
	}
	p.drag([2]float64{.25, .6}, [2]float64{.65, .9})
	if got := selected(p); !near(got, 250_000, 650_000, ":P1-P1") {
		t.Errorf("the selection of a row's part is %s", got)
	}
	p.run(`gmptrace.selection.select({from: 250000, to: 650000, rows: ['P1', 'P1']})`)
	if got := eval[string](p, `gmptrace.timeline.view.window + ''`); got != "0,1000000" {
		t.Errorf("dragging moved the window to %s", got)
	}
	if got := strings.Join(strings.Fields(p.text("selection-sums")), " "); !strings.Contains(got, "user goroutine 150 µs 38 % of P time") {
		t.Errorf("of P1 alone the sums are\n%s", got)
	}
	key := func(k string, shift bool) {
		p.run(fmt.Sprintf(`gmptrace.timeline.root.dispatchEvent(new KeyboardEvent('keydown', {key: %q, shiftKey: %v, bubbles: true}))`, k, shift))
	}
	key("Escape", false)
	key("ArrowRight", true)
	key("ArrowRight", true)
	if got := selected(p) + eval[string](p, `' ' + gmptrace.timeline.view.window`); got != "&sel=500000-550000 0,1000000" {
		t.Errorf("by keys the selection and window are %s", got)
	}
	key("ArrowDown", true)
	key("ArrowDown", true)
	if got := selected(p); got != "&sel=500000-550000:P0-P1" {
		t.Errorf("by keys the selection is %s", got)
	}
	key("x", false)
	if got := selected(p); !strings.HasPrefix(got, "&sel=0-1000000") {
		t.Errorf("x selects %s", got)
	}
	p.run(`gmptrace.selection.select({from: 250000, to: 650000, rows: null})`)
	key("f", false)
	if got := eval[string](p, `gmptrace.timeline.view.window.map(Math.round) + ''`); got != "210000,690000" {
		t.Errorf("f shows %s of a selection from 250000 to 650000", got)
	}
	p.quiet()
}

// selected is what the address says of the selection.
func selected(p *tab) string {
	p.Helper()
	return eval[string](p, `/&sel=[^&]*|$/.exec(gmptrace.timeline.hash())[0]`)
}

// near tells whether the address of a selection is one within two pixels.
func near(address string, from, to float64, rows string) bool {
	var a, b float64
	var rest string
	_, _ = fmt.Sscanf(address, "&sel=%f-%f%s", &a, &b, &rest)
	return math.Abs(a-from) < 2000 && math.Abs(b-to) < 2000 && rest == rows
}

// TestPageSelectionLink opens a page at a selection.
func TestPageSelectionLink(t *testing.T) {
	p := open(t, chainReport(), view{width: desktop, height: 768, hash: "#t=0-1000000&sel=250000-650000:P1-P1"})
	if got := p.text("selection-title"); got != "Selection: 400 µs from 0.000250 s, row P1" {
		t.Errorf("the title is %q", got)
	}
	if got := eval[string](p, `getComputedStyle(document.querySelector('.selected')).display`); got == "none" {
		t.Error("the timeline does not show the selection")
	}
	p.run(`location.hash = '#t=0-1000000'`)
	p.do(wait(`gmptrace.timeline.selected === null`))
	p.quiet()
}

// TestPageFlame moves in the flame graph by keys, and finds the same in its table.
func TestPageFlame(t *testing.T) {
	p := open(t, chainReport(), view{width: desktop, height: 768})
	p.run(`gmptrace.selection.selectShown()`)
	key := func(k string) string {
		p.run(fmt.Sprintf(`document.getElementById('flame').dispatchEvent(new KeyboardEvent('keydown', {key: %q, bubbles: true}))`, k))
		return p.text("flame-says")
	}
	if got := p.text("flame-says"); got != "running: 450 µs (100 %)" {
		t.Errorf("at first it says %q", got)
	}
	for _, c := range [][2]string{{"ArrowDown", "main.a: 300 µs (67 %)"}, {"ArrowDown", "main.wait: 300 µs (67 %), last seen in itself for 300 µs"}, {"ArrowUp", "main.a: 300 µs (67 %)"}, {"ArrowRight", "main.b: 100 µs (22 %)"}, {"Enter", "main.b: 100 µs (22 %)"}, {"Escape", "running: 450 µs (100 %)"}} {
		if got := key(c[0]); got != c[1] {
			t.Errorf("%s leads to %q, want %q", c[0], got, c[1])
		}
	}
	if got := strings.Join(strings.Fields(words.Text(eval[string](p, `document.getElementById('flame-rows').textContent`))), " "); !strings.HasPrefix(got, "main.wait450 µs450 µs100 %main.a300 µs67 %") {
		t.Errorf("the table has %q", got)
	}
	p.run(`document.getElementById('flame-of').value = '2', document.getElementById('flame-of').dispatchEvent(new Event('change'))`)
	if got := key("ArrowDown"); got != "blocked: select: 300 µs (100 %)" {
		t.Errorf("of blocked time it says %q", got)
	}
	p.quiet()
}

// TestPageFlameSamples: where the trace has CPU samples, they are a flame graph too, of all
// and of what is selected.
func TestPageFlameSamples(t *testing.T) {
	r := chainReport()
	p := open(t, r, view{width: desktop, height: 768})
	if got := p.text("flame-of"); strings.Contains(got, "samples") {
		t.Errorf("a trace without samples offers %q", got)
	}
	frames := func(list ...string) (stack []report.Frame) {
		for _, fn := range list {
			stack = append(stack, report.Frame{Func: fn, File: "/src/main.go", Line: 7})
		}
		return stack
	}
	r.Timeline.Lanes.Samples = report.CPUSamples{All: 10, Every: 2, Stacks: [][]report.Frame{frames("main.sum", "main.a"), frames("example.org/x/y.Hash", "main.sum", "main.a"), frames("runtime.mstart"), frames("main.gone")}, List: []report.CPUSample{
		{At: 120_000, P: 0, G: 20, M: 0, Stack: 0}, {At: 200_000, P: 0, G: 20, M: 0, Stack: 1}, {At: 300_000, P: -1, G: -1, M: 2, Stack: 2}, {At: 450_000, P: 1, G: 99, M: 1, Stack: 3}, {At: 650_000, P: 0, G: 20, M: 0, Stack: 0}}}
	p = open(t, r, view{width: desktop, height: 768})
	p.run(`gmptrace.selection.selectShown(); document.getElementById('flame-of').value = '5', document.getElementById('flame-of').dispatchEvent(new Event('change'))`)
	rows := func() string {
		return words.Text(eval[string](p, `[...document.querySelectorAll('#flame-rows tr')].map((tr) => [...tr.cells].map((c) => c.textContent).join(' ')).join('; ')`))
	}
	if got, want := rows(), "main.sum 4 samples 6 samples 60 %; main.gone 2 samples 2 samples 20 %; runtime.mstart 2 samples 2 samples 20 %; y.Hash 2 samples 2 samples 20 %; main.a  6 samples 60 %; threads without a goroutine  2 samples 20 %"; got != want {
		t.Errorf("the table has\n%s, want\n%s", got, want)
	}
	if got := p.text("flame-take"); !strings.Contains(got, "10 samples in the whole trace") || !strings.Contains(got, "one in 2") {
		t.Errorf("of the samples it says %q", got)
	}
	p.run(`gmptrace.selection.select({from: 100000, to: 600000, rows: ['P0', 'P0']})`)
	if got, want := rows(), "main.sum 2 samples 4 samples 100 %; y.Hash 2 samples 2 samples 50 %; main.a  4 samples 100 %"; got != want {
		t.Errorf("of P0 in the first 600 µs the table has\n%s, want\n%s", got, want)
	}
	p.run(`document.getElementById('flame-of').value = '0', document.getElementById('flame-of').dispatchEvent(new Event('change'))`)
	if got := p.text("flame-take"); !strings.HasPrefix(got, "By the stacks at which goroutines stopped") {
		t.Errorf("of what ran it says %q", got)
	}
	p.quiet()
}

// TestPagePalette searches for each kind of thing and goes there.
func TestPagePalette(t *testing.T) {
	p := open(t, sample(8, 5000), view{width: desktop, height: 768})
	find := func(text string) string {
		p.run(fmt.Sprintf(`document.getElementById('palette').close();
			document.dispatchEvent(new KeyboardEvent('keydown', {key: 'k', ctrlKey: true, bubbles: true}));
			const f = document.getElementById('palette-text'); f.value = %q; f.dispatchEvent(new Event('input'))`, text))
		return p.text("palette-list")
	}
	enter := func() {
		p.run(`document.getElementById('palette-text').dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true}))`)
	}
	p.run(`document.dispatchEvent(new KeyboardEvent('keydown', {key: '/', bubbles: true}))`)
	if got := eval[string](p, `[...document.querySelectorAll('dialog[open], details.tool[open]')].map((e) => e.id) + ''`); got != "palette" {
		t.Errorf("/ opens %q", got)
	}
	for _, c := range [][2]string{
		{"rebuild", "function main.priceIndex.rebuild"}, {"G4711", "goroutine G4711"}, {"P3", "row P3"}, {"stop-the-world waited", "finding 2 A stop-the-world waited"},
		{"worst waits", "part of the page Worst waits"}, {"1.2s", "instant 1.20000 s"}, {"1.2s", "at 1.20000 s Heap · "}, {"P3 at 1.25s", "P3 · user goroutine · G4711 main.priceIndex.rebuild"}, {"</script>", "</script><script>window.PWN=1</script>"}, {"ServeHTTP", "request main.(*shop).ServeHTTP"},
	} {
		if got := find(c[0]); !strings.Contains(strings.Join(strings.Fields(got), " "), c[1]) {
			t.Errorf("%q finds %.300q, without %q", c[0], got, c[1])
		}
	}
	find("1.2s")
	enter()
	p.do(wait(`gmptrace.timeline.view.window[0] > 0`))
	if got := eval[float64](p, `(gmptrace.timeline.view.window[0] + gmptrace.timeline.view.window[1]) / 2e9`); got < 1.199 || got > 1.201 {
		t.Errorf("1.2s leads to %v s", got)
	}
	find("P3 at 1.25s")
	enter()
	if got := eval[string](p, `gmptrace.timeline.detail.title + (gmptrace.timeline.view.window[1] > 1.25e9)`) + p.text("detail"); !strings.HasPrefix(got, "P3 · user goroutinetrue") || !strings.Contains(got, "G4711") {
		t.Errorf("P3 at 1.25s leads to %q", got)
	}
	find("G4711")
	enter()
	if got := eval[string](p, `gmptrace.timeline.detail.title + gmptrace.timeline.pins`); got != "P3 · user goroutine4711" {
		t.Errorf("G4711 leads to %q", got)
	}
	find("rebuild")
	enter()
	if got := eval[bool](p, `document.getElementById('instances').open`); !got {
		t.Error("a function does not open its slices")
	}
	if got := p.text("instances-sum"); !strings.Contains(got, "ran 171 ms") {
		t.Errorf("the function's slices are %q", got)
	}
	p.run(`document.querySelector('#instances-rows button').click()`)
	if got := eval[string](p, `gmptrace.timeline.detail.title + document.getElementById('instances').open`); got != "P3 · user goroutinefalse" {
		t.Errorf("its slice leads to %q", got)
	}
	find("mu total")
	enter()
	p.do(wait(`gmptrace.timeline.caption.innerText.startsWith('Finding 3 of')`))
	if got := eval[string](p, `String(window.PWN)`); got != "undefined" {
		t.Errorf("a name acted: %s", got)
	}
	p.quiet()
}

// TestPageNamesOpen: names in tables open the view of their function.
func TestPageNamesOpen(t *testing.T) {
	p := open(t, sample(8, 5000), view{width: desktop, height: 768})
	p.do(wait(`document.querySelector('main .fn')`))
	p.run(`[...document.querySelectorAll('main .fn')].find((b) => b.textContent.includes('rebuild')).click()`)
	if got := p.text("instances-title"); got != "main.priceIndex.rebuild" {
		t.Errorf("a name opens %q", got)
	}
	p.quiet()
}

// TestPageInstancesByGoroutine: a view has the sums of each goroutine too, by hand.
func TestPageInstancesByGoroutine(t *testing.T) {
	p := open(t, chainReport(), view{width: desktop, height: 768})
	p.run(`gmptrace.instances.show('main.wait'); document.getElementById('instances-people').open = true`)
	got := words.Text(eval[string](p, `[...document.querySelectorAll('#instances-by tr')].map((tr) => [...tr.cells].map((c) => c.textContent).join(' ')).join('; ')`))
	if want := "G20 main.a 2 300 µs 10.0 µs 300 µs; G22 main.c 1 50.0 µs 250 µs 0 s; G21 main.b 1 100 µs 100 µs 0 s"; got != want {
		t.Errorf("by goroutine there is\n%s, want\n%s", got, want)
	}
	p.quiet()
}

// TestPageProseNamesOpen: what prose names opens, has an address, and Back leads away.
func TestPageProseNamesOpen(t *testing.T) {
	r := sample(8, 5000)
	r.Findings[0].Why = "main.priceIndex.rebuild kept P3, at 1.25 s; G4711 waited, as G999999 did. <b>G4711</b>"
	p := open(t, r, view{width: desktop, height: 768})
	p.do(wait(`document.querySelector('#f1 dd a.fn')`))
	if got := eval[string](p, `[...[...document.querySelectorAll('#f1 dt')].find((e) => e.textContent === 'Why').nextElementSibling.querySelectorAll('a.fn')].map((a) => a.textContent) + ''`); words.Text(got) != "main.priceIndex.rebuild,P3,1.25 s,G4711,G4711" {
		t.Errorf("linked is %q", got)
	}
	click := func(text string) {
		p.run(fmt.Sprintf(`[...document.querySelectorAll('#f1 dd a.fn')].find((a) => a.textContent.startsWith(%q)).click()`, text))
	}
	for _, c := range [][3]string{{"main.priceIndex.rebuild", "main.priceIndex.rebuild", "ran 171 ms"}, {"G4711", "G4711 main.priceIndex.rebuild", " of 1 goroutine"}, {"P3", "P3", "ran "}} {
		click(c[0])
		if got := p.text("instances-title"); got != c[1] {
			t.Errorf("%s opens %q", c[0], got)
		}
		if got := p.text("instances-sum"); !strings.Contains(got, c[2]) {
			t.Errorf("%s has %q", c[0], got)
		}
		if got := eval[string](p, `decodeURIComponent(location.hash)`); got != "#of="+c[0] {
			t.Errorf("the address of %s is %q", c[0], got)
		}
	}
	p.run(`history.back()`)
	p.do(wait(`document.getElementById('instances-title').textContent.startsWith('G4711')`))
	p.run(`[...document.querySelectorAll('#instances-rows .fn')].find((b) => /^P/.test(b.textContent)).click()`)
	if got := p.text("instances-title"); !strings.HasPrefix(got, "P") {
		t.Errorf("a P in the list opens %q", got)
	}
	p.run(`history.go(-3)`)
	p.do(wait(`!document.getElementById('instances').open && location.hash === ''`))
	click("1.25")
	p.do(wait(`gmptrace.timeline.view.window[0] > 1.2e9 && gmptrace.timeline.view.window[1] < 1.3e9`))
	p.quiet()
	linked := open(t, r, view{width: desktop, height: 768, hash: "#of=main.priceIndex.rebuild"})
	if got := eval[string](linked, `document.getElementById('instances').open + document.getElementById('instances-title').textContent`); got != "truemain.priceIndex.rebuild" {
		t.Errorf("the address leads to %q", got)
	}
	linked.run(`document.getElementById('instances-close').click()`)
	linked.do(wait(`location.hash === ''`))
	linked.quiet()
}

// TestPageToolsAccessible runs axe-core over the selection and each dialog, and looks for
// what sticks out of a phone's screen.
func TestPageToolsAccessible(t *testing.T) {
	p := open(t, asked(partial(sample(8, 5000))), looks[0])
	for _, step := range [][2]string{
		{"#selection", `gmptrace.selection.select({from: 1210000000, to: 1300000000, rows: ['P1', 'P3']}); for (const d of document.querySelectorAll('#selection details')) d.open = true`},
		{"#palette", `gmptrace.palette.open(); gmptrace.palette.field.value = 'main'; gmptrace.palette.search()`},
		{"#instances", `document.getElementById('palette').close(); gmptrace.instances.ofFunction('main.priceIndex.rebuild')`},
	} {
		p.run(step[1])
		for _, v := range looks {
			p.see(v)
			if over := eval[string](p, overflowing); over != "" {
				t.Errorf("%d wide, dark %v: with %s sticks out: %s", v.width, v.dark, step[0], over)
			}
			for _, violation := range p.violations(step[0]) {
				t.Errorf("%d wide, dark %v: %s: %s", v.width, v.dark, step[0], violation)
			}
		}
	}
	p.quiet()
}

// BenchmarkPageTools prints what a selection, a flame graph and a search cost on the
// browser's main thread.
func BenchmarkPageTools(b *testing.B) {
	r := sample(8, 1_000_000)
	for b.Loop() {
		toolCosts(b, r)
	}
}

func toolCosts(b *testing.B, r *report.Report) {
	p := open(b, r, view{width: desktop, height: 768})
	call(p, performance.Enable, performance.EnableParams{TimeDomain: performance.EnableTimeDomainThreadTicks})
	b.ReportMetric(p.cpu(func() { p.do(wait(`gmptrace.timeline.view.ends`)) }), "prepare-ms")
	for _, step := range [][2]string{
		{"first", `gmptrace.selection.select({from: 1e8, to: 19e8, rows: null})`}, {"select", `gmptrace.selection.select({from: 1e8, to: 18e8, rows: null})`},
		{"select-rows", `gmptrace.selection.select({from: 1e8, to: 18e8, rows: ['P1', 'P4']})`},
		{"flame", `gmptrace.selection.drawFlame()`}, {"palette", `gmptrace.palette.open()`},
		{"palette-type", `gmptrace.palette.field.value = 'main', gmptrace.palette.search()`}, {"palette-g", `gmptrace.palette.field.value = '12', gmptrace.palette.search()`},
		{"function", `document.getElementById('palette').close(); gmptrace.instances.ofFunction(gmptrace.timeline.meta.names[0][1])`},
	} {
		b.ReportMetric(p.cpu(func() { p.frame(step[1]) }), step[0]+"-ms")
	}
}
