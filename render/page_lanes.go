package render

import (
	"math"

	"gmptrace/analyze/report"
)

// overTime is what the page's script must know of lanes: see static/src/lanes.js.
type overTime struct {
	Heap   [][3]int64  `json:"heap"` // when, live and goal in bytes, until the next
	Width  int64       `json:"width"`
	Words  []string    `json:"words"`  // of states
	States [][]float64 `json:"states"` // goroutines in each column, to a hundredth
}

// newOverTime is nil where there is nothing to show.
func newOverTime(tl *report.Timeline) *overTime {
	if tl == nil || len(tl.Lanes.Heap) == 0 && len(tl.Lanes.States[0]) == 0 {
		return nil
	}
	o := &overTime{Heap: [][3]int64{}, Width: max(1, tl.Lanes.Width)}
	for _, p := range tl.Lanes.Heap {
		o.Heap = append(o.Heap, [3]int64{p.At, p.Live, p.Goal})
	}
	for state, columns := range tl.Lanes.States {
		o.Words = append(o.Words, report.GoState(state).String())
		rounded := make([]float64, len(columns))
		for i, n := range columns {
			rounded[i] = math.Round(n*100) / 100
		}
		o.States = append(o.States, rounded)
	}
	return o
}
