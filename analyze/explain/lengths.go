package explain

import (
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
)

// Lengths is the distribution behind a report.Population: what a report tells of it are
// quantiles of this.
type Lengths struct {
	Kind report.InstanceKind // request or task
	Name string              // "" of requests whose handler does not show
	All  *stat.Sketch        // those that had not ended as far as they went; nobody else changes it

	Unfinished int64 // of All
}

// LengthsOf are those of all requests and tasks of a session to which AddSlowest was added,
// for after Session.Fill. Names beyond the 128 first are together in one.
func LengthsOf(s *replay.Session) []Lengths {
	slow := replay.Shared(s, newSlowOnes)
	var out []Lengths
	for _, g := range slow.groups {
		if g.kind == report.KindMain {
			continue
		}
		for _, p := range g.ranked() {
			if p.all.N() > 0 {
				out = append(out, Lengths{Kind: g.kind, Name: p.name, All: &p.all, Unfinished: p.unfinished})
			}
		}
	}
	return out
}
