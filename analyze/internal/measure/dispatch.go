package measure

import (
	"slices"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// maxMatrix is how many Ps the steal matrix shows.
const maxMatrix = 128

// dispatches answers: where did dispatched goroutines come from, and who stole
// from whom?
type dispatches struct {
	sources  [model.NumSources]report.SourceCount
	steals   map[[2]model.ProcID]int64 // thief, victim
	moved    int64
	diverged [model.NumDivergences]int64
}

// NewDispatches makes dispatches, for replay.Shared.
func NewDispatches(*replay.Session) *dispatches {
	return &dispatches{steals: map[[2]model.ProcID]int64{}}
}

func (d *dispatches) Watch(f *model.Facts) {
	for i := range f.Dispatches {
		x := &f.Dispatches[i]
		c := &d.sources[x.Source]
		c.Count++
		if x.Certain {
			c.Certain++
		}
		if x.Runtime {
			c.Runtime++
		}
		wait := int64(x.Time - x.Ready)
		c.Wait += wait
		c.Max = max(c.Max, wait)
		if x.Victim != model.NoP {
			d.steals[[2]model.ProcID{x.P, x.Victim}]++
			d.moved += int64(x.Moved)
		}
	}
	for i := range f.Divergences {
		d.diverged[f.Divergences[i].Kind]++
	}
}

func (d *dispatches) Fill(r *report.Report) {
	out := &r.Dispatches
	for s := range d.sources {
		c := d.sources[s]
		c.Source = model.Source(s).String()
		out.Count += c.Count
		out.Certain += c.Certain
		out.Sources = append(out.Sources, c)
	}
	for _, n := range d.diverged {
		out.Resyncs += n
	}
	out.Steals = d.matrix()
}

func (d *dispatches) matrix() report.StealMatrix {
	var m report.StealMatrix
	m.Goroutines = d.moved
	seen := map[model.ProcID]bool{}
	for k, n := range d.steals {
		m.Steals += n
		seen[k[0]], seen[k[1]] = true, true
	}
	for p := range seen {
		m.Procs = append(m.Procs, p)
	}
	slices.Sort(m.Procs)
	if len(m.Procs) > maxMatrix {
		m.MoreProcs = len(m.Procs) - maxMatrix
		m.Procs = m.Procs[:maxMatrix]
	}
	for _, thief := range m.Procs {
		row := make([]int64, len(m.Procs))
		for j, victim := range m.Procs {
			row[j] = d.steals[[2]model.ProcID{thief, victim}]
		}
		m.Count = append(m.Count, row)
	}
	return m
}
