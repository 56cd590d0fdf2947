package whatif

import (
	"fmt"
	"sort"
	"strings"

	"gmptrace/analyze/names"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// A deadline of a context ends waits by a goroutine that a timer starts. How long such a wait
// was says nothing of how long that takes which was waited for: it stays as it is, whatever
// gets faster or slower. When the context was made a trace does not tell, so that the wait
// counts as one for a length.

// Deadlines are what deadlines of contexts ended.
type Deadlines struct {
	Waits int64       `json:"waits"`
	Of    []Deadlined `json:"requests_and_tasks"` // with some, what takes most time together first
	Text  string      `json:"text"`
}

// Deadlined are the requests of a handler, or tasks of a name, in which deadlines ended waits.
type Deadlined struct {
	Kind  string `json:"kind"`
	Name  string `json:"name"`
	Count int64  `json:"count"` // of all of them
	Ended int64  `json:"ended"` // in which a wait of the goroutine itself ended so
}

// deadlineFuncs begin the names of what a context's timer starts a goroutine with.
// Source: context/context.go, WithDeadlineCause; up to Go 1.20, WithDeadline.
var deadlineFuncs = []string{"context.WithDeadline.func", "context.WithDeadlineCause.func"}

// deadline reports whether g is what a context's timer started.
func (c *workloads) deadline(g *gWork) bool {
	return g.root && g.fn != 0 && names.HasPrefix(c.names.StartFunc(g.fn), deadlineFuncs)
}

// deadlines finds the waits that deadlines of contexts ended.
func (c *workloads) deadlines() {
	for _, g := range c.order {
		if !c.deadline(g) {
			continue
		}
		for _, m := range c.placed(g) {
			if m.kind != markWake && m.kind != markAnswer {
				continue
			}
			by := c.order[m.a]
			if by.timed == nil {
				by.timed = map[uint32]model.Time{}
			}
			by.timed[uint32(m.b)] = m.at
		}
	}
}

// deadlined says which of the requests and tasks have waits that deadlines ended; nil for none
// at all.
func (a *attribution) deadlined() *Deadlines {
	out := &Deadlines{Of: []Deadlined{}}
	ended := make([]int64, len(a.groups)+1)
	for i, g := range a.c.order {
		in := a.during[a.ids[i]]
		hit := map[int]bool{}
		for _, at := range g.timed {
			out.Waits++
			n := sort.Search(len(in), func(n int) bool { return in[n].to >= at })
			if n < len(in) && in[n].from <= at && !hit[n] {
				hit[n] = true
				ended[in[n].group]++
			}
		}
	}
	if out.Waits == 0 {
		return nil
	}
	for _, n := range a.mostTime() {
		if in := &a.groups[n]; ended[n+1] > 0 {
			out.Of = append(out.Of, Deadlined{Kind: in.kind, Name: in.name, Count: int64(len(in.of)), Ended: ended[n+1]})
		}
	}
	out.Text = out.say()
	return out
}

// say says what predictions make of them.
func (d *Deadlines) say() string {
	var in []string
	for i := range d.Of[:min(len(d.Of), toldEffects)] {
		x := &d.Of[i]
		in = append(in, fmt.Sprintf("in %s of %s of %s", words.Count(x.Ended), words.Count(x.Count), called(x.Kind, x.Name)))
	}
	text := fmt.Sprintf("Deadlines of contexts ended %s", words.Plural(d.Waits, "wait"))
	if len(in) > 0 {
		text += ", " + strings.Join(in, " and ")
	}
	return text + ": they stay as long as they were, whatever gets faster or slower, and no work under a deadline is cut short or made up for. Where it would be in time with the change, that takes less than is predicted."
}
