package render

import (
	"math"

	"gmptrace/analyze/report"
)

// lanes writes what there is over time beside slices, last of a block: see
// static/src/lanes.js.
//
//	heap:   n, at…, live…, goal…         bytes
//	states: width, columns, each state   hundredths of goroutines
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
}
