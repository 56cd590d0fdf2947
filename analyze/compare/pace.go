package compare

import (
	"math"
	"slices"

	"gmptrace/analyze/stat"
)

// How a length varies from one run to the next though nothing has changed hangs on what it
// is made of. Sleeps take as long as they did; computing follows the clock of the CPU and
// what else runs beside it, by some percent; computing that allocates follows the collector
// and the caches, and waiting for a P all that the others do. And all of these go up and
// down together: a run in which short stretches of computing take longer everywhere has
// met a slower machine. That is the run's pace, and what a length may be expected to owe to it
// is taken out before sides are compared.

// madeOf are the shares of a series' time, from 0 to 1, and the rest is what others do.
type madeOf struct {
	running, allocating, queue, sleep, other float64
	known                                    bool
}

// allocatesFrom is the share of computing that goes to the collector from which on the rest of
// the computing is held to allocate as well.
const allocatesFrom = .015

// madeOf is what a series is made of, on both sides together.
func (c *comparison) madeOf(k key, old, new []*Behaviour) madeOf {
	all := meanCauses(slices.Concat(old, new), k.kind, k.name)
	total := float64(all.mean())
	if all.Instances < fewestValues || total <= 0 {
		return madeOf{}
	}
	m := madeOf{known: true, other: float64(all.Rest) / total}
	var collector float64
	for i := range all.Causes {
		share := float64(all.Causes[i].NS) / total
		switch all.Causes[i].Kind {
		case CauseRunning:
			m.running += share
		case CauseCollector:
			collector += share
		case CauseQueue:
			m.queue += share
		case CauseSleep:
			m.sleep += share
		default:
			m.other += share
		}
	}
	m.running += collector
	if collector >= allocatesFrom*m.running {
		m.running, m.allocating = 0, m.running
	}
	return m
}

// What is assumed to differ between runs, as logarithms, and how much of the pace it follows:
// measured with make drift, of four programs on a quiet machine.
var (
	drifts  = madeOf{running: .016, allocating: .25, queue: .16, sleep: .008, other: .04}
	follows = madeOf{running: .2, allocating: 1.5, queue: 1.3, other: .1}
)

// drift is the standard deviation from run to run that a series made like this is assumed to have.
func (m *madeOf) drift() float64 {
	var sum float64
	for _, x := range [][2]float64{{m.running, drifts.running}, {m.allocating, drifts.allocating}, {m.queue, drifts.queue}, {m.sleep, drifts.sleep}, {m.other, drifts.other}} {
		sum += x[0] * x[0] * x[1] * x[1]
	}
	return math.Sqrt(sum)
}

// owes is by how much a series follows the pace of its run.
func (m *madeOf) owes() float64 {
	return m.running*follows.running + m.allocating*follows.allocating + m.queue*follows.queue + m.other*follows.other
}

// paces are those of runs, by function whose goroutines compute: by how much longer than in
// the mean run they do so at a time, as a logarithm.
type paces map[*Behaviour]map[string]float64

const (
	paceValues = 100 // stretches of computing of a function in each run, to tell a pace
	paceLeast  = 2   // functions that tell it
	paceMost   = .5  // either way: beyond it something else is the matter
	paceDoubt  = 2   // functions' worth of doubt
)

// pacesOf are those of all runs of both sides.
func pacesOf(old, new []*Behaviour) paces {
	out := paces{}
	all := slices.Concat(old, new)
	if len(old) == 0 || len(new) == 0 {
		return out
	}
	for _, k := range keys(all) {
		if k.kind != SeriesDispatch {
			continue
		}
		logs := map[*Behaviour]float64{}
		var sum float64
		for _, b := range all {
			if s := b.seriesOf(k); s != nil {
				if whole := s.Whole(); whole.N() >= paceValues {
					logs[b] = lengths.to(float64(whole.Quantile(.5)))
				}
			}
			if _, ok := logs[b]; !ok {
				break
			}
			sum += logs[b]
		}
		if len(logs) < distinct(all) {
			continue
		}
		for b, y := range logs {
			if out[b] == nil {
				out[b] = map[string]float64{}
			}
			out[b][k.name] = y - sum/float64(len(all))
		}
	}
	return out
}

func distinct(all []*Behaviour) int {
	seen := map[*Behaviour]bool{}
	for _, b := range all {
		seen[b] = true
	}
	return len(seen)
}

// of is a run's pace, as all functions but one tell it: their median, the nearer to none the
// fewer there are. 0 where too few do.
func (p paces) of(b *Behaviour, but string) float64 {
	var all []float64
	for name, y := range p[b] {
		if name != but {
			all = append(all, y)
		}
	}
	if len(all) < paceLeast {
		return 0
	}
	return max(-paceMost, min(paceMost, stat.Median(all))) * float64(len(all)) / float64(len(all)+paceDoubt)
}

// seriesOf is a series of a trace, nil where there is none of it.
func (b *Behaviour) seriesOf(k key) *Series {
	for i := range b.Series {
		if b.Series[i].Kind == k.kind && b.Series[i].Name == k.name {
			return &b.Series[i]
		}
	}
	return nil
}
