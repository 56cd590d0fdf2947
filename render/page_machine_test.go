package render

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// asked is a report with what the machine said of it: in the first quarter every P had a
// CPU, in the second others had half of them, in the third the quota was used up, and in
// the last the process was stopped.
func asked(r *report.Report) *report.Report {
	m := &report.Machine{Source: "file", CPUs: 4, QuotaCPUs: 2, Period: 100 * ms, Every: 10 * ms, Stolen: -1, Asleep: 3 * ms, Doubts: []string{},
		Throttled: &report.Throttled{Periods: 20, Over: 5, NS: 900 * ms}}
	length := r.Trace.DurationNS / 200
	for i := range int64(200) {
		s := report.CPUSpan{Start: i * length, End: (i + 1) * length, Wanted: 3 * length}
		switch i / 50 {
		case 1:
			s.Lost = report.CPULost{Others: length, Own: length / 2}
		case 2:
			s.Lost.Quota = 2 * length
		case 3:
			s.Lost.Stopped = 3 * length
		}
		if i == 199 {
			s.Asleep = m.Asleep
		}
		m.Samples++
		m.Wanted += s.Wanted
		m.Lost.Add(s.Lost)
		m.Spans = append(m.Spans, s)
	}
	r.Machine = m
	return r
}

// TestPageCPUs: the row of CPUs says of each moment what Ps wanted, what they got and why
// not more, by mouse and by keys, and the table has the text's very words.
func TestPageCPUs(t *testing.T) {
	for _, v := range []view{{width: desktop, height: 768}, {width: phone, height: 800, dark: true}} {
		p := open(t, asked(sample(8, 2000)), v)
		at := func(instant int64) string {
			return eval[string](p, fmt.Sprintf(`(() => { const t = gmptrace.timeline; t.show(t.bounds, -1);
				const b = t.box, from = %d / t.bounds[1];
				t.choose(b.x + b.width * from, b.y + t.view.places[t.view.rowById("CPUs")].top + 28); return t.view.rows[t.view.row].id + ': ' + document.getElementById('detail').textContent; })()`, instant))
		}
		for _, x := range []struct {
			at   int64
			want []string
		}{
			{sampleEnd / 8, []string{"CPUs: CPUs · 3.00 of 3.00 that Ps wanted", "every P that wanted a CPU had one", "2 CPUs at the most"}},
			{sampleEnd * 3 / 8, []string{"1.50 of 3.00", "another process had it: 10.0" + words.Tie + "ms (33" + words.Tie + "%)", "the program's own threads: 5.00" + words.Tie + "ms"}},
			{sampleEnd * 5 / 8, []string{"1.00 of 3.00", "the quota was used up: 20.0" + words.Tie + "ms (67" + words.Tie + "%)"}},
			{sampleEnd * 7 / 8, []string{"0.00 of 3.00", "the process was stopped: 30.0" + words.Tie + "ms (100" + words.Tie + "%)"}},
		} {
			got := at(x.at)
			for _, want := range x.want {
				if !strings.Contains(got, want) {
					t.Errorf("%d wide, at %d the row says %q, not %q", v.width, x.at, got, want)
				}
			}
		}
		p.keysOnCPUs()
		p.saidAsText()
		p.quiet()
		if *screenshots != "" {
			p.cpusPicture(fmt.Sprintf("cpus-%d.png", v.width))
		}
	}
}

// keysOnCPUs goes to the row and through its spans by keys alone.
func (p *tab) keysOnCPUs() {
	p.Helper()
	got := eval[string](p, `(() => { const t = gmptrace.timeline, press = (key) => t.root.dispatchEvent(new KeyboardEvent('keydown', {key}));
		press('0'); for (let i = 0; i < 9; i++) press('ArrowDown');
		const row = t.view.rows[t.view.row].id;
		press('.'); const first = t.detail.range.start; press('.'); const second = t.detail.range.start; press(','); 
		return [row, second > first, t.detail.range.start === first, document.getElementById('panel').hidden, t.hash()].join(); })()`)
	if !strings.HasPrefix(got, "CPUs,true,true,true,") {
		p.Errorf("by keys: %s", got)
	}
}

// saidAsText holds the page's table to the text's rows.
func (p *tab) saidAsText() {
	p.Helper()
	var b strings.Builder
	if err := Text(&b, asked(sample(8, 2000)), TextOptions{}); err != nil {
		p.Fatal(err)
	}
	_, text, ok := strings.Cut(b.String(), machineTitle)
	if !ok {
		p.Fatal("the text has no such section")
	}
	fields := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	text = fields(text)
	rows := eval[[]string](p, `[...document.querySelectorAll('#machine tbody tr')].map((tr) => [...tr.children].map((td) => td.textContent).join(' '))`)
	if len(rows) < 8 {
		p.Errorf("the table has %d rows", len(rows))
	}
	for _, row := range rows {
		if !strings.Contains(text, fields(row)) {
			p.Errorf("the page says %q, the text does not", row)
		}
	}
}

// cpusPicture writes what the timeline shows into a file.
func (p *tab) cpusPicture(name string) {
	p.Helper()
	p.do(chromedp.Evaluate[chromedp.Void](`gmptrace.timeline.show(gmptrace.timeline.bounds, -1); document.getElementById('timeline-section').scrollIntoView()`))
	shot, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.Fatal(err)
	}
	if err := os.WriteFile(*screenshots+"/"+name, shot, 0o644); err != nil {
		p.Fatal(err)
	}
}
