package render

import (
	"fmt"
	"slices"

	"gmptrace/analyze/report"
	"gmptrace/model"
)

// around is a window that shows [start, end) with some room on both sides,
// within the trace.
func around(r *report.Report, start, end int64) (int64, int64) {
	from, to := bounds(r)
	room := max((end-start)/5, 500)
	a, b := max(from, start-room), min(to, end+room)
	if b <= a {
		return from, to
	}
	return a, b
}

// link is the address of a moment on the timeline; p is -1 where no row is
// meant.
func link(r *report.Report, start, end int64, p model.ProcID) string {
	a, b := around(r, start, end)
	hash := fmt.Sprintf("#t=%d-%d", a, b)
	if p >= 0 {
		hash += fmt.Sprintf("&row=P%d", p)
	}
	return hash
}

// momentLink is the address of a moment, with a row for its goroutine.
func momentLink(r *report.Report, m report.Moment) string {
	hash := link(r, m.Start, m.End, m.P)
	if m.G > 0 {
		hash += fmt.Sprintf("&g=%d", m.G)
	}
	return hash
}

// rows are the Ps that have a row, in order.
func rows(r *report.Report) []model.ProcID {
	seen := map[model.ProcID]bool{}
	if r.Timeline != nil {
		for _, t := range r.Timeline.Tracks {
			seen[t.P] = true
		}
	}
	for _, p := range r.Overview.Procs {
		seen[p.P] = true
	}
	list := make([]model.ProcID, 0, len(seen))
	for p := range seen {
		list = append(list, p)
	}
	slices.Sort(list)
	return list
}
