package compare

import (
	"slices"

	"gmptrace/analyze/internal/measure"
)

// How much the heap may grow until the collector has marked it again is what GOGC and a memory
// limit come to. It does not hang on how fast the program gets on, as how often there is a
// collection does.

// roomName is the rate that tells it, in percent of what was live.
const roomName = "room of the heap until the next garbage collection"

const (
	roomFloor = .4  // by which it must have shrunk
	roomDrift = .12 // from run to run, of logarithms
	roomGC    = .02 // of the time of Ps that run goroutines, which mark workers must take where there is less room
	unitRoom  = "% of what is live"
)

// room tells of a trace in which a collection ended.
func (b *Behaviour) room(h *measure.HeapRoom) {
	if h.Room.N() == 0 {
		return
	}
	r := Rate{Name: roomName, Unit: unitRoom, Mean: float64(h.Room.Quantile(.5)) / 10, Windows: make([]float64, b.Windows)}
	for w := range r.Windows {
		r.Windows[w] = r.Mean
	}
	b.Rates = append(b.Rates, r)
}

// room compares it, of those traces that tell.
func (c *comparison) room(old, new []*Behaviour) {
	s := scale{to: func(v float64) float64 { return lengths.to(1e3 * v) }, from: func(y float64) float64 { return lengths.from(y) / 1e3 }}
	runs := func(side []*Behaviour) (out []run) {
		for _, b := range side {
			if i := slices.IndexFunc(b.Rates, func(r Rate) bool { return r.Name == roomName }); i >= 0 {
				out = append(out, seenRun(s.to(b.Rates[i].Mean), 0, 0, fewestBlocks))
			}
		}
		return out
	}
	o, n := runs(old), runs(new)
	if len(o) == 0 || len(n) == 0 {
		return
	}
	x := Change{Kind: KindRate, Name: roomName, Held: true, Stat: statRoom, Unit: unitRoom, Floor: roomFloor, P: 1, Q: 1, Bins: []Bin{}}
	c.judge(x, s, o, n, 0, assumed{sd: roomDrift, share: 0})
	j := &c.judged[len(c.judged)-1]
	j.less = true
	worse := new
	if j.diff > 0 {
		worse = old
	}
	if !collects(worse) {
		j.P = 1
	}
}

// collects reports whether the collector comes to something in some traces.
func collects(side []*Behaviour) bool {
	var marks, runs float64
	for _, b := range side {
		marks += b.rateNamed(rateNames[rateGCWorker][0]).Mean
		runs += b.rateNamed(rateNames[rateRunning][0]).Mean
	}
	return marks >= roomGC*runs
}

// fewestCollections are those in the mean trace of the side with more, without which how many
// there are and how long they take is told by when the trace happened to begin.
const fewestCollections = 3

// collected reports whether there were enough.
func collected(old, new []*Behaviour) bool {
	of := func(side []*Behaviour) (n float64) {
		for _, b := range side {
			n += b.rateNamed(rateNames[rateCollections][0]).Mean * float64(b.Window) * float64(b.Windows) / 1e9
		}
		return n / float64(max(1, len(side)))
	}
	return max(of(old), of(new)) >= fewestCollections
}
