package render

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"gmptrace/analyze/report"
)

// looks are the widths and themes in which axe-core goes over a page.
var looks = []view{{width: desktop, height: 768}, {width: desktop, height: 768, dark: true}, {width: phone, height: 844}, {width: phone, height: 844, dark: true}}

// TestEveryPageAccessible runs axe-core over each kind of page that is no report, in both
// themes and on a phone, with everything unfolded, and looks for what sticks out.
func TestEveryPageAccessible(t *testing.T) {
	diff, crowd := compared(t), sampleFleet(t, "")
	for name, write := range map[string]func(io.Writer) error{
		"explain": func(w io.Writer) error { return ExplainHTML(w, sampleExplanation()) },
		"diff":    func(w io.Writer) error { return DiffHTML(w, diff) },
		"whatif":  func(w io.Writer) error { return WhatIfHTML(w, predictions()) },
		"fleet":   func(w io.Writer) error { return FleetHTML(w, crowd, FleetLinks{}) },
	} {
		p := openWritten(t, write, looks[0])
		for _, v := range looks {
			p.see(v)
			p.run(`for (const d of document.querySelectorAll('details')) d.open = true`)
			if over := eval[string](p, overflowing); over != "" {
				t.Errorf("%s at %d pixels: sticks out: %s", name, v.width, over)
			}
			for _, violation := range p.violations("") {
				t.Errorf("%s at %d pixels, dark %v: %s", name, v.width, v.dark, violation)
			}
		}
	}
}

// TestPageStatesAccessible runs axe-core over what a report shows only after something was
// done, in each state alone.
func TestPageStatesAccessible(t *testing.T) {
	states := []struct{ name, within, script string }{
		{"names in titles", "#findings", `for (const d of document.querySelectorAll('.finding')) d.open = true`},
		{"a moment", "#timeline-section", `document.querySelector('#f1 a[href^="#t="]').click()`},
		{"the legend", "#timeline-section", `for (const d of document.querySelectorAll('.bar details')) d.open = true; gmptrace.timeline.showThreads(true)`},
		{"keys", "dialog.help", `document.getElementById('keys').click()`},
		{"a flame graph's call", "#selection", `document.querySelector('dialog.help').close(); gmptrace.selection.selectShown(); const f = document.getElementById('flame'); f.focus(); for (const key of ['ArrowDown', 'Enter']) f.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}))`},
		{"a P's view", "#instances", `gmptrace.instances.show('P3')`},
		{"a P's goroutines", "#instances", `document.getElementById('instances-people').open = true`},
		{"a goroutine's view", "#instances", `gmptrace.instances.show('G4711')`},
		{"a search without a result", "#palette", `document.getElementById('instances').close(); gmptrace.palette.open(); gmptrace.palette.field.value = 'nothing is called so'; gmptrace.palette.search()`},
	}
	p := open(t, sample(8, 5000), looks[0])
	p.do(wait(`document.querySelector('#findings h3 .fn')`))
	for _, s := range states {
		p.run(s.script)
		for _, v := range looks {
			p.see(v)
			for _, violation := range p.violations(s.within) {
				t.Errorf("%d wide, dark %v: %s: %s", v.width, v.dark, s.name, violation)
			}
		}
	}
	p.quiet()
}

// TestPageTitlesOpen: names in the titles of findings open their view, and do not fold or
// unfold the finding.
func TestPageTitlesOpen(t *testing.T) {
	r := sample(8, 5000)
	r.Findings[0].Title = "main.priceIndex.rebuild kept P3 for 148 ms"
	r.Findings[0].Why, r.Findings[0].What, r.Findings[0].Advice, r.Findings[0].Moments, r.Findings[0].Stacks = "P3 was kept.", "", "", nil, nil
	p := open(t, r, view{width: desktop, height: 768})
	p.do(wait(`document.querySelector('#f1 h3 .fn')`))
	if got := eval[string](p, `[...document.querySelectorAll('#f1 h3 .fn')].map((a) => a.textContent) + ''`); got != "main.priceIndex.rebuild,P3" {
		t.Errorf("the title has %q", got)
	}
	if got := eval[string](p, `[...document.querySelectorAll('#f1 dl > dd:nth-of-type(1) a.fn')].map((a) => a.textContent) + ''`); got != "main.priceIndex.rebuild" {
		t.Errorf("for keys there is %q", got)
	}
	for _, link := range []string{"#f1 h3 .fn", "#f1 dl > dd a.fn"} {
		p.run(fmt.Sprintf(`document.querySelector(%q).click()`, link))
		p.do(wait(`document.getElementById('instances').open`))
		if got := p.text("instances-title") + eval[string](p, ` String(document.getElementById('f1').open)`); got != "main.priceIndex.rebuildtrue" {
			t.Errorf("%s leads to %q", link, got)
		}
		p.run(`document.getElementById('instances-close').click()`)
		p.do(wait(`location.hash === ''`))
	}
	p.quiet()
}

// TestPageStruck: no label is struck through by what hatches a stopped world.
func TestPageStruck(t *testing.T) {
	r := chainReport()
	r.GC.Ranges = append(r.GC.Ranges, report.GCRange{Start: 100_000, End: 300_000, STW: true, Cause: "a test"})
	p := open(t, r, view{width: desktop, height: 768})
	got := eval[string](p, `(() => {
		const {box, view, canvases: [canvas]} = gmptrace.timeline;
		const ratio = canvas.width / gmptrace.timeline.chart.getWidth();
		const lane = view.places[0], scale = box.width / (view.window[1] - view.window[0]);
		const x = Math.round((box.x + 100_000 * scale + 3) * ratio), y = Math.round((box.y + lane.top + lane.pitch / 2 - 8) * ratio);
		const {data} = canvas.getContext('2d').getImageData(x, y, 1, 12);
		const colours = new Set();
		for (let i = 0; i < data.length; i += 4) colours.add(data.slice(i, i + 3).join(' '));
		return [...colours].join();
	})()`)
	if strings.Contains(got, ",") {
		t.Errorf("left of a label's letters are the colours %s, want one", got)
	}
	p.quiet()
}
