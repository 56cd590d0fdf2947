package diagnose

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// whoRan says who ran longest on the P that an episode's goroutine waited for.
func whoRan(e *report.Episode) string {
	if len(e.Culprits) == 0 || e.Forgotten*2 >= e.Wait {
		return ""
	}
	c := e.Culprits[0]
	return fmt.Sprintf(" while %s ran %s on P%d", words.Goroutine(int64(c.G), c.Func), words.Length(c.NS), queueOf(e))
}

// queueOf is the P whose stretches an episode's culprits are from.
func queueOf(e *report.Episode) int32 {
	switch {
	case e.P >= 0:
		return int32(e.P)
	case e.RanOn >= 0 || len(e.Culprits) == 0:
		return int32(e.RanOn)
	}
	return 0 // of one that never ran, who ran meanwhile is known with one P alone
}

// commonFunc is the function of all culprits, "" if there are several.
func commonFunc(culprits []report.Culprit) string {
	for i := range culprits {
		if culprits[i].Func != culprits[0].Func {
			return ""
		}
	}
	return culprits[0].Func
}

// isTracer tells whether goroutines that start with a function do the tracing.
func isTracer(fn string) bool { return strings.HasPrefix(fn, "runtime.(*traceAdvancerState)") }

// mostlyBehind is the function in which others ran for most of the worst waits, where they
// were seen or else what they ran; "" if there is none.
func mostlyBehind(episodes []report.Episode) string {
	var waited int64
	ran := map[string]int64{}
	for _, e := range episodes {
		waited += e.Wait
		for _, c := range e.Culprits {
			ran[cmp.Or(c.At.Func, c.Func)] += c.NS
		}
	}
	for fn, ns := range ran {
		if fn != "" && ns*2 > waited && !names.Standard(&report.Frame{Func: fn}) {
			return fn
		}
	}
	return ""
}

// seenFrom is the share of the worst waits from which it is told who of the program was
// seen to have the Ps meanwhile, where that was twice as long as anybody else was.
const seenFrom = .25

// seenBehind is the place of the program where others were seen to run in most of what
// shows of the worst waits, and the share of all their time that this is: the rest the
// runtime had, or no stack tells where. False if it is too little, or others had as much.
func seenBehind(episodes []report.Episode) (at report.Frame, share float64, ok bool) {
	var waited int64
	fns, lines := map[string]int64{}, map[report.Frame]int64{}
	for _, e := range episodes {
		waited += e.Wait
		for _, c := range e.Culprits {
			if c.At.Func != "" && names.Tells(&c.At) {
				fns[c.At.Func] += c.NS
				lines[c.At] += c.NS
			}
		}
	}
	first, second := "", ""
	for _, fn := range slices.Sorted(maps.Keys(fns)) {
		switch {
		case fns[fn] > fns[first]:
			first, second = fn, first
		case fns[fn] > fns[second]:
			second = fn
		}
	}
	for f, ns := range lines {
		if f.Func == first && (at.Func == "" || ns > lines[at] || ns == lines[at] && f.Line < at.Line) {
			at = f
		}
	}
	share = float64(fns[first]) / float64(max(1, waited))
	return at, share, first != "" && share >= seenFrom && fns[first] >= 2*fns[second]
}

// placeName is a frame for people: its function, file and line.
func placeName(f *report.Frame) string {
	return words.Place(f.Func, names.FileName(f.File), f.Line)
}

// placeOf is the place of a stack with its line, in words.
func placeOf(places *names.Places, stack uint32) string {
	if x := places.Of(stack); x != nil {
		return placeName(&x.At)
	}
	return "a place that does not show (the trace has the runtime's own frames of it, or none)"
}

// placeSum is a place in the program, as it is called for people, with a sum.
type placeSum struct {
	fn, name string
	n        int64
}

// placeFor is a place for people, and on whose behalf it is one.
func placeFor(p *names.Place) string {
	if p.From == "" {
		return placeName(&p.At)
	}
	return placeName(&p.At) + " for " + words.Function(p.From)
}

// topPlaces are the places of the stacks with the most, as many as there are moments;
// lines of one function count as one, that with the most.
func topPlaces(places *names.Places, sums map[uint32]int64) []placeSum {
	by, most, line := map[string]int64{}, map[string]int64{}, map[string]string{}
	for _, stack := range slices.Sorted(maps.Keys(sums)) {
		x := places.Of(stack)
		if x == nil {
			continue
		}
		fn := x.At.Func
		by[fn] += sums[stack]
		if _, known := line[fn]; !known || sums[stack] > most[fn] {
			most[fn], line[fn] = sums[stack], placeFor(x)
		}
	}
	var out []placeSum
	for fn, n := range by {
		out = append(out, placeSum{fn, line[fn], n})
	}
	slices.SortFunc(out, func(a, b placeSum) int { return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.name, b.name)) })
	return out[:min(len(out), report.MaxMoments)]
}
