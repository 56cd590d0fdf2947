package render

import (
	"fmt"
	"html/template"
	"io"
	"math"
	"strconv"
	"strings"

	"gmptrace/analyze/report"
	"gmptrace/analyze/whatif"
	"gmptrace/analyze/words"
)

// WhatIfHTML writes predictions as one page that needs nothing else, in the manner
// of HTML. It has no script: its pictures are drawn here.
func WhatIfHTML(w io.Writer, x *whatif.Result) error { return writeWhatIf(w, x, nil) }

func writeWhatIf(w io.Writer, x *whatif.Result, pages []PageLink) error {
	safe := mapped(*x, words.Printable)
	p := newWhatIfPage(&safe)
	p.Pages = safeLinks(pages)
	if err := pageTemplate().ExecuteTemplate(w, "whatif.tmpl", p); err != nil {
		return fmt.Errorf("writing the predictions as a page: %w", err)
	}
	return nil
}

// whatIfPage is what the template draws on.
type whatIfPage struct {
	*whatif.Result
	CSP      template.HTMLAttr
	Style    template.CSS
	Pages    []PageLink // beside it, where it is served
	Program  string
	Subtitle string
	Some     bool // there is something to show
	Changed  []string
	Doubts   []string
	Rows     []whatIfRow
	ChangeIs string // heading of changes, "" for none
	ChangeOf string // what to know of them
	Changes  []changeTable
	Lengths  []lengthTable
	Locks    string // what is to be known of them beside changes
	Small    []smallMultiple
	SmallEnd string // where the common time axis ends
	SmallTop string // what the height of all stands for
	Curves   []line
	CurveX   []axisTick
	CurveY   []axisTick
	Scales   []line
	ScaleX   []axisTick
	ScaleY   []axisTick
	Corridor string // points of what the laws leave
	Ranges   []likely
	Taken    []costRow
	Granted  []string // that can't be known, or was assumed
	Work     string
}

type whatIfRow struct {
	Name, Makespan, Range, Sure, Speed, Use, P50, P99, Max, Queue, LockWait, Steals, Handoffs, Preempted, Idle string
	Recorded                                                                                                   bool
}

type costRow struct{ Name, P50, P99, Mean, Source string }

// smallMultiple is one run's timeline.
type smallMultiple struct {
	Name, Makespan   string
	Running, Waiting string // points of an SVG polygon
	End              string // x of the makespan
}

// line is a curve. The legend has its name.
type line struct {
	Name   string
	Class  string
	Points string
}

// axisTick is a mark on an axis.
type axisTick struct{ At, Text string }

// Sizes of the pictures, in the units of their viewBox.
const (
	smallW, smallH = 600.0, 44.0
	plotW, plotH   = 640.0, 260.0 // without the margins
)

func newWhatIfPage(x *whatif.Result) *whatIfPage {
	rep := &report.Report{Trace: x.Trace}
	p := &whatIfPage{Result: x, Style: pageStyle(), Program: program(rep), Subtitle: subtitle(rep), Work: workloadText(&x.Workload),
		CSP:  template.HTMLAttr(`content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"`),
		Some: x.Check.Confidence != whatif.ConfidenceNone && len(x.Variants) > 0}
	if !p.Some {
		return p
	}
	if len(x.Changes) > 0 {
		p.ChangeIs, p.ChangeOf = changesTitle(x)
		p.Changes, p.Locks = changeTables(x), lockBound(x)
	}
	p.Lengths, p.Granted = lengthTables(x, true), taken(x)
	p.Changed, p.Doubts = changedSettings(x), doubts(x)
	for _, v := range allVariants(x) {
		p.Rows = append(p.Rows, whatIfRow{v.Name, span(v), spanRange(v), sure(v), speedup(v), words.Share(v.Utilisation), words.Length(v.P50), words.P99(v.Waits, words.Length(v.P99)), words.Length(v.Max), words.Mean(v.QueueMean),
			lockWait(v), words.Count(v.Steals), words.Count(v.Handoffs), words.Count(v.Preemptions), words.Length(v.Idle), v.Name == "recorded"})
	}
	for _, c := range x.Costs {
		p.Taken = append(p.Taken, costRow{c.Name, words.Length(c.P50), words.Length(c.P99), words.Length(c.Mean), c.Source})
	}
	p.smallMultiples()
	p.drawCurves()
	p.drawScales()
	return p
}

// smallMultiples draws each run's timeline on one time axis and one scale.
func (p *whatIfPage) smallMultiples() {
	all := allVariants(p.Result)
	end, top := int64(1), 1.0
	for _, v := range all {
		end = max(end, v.Makespan)
		for i := range v.Running {
			top = max(top, v.Running[i]+v.Waiting[i])
		}
	}
	p.SmallEnd, p.SmallTop = words.Length(end), words.Mean(top)
	for _, v := range all {
		x := func(ns int64) float64 { return smallW * float64(min(ns, end)) / float64(end) }
		y := func(n float64) float64 { return smallH * (1 - math.Sqrt(n/top)) }
		p.Small = append(p.Small, smallMultiple{Name: v.Name, Makespan: words.Length(v.Makespan), End: coordinate(x(v.Makespan)),
			Running: area(v, x, y, func(i int) float64 { return v.Running[i] }),
			Waiting: area(v, x, y, func(i int) float64 { return v.Running[i] + v.Waiting[i] })})
	}
}

