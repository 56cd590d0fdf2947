package render

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	cdpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

const desktop, tablet, phone = 1366, 900, 390

func reports() map[string]*report.Report {
	bare := sample(4, 100)
	bare.Timeline = nil
	return map[string]*report.Report{
		"typical": sample(8, 20_000), "wide": sample(128, 20_000), "one P": sample(1, 500), "partial": partial(sample(8, 20_000)),
		"no timeline": bare, "nothing": {},
	}
}

// TestPageQuiet opens every kind of report, uses everything on the page, and
// demands that no request leaves it, nothing is logged and no name acts.
func TestPageQuiet(t *testing.T) {
	for name, r := range reports() {
		t.Run(name, func(t *testing.T) {
			p := open(t, r, view{width: desktop, height: 768})
			use(p)
			if got := eval[string](p, `String(window.PWN)`); got != "undefined" {
				t.Errorf("a name of the trace was executed: PWN=%s", got)
			}
			if n := eval[int](p, `document.querySelectorAll("script:not([type])").length + 100 * document.querySelectorAll("img, iframe, svg[onload]").length`); n != 1 {
				t.Errorf("the page has elements that the template did not write (%d)", n)
			}
			p.quiet()
		})
	}
}

// use touches all that reacts: buttons, marks, rows, keys, folded parts, links.
func use(p *tab) {
	p.Helper()
	p.do(chromedp.Evaluate[chromedp.Void](`(() => {
		const {timeline} = gmptrace;
		for (const d of document.querySelectorAll('details')) d.open = true;
		for (const b of document.querySelectorAll('input[data-mark]')) b.click();
		for (const id of ['zoom-in', 'zoom-out', 'next-finding', 'zoom-all']) document.getElementById(id)?.click();
		for (const a of [...document.querySelectorAll('a[href^="#t="]')].slice(0, 12)) a.click();
		for (const key of ['+', 'ArrowLeft', 'ArrowRight', 'ArrowDown', 'ArrowUp', '.', ',', 'b', '[', ']', '<', '>', 'w', 'a', 's', 'd', 'f', 'm', 'M', 'g', 'g', 'g', 'n', 'N', '-', '0']) timeline.root.dispatchEvent(new KeyboardEvent('keydown', {key}));
		const {x, y, width, height} = timeline.box;
		for (let i = 0; i < 100; i++) timeline.hover(x + (width * i) / 100, y + (height * (i % 9)) / 9);
		for (let i = 0; i < 9; i++) timeline.choose(x + (width * i) / 9, y + (height * i) / 9);
		for (const b of [...document.querySelectorAll("#panel button, .pin, #pins button")].slice(0, 8)) b.click();
		document.getElementById('show-threads').click();
		document.getElementById('search-text').value = 'window';
		document.getElementById('search').requestSubmit();
		for (const b of [...document.querySelectorAll("#search-rows button")].slice(0, 6)) b.click();
	})()`))
}

// TestPageNames looks at the bytes: what must be escaped is, in every context.
func TestPageNames(t *testing.T) {
	page := htmlOf(t, sample(8, 1000))
	for _, bad := range []string{"<script>window.PWN", "<img src=x", "<svg onload", "\u2028", "\u202e", "\x1b", "<!-- <script>"} {
		if bytes.Contains(page, []byte(bad)) {
			t.Errorf("the page contains %q as it came from the trace", bad)
		}
	}
	if n := bytes.Count(page, []byte("</script")); n != 4 {
		t.Errorf("%d script elements end in the page, want the template's 4", n)
	}
}

