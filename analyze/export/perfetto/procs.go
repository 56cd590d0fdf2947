package perfetto

import (
	"strconv"

	"gmptrace/model"
)

// procs are the tracks of Ps: a slice is a goroutine, from its dispatch to when it stopped,
// and in it are the system calls that it kept the P for.
type procs struct {
	*exporter
	group uint64
	byP   []*procTrack
}

// procTrack is the track of one P.
type procTrack struct {
	*sequence
	open       bool
	g          model.GoID
	until      model.Time // it is known to go on
	dispatches []model.Dispatch
}

func (x *procs) of(p model.ProcID) *procTrack {
	for int(p) >= len(x.byP) {
		x.byP = append(x.byP, nil)
	}
	if x.byP[p] == nil {
		uuid := x.w.declare(track{parent: x.group, name: "P" + strconv.Itoa(int(p)), rank: int64(p) + 1})
		x.byP[p] = &procTrack{sequence: x.w.sequence(uuid)}
	}
	return x.byP[p]
}

// dispatched keeps a dispatch until the slice that begins with it is told.
func (x *procs) dispatched(d *model.Dispatch) {
	if d.P >= 0 && x.opt.Tracks.Has(Decisions) {
		t := x.of(d.P)
		t.dispatches = append(t.dispatches, *d)
	}
}

// stretch writes what a P did.
func (x *procs) stretch(iv *model.PInterval) {
	if iv.P < 0 {
		return
	}
	t := x.of(iv.P)
	runs := iv.Does == model.PDoesRun || iv.Does == model.PDoesSyscall
	if t.open && (!runs || iv.G != t.g || iv.First || iv.Start != t.until) {
		t.close()
	}
	if !runs {
		return
	}
	if !t.open {
		x.begins(t, iv)
	}
	if iv.Does == model.PDoesSyscall {
		t.begin(typeSliceBegin, t.track)
		t.category("P")
		t.named(stateSyscall)
		t.end(iv.Start)
		t.sliceEnd(iv.End, t.track)
	}
	t.until = iv.End
}

func (t *procTrack) close() {
	if t.open {
		t.sliceEnd(t.until, t.track)
		t.open = false
	}
}

// begins begins the slice of a goroutine.
func (x *procs) begins(t *procTrack, iv *model.PInterval) {
	t.open, t.g = true, iv.G
	d := x.dispatch(t, iv)
	t.begin(typeSliceBegin, t.track)
	t.category(kindOf(iv))
	t.namedBy(nameKey{iv.G, iv.Func}, x.nameOf)
	if d != nil {
		x.decision(t.sequence, d)
	}
	t.end(iv.Start)
}

// kindOf is the category of a goroutine's slice.
func kindOf(iv *model.PInterval) string {
	switch {
	case iv.Worker:
		return "GC worker"
	case iv.Runtime:
		return "runtime"
	}
	return "program"
}

// dispatch is the one that a slice began with, nil for none. Those before it began none.
func (x *procs) dispatch(t *procTrack, iv *model.PInterval) *model.Dispatch {
	for len(t.dispatches) > 0 && t.dispatches[0].Time < iv.Start {
		x.took(t, &t.dispatches[0])
		t.dispatches = t.dispatches[:copy(t.dispatches, t.dispatches[1:])]
	}
	if len(t.dispatches) > 0 && t.dispatches[0].Time == iv.Start && t.dispatches[0].G == iv.G {
		d := t.dispatches[0]
		t.dispatches = t.dispatches[:copy(t.dispatches, t.dispatches[1:])]
		return &d
	}
	return nil
}

// took marks a dispatch of which no slice came, as the goroutine stopped in the same
// moment, or the trace did.
func (x *procs) took(t *procTrack, d *model.Dispatch) {
	t.begin(typeInstant, t.track)
	t.category("decision")
	t.namedBy(nameKey{d.G, d.Func}, x.nameOf)
	x.decision(t.sequence, d)
	t.end(d.Time)
}

// decision says where a dispatched goroutine came from, and how sure that is.
func (x *exporter) decision(s *sequence, d *model.Dispatch) {
	s.annotateText("source", d.Source.String())
	s.annotateBool("certain", d.Certain)
	if !d.Certain {
		s.annotateText("candidates", x.candidates(d.Sources))
	}
	if d.Victim != model.NoP {
		s.annotateInt("victim P", int64(d.Victim))
		s.annotateInt("moved", int64(d.Moved))
	}
}

// candidates are the names of the sources in a set, in the order of reports.
func (x *exporter) candidates(set model.Sources) string {
	if text, ok := x.sets[set]; ok {
		return text
	}
	text := ""
	for s := range model.NumSources {
		if !set.Has(s) {
			continue
		}
		if text != "" {
			text += ", "
		}
		text += s.String()
	}
	x.sets[set] = text
	return text
}

// handoff marks that a P left its thread.
func (x *procs) handoff(h *model.Handoff) {
	if h.P < 0 {
		return
	}
	t := x.of(h.P)
	t.begin(typeInstant, t.track)
	t.category("decision")
	t.named("handoff: " + h.Cause.String())
	t.annotateText("from", x.threadName(h.From))
	if h.To != model.NoM {
		t.annotateText("to", x.threadName(h.To))
	}
	t.end(h.Time)
}

// preempt marks that a goroutine stopped which could have gone on.
func (x *procs) preempt(p *model.Preempt) {
	if p.P < 0 {
		return
	}
	t := x.of(p.P)
	t.begin(typeInstant, t.track)
	t.category("decision")
	t.named("preemption: " + p.How.String())
	t.annotateInt("ran_ns", int64(p.Ran))
	t.end(p.Time)
}

// finish ends what is still open.
func (x *procs) finish() {
	for _, t := range x.byP {
		if t == nil {
			continue
		}
		t.close()
		for i := range t.dispatches {
			x.took(t, &t.dispatches[i])
		}
	}
}
