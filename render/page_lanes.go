package render

import (
	"math"
	"strings"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// lanes writes what there is over time beside slices: see
// static/src/lanes.js.
//
//	heap:   n, at…, live…, goal…         bytes
//	states: width, columns, each state   hundredths of goroutines
//	spans:  names without a lane, spans of still more names, n, each
//	        tasks or regions (0, 1), left out, names: bytes, text (its own, then those of regions inside),
//	        n, start…, length…, g…, open (bytes); of regions inside likewise, then name…, in…
//	logs:   n, at…, how many…, g…, texts: bytes, text
func (e *encoder) lanes(l *report.Lanes) {
	instants(e, l.Heap, func(p report.HeapPoint) int64 { return p.At })
	for _, p := range l.Heap {
		e.uvarint(uint64(p.Live))
	}
	for _, p := range l.Heap {
		e.uvarint(uint64(p.Goal))
	}
	e.uvarint(uint64(l.Width))
	e.uvarint(uint64(len(l.States[0])))
	for _, columns := range l.States {
		for _, n := range columns {
			e.uvarint(uint64(math.Round(n * 100)))
		}
	}
	e.uvarint(uint64(l.MoreSpans))
	e.uvarint(uint64(l.Untold))
	e.uvarint(uint64(len(l.Spans)))
	for i := range l.Spans {
		e.spanLane(&l.Spans[i])
	}
	e.logs(l.Logs)
}

func (e *encoder) spanLane(l *report.SpanLane) {
	if l.Kind == report.KindTask {
		e.uvarint(0)
	} else {
		e.uvarint(1)
	}
	e.uvarint(uint64(l.LeftOut))
	var names lines
	names.number(oneLine(l.Name))
	var inside encoder
	for _, s := range l.Regions {
		inside.uvarint(uint64(names.number(oneLine(s.Name))))
	}
	for _, s := range l.Regions {
		inside.uvarint(uint64(s.In))
	}
	e.text(names.text)
	e.spans(l.Spans)
	e.spans(l.Regions)
	e.buf = append(e.buf, inside.buf...)
}

func (e *encoder) spans(list []report.Span) {
	instants(e, list, func(s report.Span) int64 { return s.Start })
	for _, s := range list {
		e.uvarint(uint64(max(0, s.End/e.unit-s.Start/e.unit)))
	}
	for _, s := range list {
		e.varint(int64(s.G))
	}
	for _, s := range list {
		open := byte(0)
		if s.Open {
			open = 1
		}
		e.buf = append(e.buf, open)
	}
}

func (e *encoder) logs(list []report.LogPoint) {
	instants(e, list, func(p report.LogPoint) int64 { return p.At })
	var texts lines
	for _, p := range list {
		e.uvarint(uint64(p.N))
	}
	for _, p := range list {
		e.varint(int64(p.G))
	}
	for _, p := range list {
		e.uvarint(uint64(texts.number(oneLine(p.Text))))
	}
	e.text(texts.text)
}

func (e *encoder) text(text []byte) {
	e.uvarint(uint64(len(text)))
	e.buf = append(e.buf, text...)
}

// longestText is how much of a name or message the page has, in letters.
const longestText = 200

// oneLine is a name or a message that a program chose, as one line that is safe to print.
func oneLine(text string) string {
	if letters := []rune(text); len(letters) > longestText {
		text = string(letters[:longestText]) + "…"
	}
	return strings.ReplaceAll(words.Printable(text), "\n", " ")
}

// heapLimit is GOMEMLIMIT where the machine told of one, else 0.
func heapLimit(r *report.Report) int64 {
	if m := said(r); m != nil {
		return m.GOMEMLIM
	}
	return 0
}
