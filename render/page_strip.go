package render

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"

	"gmptrace/analyze/report"
)

// The overview strip: the whole trace in one picture that reads without a
// script. Its lanes, from the top: runnable goroutines (mean, and the peak
// paler behind it), mark phases, stop-the-world.
const (
	stripWidth  = 1000
	stripDepth  = 34
	stripHeight = 46
)

// strip is the overview as the template needs it.
type strip struct {
	SVG     template.HTML // numbers and fixed words only
	Summary string        // for those who don't see it
	Peak    int
	Markers []marker
}

// marker is a finding's place on the strip.
type marker struct {
	Number   int
	Severity report.Severity
	Title    string
	Left     float64 // percent of the strip's width
	Room     string  // class of the style sheet: which widths have room for it; "" all
}

func newStrip(r *report.Report) strip {
	o := r.Overview
	peak := 1
	for _, n := range o.Peak {
		peak = max(peak, n)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" preserveAspectRatio="none" aria-hidden="true">`, stripWidth, stripHeight)
	fmt.Fprintf(&b, `<path class="peak" d="%s"/>`, areaPath(r, o.Peak, float64(peak)))
	fmt.Fprintf(&b, `<path class="mean" d="%s"/>`, areaPath(r, o.Runnable, float64(peak)))
	laneRects(&b, r, o.GC, "gc", stripDepth+2, 4)
	laneRects(&b, r, o.STW, "stw", stripDepth+8, 4)
	b.WriteString(`</svg>`)
	return strip{SVG: template.HTML(b.String()), Summary: timelineTakeaway(r), Peak: peak, Markers: markers(r)}
}

// stripX is where an instant is on the strip, in its own units.
func stripX(r *report.Report, at int64) float64 {
	from, to := bounds(r)
	x := float64(at-from) / float64(to-from) * stripWidth
	return max(0, min(stripWidth, x))
}

func columnX(r *report.Report, column int) float64 {
	return stripX(r, int64(column)*r.Overview.Width)
}

// areaPath fills below the values, one step per column.
func areaPath[T int | float64](r *report.Report, values []T, top float64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "M%.1f %d", columnX(r, 0), stripDepth)
	for i, v := range values {
		fmt.Fprintf(&b, "V%.1fH%.1f", stripDepth-finite(float64(v))/top*(stripDepth-1), columnX(r, i+1))
	}
	fmt.Fprintf(&b, "V%dZ", stripDepth)
	return b.String()
}

// laneRects draws runs of columns in which something went on, paler where it did so
// for a small part of the time. However short, it is drawn wide enough to be seen.
func laneRects(b *strings.Builder, r *report.Report, values []float64, class string, y, height int) {
	const visible = 1.5
	for i := 0; i < len(values); {
		j := i
		for j < len(values) && shade(values[j]) == shade(values[i]) {
			j++
		}
		if pale := shade(values[i]); pale != "" {
			x := columnX(r, i)
			fmt.Fprintf(b, `<rect class="%s%s" x="%.1f" y="%d" width="%.1f" height="%d"/>`, class, pale, x, y, max(visible, columnX(r, j)-x), height)
		}
		i = j
	}
}

// shade is what a share of time adds to a class: "" for nothing at all.
func shade(share float64) string {
	switch {
	case share <= 0:
		return ""
	case share < .1:
		return " some"
	case share < .5:
		return " part"
	}
	return " most"
}

// markers places every finding at its worst moment, and then moves them apart
// so that each can be read and hit.
func markers(r *report.Report) []marker {
	const apart = 2.2 // percent: at 1366 pixels, the width of a marker
	var list []marker
	for _, f := range r.Findings {
		if len(f.Moments) == 0 {
			continue
		}
		m := f.Moments[0]
		x := (stripX(r, m.Start) + stripX(r, m.End)) / 2
		list = append(list, marker{Number: f.Number, Severity: f.Severity, Title: f.Title, Left: x / stripWidth * 100})
	}
	slices.SortStableFunc(list, func(a, b marker) int { return cmp.Or(cmp.Compare(a.Left, b.Left), a.Number-b.Number) })
	spread(list, apart)
	yieldPlaces(list)
	return list
}

// yieldPlaces marks the markers that narrower strips have no room for. Of two that
// would overlap the one with the better rank stays.
func yieldPlaces(list []marker) {
	for _, narrower := range []struct {
		class string
		apart float64 // percent: the width of a marker on the narrowest strip of the class
	}{{"wide-only", 6}, {"not-phone", 11}} {
		var kept []marker
		for _, i := range byRank(list) {
			if slices.ContainsFunc(kept, func(k marker) bool { return math.Abs(k.Left-list[i].Left) < narrower.apart }) {
				list[i].Room = cmp.Or(list[i].Room, narrower.class)
				continue
			}
			kept = append(kept, list[i])
		}
	}
}

// byRank are the indices of list, the worst finding's first.
func byRank(list []marker) []int {
	order := make([]int, len(list))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return list[i].Number - list[j].Number })
	return order
}

// spread moves markers, in order from the left, until they are that far from
// each other and half of it from the strip's ends, as far as there is room.
func spread(list []marker, apart float64) {
	least := apart / 2
	for i := range list {
		list[i].Left = max(list[i].Left, least)
		least = list[i].Left + apart
	}
	most := 100 - apart/2
	for i := len(list) - 1; i >= 0; i-- {
		list[i].Left = max(0, min(list[i].Left, most))
		most = list[i].Left - apart
	}
}