func htmlOf(t testing.TB, r *report.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := HTML(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPageStable(t *testing.T) {
	if !bytes.Equal(htmlOf(t, sample(8, 5000)), htmlOf(t, sample(8, 5000))) {
		t.Error("the same report gives different pages")
	}
}

// TestPageSize holds the page to its budget, without data and with.
func TestPageSize(t *testing.T) {
	for _, c := range []struct {
		what string
		r    *report.Report
		most int
	}{{"without data", &report.Report{}, 900_000}, {"of 200 000 slices", sample(8, 200_000), 2_500_000}} {
		if n := len(htmlOf(t, c.r)); n > c.most {
			t.Errorf("a page %s has %d bytes, more than %d", c.what, n, c.most)
		}
	}
}

// TestPageFits: nothing sticks out at any width, in either theme, folded or not,
// and what matters is above the fold.
func TestPageFits(t *testing.T) {
	for _, name := range []string{"typical", "wide", "partial"} {
		// Resizing and changing the theme in quick succession on a loaded machine
		// made Chromium report one uncaught exception in about ten runs, not found
		// out yet: it is logged, and fails the test where it happens twice.
		p := fits(t, name)
		if trouble := p.troubles(); len(trouble) > 0 {
			t.Logf("%s, first time: %v", name, trouble)
			p = fits(t, name)
		}
		p.quiet()
	}
}

// fits looks at the page in every width and theme.
func fits(t *testing.T, name string) *tab {
	t.Helper()
	p := open(t, reports()[name], view{width: desktop, height: 768})
	for _, v := range []view{{width: desktop, height: 768}, {width: desktop, height: 768, dark: true}, {width: tablet, height: 900}, {width: phone, height: 844}, {width: phone, height: 844, dark: true}} {
		p.see(v)
		if v.width == desktop {
			fold(p, name)
		}
		p.do(chromedp.Evaluate[chromedp.Void](`for (const d of document.querySelectorAll('details')) d.open = true; new Promise((f) => setTimeout(f, 50))`, chromedp.EvalAwaitPromise))
		if over := eval[string](p, overflowing); over != "" {
			t.Errorf("%s at %d pixels, dark %v: sticks out: %s", name, v.width, v.dark, over)
		}
		p.do(chromedp.Evaluate[chromedp.Void](`for (const d of document.querySelectorAll('details:not(.finding)')) d.open = false`))
	}
	p.do(chromedp.Evaluate[chromedp.Void](`new Promise((f) => requestAnimationFrame(() => setTimeout(f, 50)))`, chromedp.EvalAwaitPromise))
	return p
}

// overflowing names elements beyond the page's width; "" if it does not scroll
// sideways.
const overflowing = `(() => {
	const width = document.documentElement.clientWidth;
	if (document.documentElement.scrollWidth <= width) return '';
	return [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > width + 1 && !e.closest('.scroll'))
		.slice(0, 3).map((e) => e.tagName + '.' + e.className + '#' + e.id).join(' ') || 'scrollWidth ' + document.documentElement.scrollWidth;
})()`

// fold: the answer, what to do, the overview and the beginning of the timeline are on the
// first screen, and the timeline's width is all that the contents leave.
func fold(p *tab, name string) {
	p.Helper()
	bottom := eval[map[string]float64](p, `scrollTo(0, 0), Object.fromEntries(['.answer', '.overview', '.bar', '.contents li:nth-child(3)', '#timeline'].map((s) => [s, document.querySelector(s).getBoundingClientRect().bottom]))`)
	bottom["#timeline"] = eval[float64](p, `document.querySelector('#timeline').getBoundingClientRect().top + 150`)
	for what, at := range bottom {
		if at > 768 {
			p.Errorf("%s: %s ends at %.0f, below the fold", name, what, at)
		}
	}
	if width := eval[float64](p, `document.querySelector('#timeline').clientWidth`); width < 1366-212-2*16 {
		p.Errorf("%s: the timeline is %.0f pixels wide", name, width)
	}
	if high := eval[float64](p, `document.querySelector('.bar').getBoundingClientRect().height`); high > 40 {
		p.Errorf("%s: what controls the timeline takes %.0f pixels", name, high)
	}
}

// TestPageLinks clicks a finding's moment and checks window and row to a pixel.
func TestPageLinks(t *testing.T) {
	r := sample(8, 20_000)
	p := open(t, r, view{width: desktop, height: 768})
	m := r.Findings[0].Moments[0]
	p.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('#f1 a[href^="#t="]').click()`))
	start, end := around(r, m.Start, m.End)
	lands(p, start, end, m.P)
	if hash := eval[string](p, `location.hash`); hash != momentLink(r, m) {
		t.Errorf("the address is %s", hash)
	}
	if got := eval[string](p, `(() => { const {timeline: t} = gmptrace; t.hover(t.box.x + t.box.width / 2, t.box.y + 8); return t.tip.textContent; })()`); !strings.Contains(got, "G4711 main.priceIndex.rebuild") {
		t.Errorf("in the middle of the finding's row is %q, want G4711", got)
	}
	if top := eval[float64](p, `document.getElementById('timeline').getBoundingClientRect().top`); top < 0 || top > 500 {
		t.Errorf("the timeline is at %.0f after a link, out of sight", top)
	}
	p.quiet()
}

// TestPageSlowest follows the links of the slowest request into the timeline: to its
// whole length, and to a step on the P that it concerns.
func TestPageSlowest(t *testing.T) {
	r := sample(8, 20_000)
	p := open(t, r, view{width: desktop, height: 768})
	in := r.Slowest.Instances[0]
	p.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('#slow1 .where a').click()`))
	start, end := around(r, in.Start, in.Start+in.Duration)
	lands(p, start, end, 1)
	p.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('#slow1 .more').open = true, document.querySelector('#slow1 .more a').click()`))
	start, end = around(r, in.Path[0].Start, in.Path[0].Start+in.Path[0].NS)
	lands(p, start, end, 1)
	p.quiet()
}

// lands checks that the timeline shows a window and row, within a pixel.
func lands(p *tab, start, end int64, row model.ProcID) {
	p.Helper()
	got := eval[[]float64](p, `(({view, box, rows}) => [...view.window, view.row < 0 ? -1 : view.rows[view.row].p, box.width])(gmptrace.timeline)`)
	pixel := float64(end-start) / got[3]
	if math.Abs(got[0]-float64(start)) > pixel || math.Abs(got[1]-float64(end)) > pixel {
		p.Errorf("the window is %.0f to %.0f, want %d to %d within %.0f", got[0], got[1], start, end, pixel)
	}
	if model.ProcID(got[2]) != row {
		p.Errorf("the row is P%.0f, want P%d", got[2], row)
	}
}

// TestPageDeepLink opens the page at a moment of a microsecond.
func TestPageDeepLink(t *testing.T) {
	p := open(t, sample(8, 20_000), view{width: desktop, height: 768, hash: "#t=1361999000-1362001000&row=P5"})
	lands(p, 1_361_999_000, 1_362_001_000, 5)
	p.do(chromedp.Evaluate[chromedp.Void](`location.hash = '#t=5000000-9000000'`), wait(`gmptrace.timeline.view.row === -1`))
	lands(p, 5_000_000, 9_000_000, -1)
	p.quiet()
}

// TestPageRows shows that each row is drawn where its name is: P3's long slice
// has the colour of a running goroutine all along, at 8 rows and at 128.
func TestPageRows(t *testing.T) {
	for _, procs := range []int{8, 128} {
		p := open(t, sample(procs, 20_000), view{width: desktop, height: 900, hash: "#t=1250000000-1290000000"})
		same := eval[float64](p, fmt.Sprintf(`(() => {
			const {box, canvases: [canvas], view} = gmptrace.timeline;
			const ratio = canvas.width / gmptrace.timeline.chart.getWidth();
			const y = Math.floor((box.y + (3 + 0.7) * gmptrace.timeline.tall / %d) * ratio);
			const colour = view.palette.fills[view.rows[3].track.shade[view.rows[3].track.label.findIndex((k) => view.labels[k] === 'main.priceIndex.rebuild')]];
			const [r, g, b] = [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
			const {data} = canvas.getContext('2d').getImageData(Math.ceil(box.x * ratio), y, Math.floor(box.width * ratio) - 4, 1);
			let n = 0;
			for (let i = 0; i < data.length; i += 4) n += data[i] === r && data[i + 1] === g && data[i + 2] === b;
			return n / (data.length / 4);
		})()`, procs))
		if same < 0.99 {
			t.Errorf("with %d rows, %.0f %% of P3's row have the colour of its one slice", procs, same*100)
		}
		if height := eval[float64](p, `gmptrace.timeline.box.height / gmptrace.timeline.view.rows.length`); height < 5 {
			t.Errorf("with %d rows, each is %.1f pixels high", procs, height)
		}
	}
}

// TestPageKeys drives the timeline by keyboard alone.
func TestPageKeys(t *testing.T) {
	p := open(t, sample(8, 20_000), view{width: desktop, height: 768})
	press := func(keys ...string) {
		for _, key := range keys {
			p.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.getElementById('timeline').dispatchEvent(new KeyboardEvent('keydown', {key: %q}))`, key)))
		}
	}
	press("+", "+")
	lands(p, 750*ms, 1250*ms, -1)
	press("ArrowRight", "ArrowDown", "ArrowDown")
	lands(p, 850*ms, 1350*ms, 1)
	press(".")
	first := eval[string](p, `document.getElementById('detail').textContent`)
	press(".")
	if second := eval[string](p, `document.getElementById('detail').textContent`); first == second || !strings.HasPrefix(second, "P1") {
		t.Errorf("stepping from %q went to %q", first, second)
	}
	press("0")
	lands(p, 0, sampleEnd, -1)
	press("n")
	m := sample(8, 10).Findings[0].Moments[0]
	start, end := around(sample(8, 10), m.Start, m.End)
	lands(p, start, end, 3)
	p.quiet()
}

