package render

import (
	"cmp"

	"gmptrace/analyze/report"
)

// spanPlace is where a request or task, or one of its messages, is on the timeline.
type spanPlace struct {
	Start int64    `json:"start"`
	End   int64    `json:"end"`
	Kind  string   `json:"kind"`
	Name  string   `json:"name"`
	Logs  []string `json:"logs,omitempty"`
}

// spanPlaces are those of which the page knows where they are: the slowest ones, and the
// longest task of each name.
func spanPlaces(r *report.Report) []spanPlace {
	list := []spanPlace{}
	for _, in := range r.Slowest.Instances {
		list = append(list, spanPlace{in.Start, in.Start + in.Duration, string(r.Slowest.Kind), cmp.Or(in.Name, in.Func), in.Logs})
	}
	for _, t := range r.Tasks {
		if t.Max > 0 && !hasSpan(list, t.MaxAt, t.Max) {
			list = append(list, spanPlace{t.MaxAt, t.MaxAt + t.Max, "task", t.Name, nil})
		}
	}
	return list
}

func hasSpan(list []spanPlace, start, length int64) bool {
	for _, s := range list {
		if s.Start == start && s.End == start+length {
			return true
		}
	}
	return false
}