// area is the polygon below a figure of each column.
func area(v *whatif.Variant, x func(int64) float64, y func(float64) float64, figure func(int) float64) string {
	points := []string{"0," + coordinate(smallH)}
	at := 0.0
	for i := range v.Running {
		h := coordinate(y(figure(i)))
		points = append(points, coordinate(at)+","+h)
		at = x(int64(i+1) * v.Width)
		points = append(points, coordinate(at)+","+h)
	}
	return strings.Join(append(points, coordinate(at)+","+coordinate(smallH)), " ")
}

func coordinate(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

// logAxis places values on a logarithmic axis of some length.
type logAxis struct{ lo, hi, length float64 }

func newLogAxis(lo, hi int64, length float64) logAxis {
	a := logAxis{math.Log10(float64(max(lo, 1))), math.Log10(float64(max(hi, 1))), length}
	if a.hi-a.lo < 0.1 {
		a.hi = a.lo + 0.1
	}
	return a
}

func (a logAxis) at(v int64) float64 {
	return a.length * min(max((math.Log10(float64(max(v, 1)))-a.lo)/(a.hi-a.lo), 0), 1)
}

// ticks are the powers of ten that lie on the axis; the values at its ends where
// there are fewer than two.
func (a logAxis) ticks(place func(float64) float64) []axisTick {
	var out []axisTick
	for e := int(math.Ceil(a.lo)); float64(e) <= a.hi; e++ {
		v := int64(math.Pow(10, float64(e)))
		out = append(out, axisTick{coordinate(place(a.at(v))), words.Length(v)})
	}
	if len(out) < 2 {
		lo, hi := int64(math.Pow(10, a.lo)), int64(math.Pow(10, a.hi))
		out = []axisTick{{coordinate(place(0)), words.Length(lo)}, {coordinate(place(a.length)), words.Length(hi)}}
	}
	return out
}

// drawCurves draws the share of waits (up) that are no longer than a length (right).
func (p *whatIfPage) drawCurves() {
	lo, hi := int64(math.MaxInt64), int64(1)
	all := allVariants(p.Result)
	for _, v := range all {
		if v.Waits > 0 {
			lo, hi = min(lo, max(v.Curve[1], 1)), max(hi, v.Max)
		}
	}
	if lo > hi {
		return
	}
	ax := newLogAxis(lo, hi, plotW)
	for i, v := range all {
		if v.Waits == 0 || v.Procs != p.Recorded.Procs {
			continue
		}
		var points []string
		for k, ns := range v.Curve {
			points = append(points, coordinate(ax.at(ns))+","+coordinate(plotH*(1-shareOf(k))))
		}
		class := "v-" + v.Scheduler
		if i == 0 {
			class = "v-recorded"
		}
		p.Curves = append(p.Curves, line{Name: v.Name, Class: class, Points: strings.Join(points, " ")})
	}
	p.CurveX = ax.ticks(func(at float64) float64 { return at })
	for _, q := range []float64{0, .5, .9, .99, 1} {
		p.CurveY = append(p.CurveY, axisTick{coordinate(plotH * (1 - q)), words.Share(q)})
	}
	p.CurveY = append(p.CurveY[:3], p.CurveY[4]) // 99 % and 100 % would overlap
}

// shareOf is the quantile that the k-th value of Variant.Curve is.
func shareOf(k int) float64 {
	switch {
	case k < 32:
		return float64(k) / 32
	case k == 32:
		return .99
	case k == 33:
		return .999
	}
	return 1
}

// drawScales draws the makespan (up, from zero) by the number of Ps (right, logarithmic):
// the corridor that the laws leave, and in it what is predicted with its range.
func (p *whatIfPage) drawScales() {
	if p.Laws == nil || len(p.Scaling) == 0 {
		return
	}
	top, last := int64(1), 1
	for _, s := range p.Scaling {
		top, last = max(top, s.High), max(last, s.Procs)
	}
	var bounds []whatif.Bound
	for _, b := range p.Laws.Bounds {
		if b.Procs <= last {
			bounds = append(bounds, b)
			top = max(top, b.Most)
		}
	}
	x := func(n int) string {
		return coordinate(plotW * math.Log2(float64(n)) / math.Log2(float64(max(last, 2))))
	}
	y := func(ns int64) string { return coordinate(plotH * (1 - float64(ns)/float64(top))) }
	var upper, lower []string
	for _, b := range bounds {
		upper = append(upper, x(b.Procs)+","+y(b.Most))
		lower = append([]string{x(b.Procs) + "," + y(b.Least)}, lower...)
	}
	p.Corridor = strings.Join(append(upper, lower...), " ")
	for i := range p.Scaling {
		s := &p.Scaling[i]
		if i == 0 || s.Scheduler != p.Scaling[i-1].Scheduler {
			p.Scales = append(p.Scales, line{Name: s.Scheduler, Class: "v-" + s.Scheduler})
		}
		l := &p.Scales[len(p.Scales)-1]
		l.Points = strings.TrimSpace(l.Points + " " + x(s.Procs) + "," + y(s.Makespan))
		if s.Scheduler == "gmp" {
			p.Ranges = append(p.Ranges, likely{X: x(s.Procs), From: y(s.High), To: y(s.Low)})
			p.ScaleX = append(p.ScaleX, axisTick{x(s.Procs), strconv.Itoa(s.Procs)})
		}
	}
	for i := range 5 {
		ns := top * int64(i) / 4
		p.ScaleY = append(p.ScaleY, axisTick{y(ns), words.Length(ns)})
	}
}

// likely is the likely range of a prediction, as a line.
type likely struct{ X, From, To string }