// TestPageLeftOut: what a report did not keep is drawn from tiles, and the page
// says so.
func TestPageLeftOut(t *testing.T) {
	p := open(t, partial(sample(8, 20_000)), view{width: desktop, height: 768})
	if text := eval[string](p, `document.querySelector('.left-out').textContent`); !strings.Contains(text, "812"+words.Group+"000"+words.Tie+"slices were left out") {
		t.Errorf("the page says %q of what it left out", text)
	}
	describe := func(at int64) string {
		return eval[string](p, fmt.Sprintf(`(() => { const {timeline: t} = gmptrace; t.show([%d, %d], -1); t.hover(t.box.x + t.box.width / 2, t.box.y + 5); return t.tip.textContent; })()`, at-ms, at+ms))
	}
	if got := describe(900 * ms); !strings.Contains(got, "slices left out") || !strings.Contains(got, "user goroutine") {
		t.Errorf("where slices were left out the page says %q", got)
	}
	if got := describe(1250 * ms); strings.Contains(got, "left out") {
		t.Errorf("where slices were kept the page says %q", got)
	}
	p.quiet()
}

// TestPageNoScript: findings, tables and the overview read without JavaScript.
func TestPageNoScript(t *testing.T) {
	p := open(t, sample(8, 1000), view{width: desktop, height: 768, noScript: true})
	text := words.Text(eval[string](p, `document.body.innerText`))
	for _, want := range []string{"Requests stalled for up to 162 ms", "Split rebuild into batches", "148 ms (p99 of all slices", "The timeline needs JavaScript", "Slowest requests", "G106 http.(*conn).serve", "61-tick pull"} {
		if !strings.Contains(text, want) {
			t.Errorf("without JavaScript the page does not show %q", want)
		}
	}
	if h := eval[float64](p, `document.querySelector('.strip svg').getBoundingClientRect().height`); h < 30 {
		t.Errorf("without JavaScript the overview is %.0f pixels high", h)
	}
	if h := eval[float64](p, `document.getElementById('timeline').getBoundingClientRect().height`); h != 0 {
		t.Errorf("without JavaScript there is a hole of %.0f pixels for the timeline", h)
	}
}

// violations says what axe-core finds wrong in the element that a selector names; in the
// whole page for "". It looks for what is wrong alone: to tell what is right as well, it
// makes a selector for each element.
func (p *tab) violations(within string) []string {
	p.Helper()
	axe, err := os.ReadFile("testdata/axe.min.js")
	if err != nil {
		p.Fatal(err)
	}
	p.do(chromedp.Evaluate[chromedp.Void]("void (window.axe || (() => {" + string(axe) + "\n})())"))
	return eval[[]string](p, fmt.Sprintf(`axe.run(%q || document, {resultTypes: ['violations']}).then((r) => r.violations.map((v) => v.id + ': ' + v.help + ': ' + v.nodes.slice(0, 3).map((n) => n.html + ' ' + (n.any[0]?.message || '')).join(' | ')))`, within))
}

// TestPageAccessible runs axe-core in both themes and on a phone, with everything unfolded.
func TestPageAccessible(t *testing.T) {
	p := open(t, asked(partial(sample(8, 5000))), looks[0])
	p.do(chromedp.Evaluate[chromedp.Void](`for (const d of document.querySelectorAll('details')) d.open = true`),
		chromedp.Evaluate[chromedp.Void](`(() => {
			const {timeline: t} = gmptrace;
			t.show([1210e6, 1220e6], 1);
			for (let i = 0; i < 9 && !t.view.wake; i++) t.step(1);
			t.pinChosen();
			t.showThreads(true);
			document.getElementById('search-text').value = 'serve';
			document.getElementById('search').requestSubmit();
			for (const d of document.querySelectorAll('#panel details')) d.open = true;
		})()`))
	for _, v := range looks {
		p.see(v)
		for _, violation := range p.violations("") {
			t.Errorf("%d pixels, dark %v: %s", v.width, v.dark, violation)
		}
	}
}

// TestPagePrint: on paper findings are unfolded, in the light theme, and what is for
// looking things up is left out: a few pages come of it.
func TestPagePrint(t *testing.T) {
	p := open(t, sample(8, 1000), view{width: desktop, height: 768, dark: true})
	p.do(chromedp.Evaluate[chromedp.Void](`dispatchEvent(new Event('beforeprint'))`))
	got := eval[[]string](p, `[String(document.querySelectorAll('details.finding:not(.instance, [open])').length), getComputedStyle(document.body).backgroundColor]`)
	if got[0] != "0" || got[1] != "rgb(255, 255, 255)" {
		t.Errorf("for print, %s findings are folded and the page is %s", got[0], got[1])
	}
	p.do(chromedp.Evaluate[chromedp.Void](`dispatchEvent(new Event('afterprint'))`))
	if n := eval[int](p, `document.querySelectorAll('details.finding:not([open])').length`); n == 0 {
		t.Error("after printing the findings stay unfolded")
	}
	pdf := call(p, cdpage.PrintToPDF, cdpage.PrintToPDFParams{}).Data
	if n := bytes.Count(pdf, []byte("/Type /Page\n")); n == 0 || n > mostPages {
		t.Errorf("the page prints on %d sheets, want 1 to %d", n, mostPages)
	}
	p.quiet()
}

// mostPages is how many sheets a report of many findings may take.
const mostPages = 16

// TestPageTabOrder: the first key leads to a link to the answer, and what has a marker on
// the overview is reached once, from the contents.
func TestPageTabOrder(t *testing.T) {
	p := open(t, sample(8, 1000), view{width: desktop, height: 768})
	got := eval[[]string](p, `[...document.querySelectorAll('a, button, summary')].filter((e) => e.tabIndex >= 0).slice(0, 2).map((e) => e.className + e.getAttribute('href'))`)
	if want := []string{"skip#verdict", "#verdict"}; !slices.Equal(got, want) {
		t.Errorf("the first two stops are %q, want %q", got, want)
	}
	if n := eval[int](p, `document.querySelectorAll('.marker:not([tabindex="-1"])').length`); n != 0 {
		t.Errorf("%d markers are stops of the keyboard", n)
	}
	if dead := eval[[]string](p, `[...document.querySelectorAll('a[href^="#"]')].map((a) => a.getAttribute('href')).filter((h) => !/^#(t|of)=/.test(h) && !document.getElementById(h.slice(1)))`); len(dead) > 0 {
		t.Errorf("links lead nowhere: %q", dead)
	}
}

// TestPageCards: on a phone no table of the page has to be moved sideways, the matrix of
// steals aside.
func TestPageCards(t *testing.T) {
	p := open(t, sample(8, 1000), view{width: phone, height: 844})
	p.do(chromedp.Evaluate[chromedp.Void](`for (const d of document.querySelectorAll('details')) d.open = true`))
	wide := eval[[]string](p, `[...document.querySelectorAll('.scroll:not([hidden])')].filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.ariaLabel)`)
	if want := []string{"Steals as a table"}; !slices.Equal(wide, want) {
		t.Errorf("these scroll sideways: %q, want %q", wide, want)
	}
	p.quiet()
}

// BenchmarkPage prints what loading and zooming cost on the browser's main thread,
// in CPU time: what else the machine does must not count. The time per op is
// one loading of the page, by the clock.
func BenchmarkPage(b *testing.B) {
	for _, n := range []int{200_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r := sample(8, n)
			for b.Loop() {
				p := open(b, r, view{width: desktop, height: 768})
				call(p, performance.Enable, performance.EnableParams{TimeDomain: performance.EnableTimeDomainThreadTicks})
				b.ReportMetric(p.cpu(func() {
					p.do(chromedp.Reload())
					p.loaded()
				}), "load-ms")
				steps := p.zoom()
				b.ReportMetric(steps[len(steps)/2], "zoom-p50-ms")
				b.ReportMetric(steps[len(steps)*95/100], "zoom-p95-ms")
				for _, step := range [][2]string{
					{"choose", `gmptrace.timeline.step(1)`}, {"search", `gmptrace.timeline.search({text: 'serve', kind: '', least: 1e3})`},
					{"blocked", `gmptrace.timeline.search({text: '', kind: 'away', least: 1e3})`}, {"search-zoom", `gmptrace.timeline.show([9e8, 11e8])`},
					{"row", `gmptrace.timeline.search(null), gmptrace.timeline.togglePin(21)`},
				} {
					b.ReportMetric(p.cpu(func() { p.frame(step[1]) }), step[0]+"-ms")
				}
				b.ReportMetric(p.metric("JSHeapUsedSize")/1e6, "heap-MB")
			}
			b.ReportMetric(float64(len(htmlOf(b, r)))/1e6, "MB")
		})
	}
}

// zoom zooms into the middle and out again, and moves; the cost of each step, in
// order of cost.
func (p *tab) zoom() []float64 {
	var steps []float64
	for i := range 80 {
		half, middle := 1e9*math.Pow(0.8, float64(min(i, 80-i))), 1e9+float64(i)*1e6
		steps = append(steps, p.cpu(func() { p.frame(fmt.Sprintf(`gmptrace.timeline.show([%f, %f])`, middle-half, middle+half)) }))
	}
	slices.Sort(steps)
	return steps
}

// frame runs a script and waits for what it changes to be drawn.
func (p *tab) frame(script string) {
	eval[bool](p, `new Promise((f) => { `+script+`; requestAnimationFrame(() => setTimeout(() => f(true))); })`)
}

// cpu is what the main thread computes while act runs, in milliseconds.
func (p *tab) cpu(act func()) float64 {
	before := p.metric("TaskDuration")
	act()
	return (p.metric("TaskDuration") - before) * 1000
}

// metric is one of the browser's own, in seconds or bytes.
func (p *tab) metric(name string) float64 {
	for _, m := range call(p, performance.GetMetrics, struct{}{}).Metrics {
		if m.Name == name {
			return m.Value
		}
	}
	return 0
}
