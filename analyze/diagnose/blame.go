package diagnose

import (
	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// blame answers: what did the P do that a goroutine waited for? It looks at the
// waits of the program's goroutines that took a millisecond or more. A goroutine
// in a local queue waited for the queue's P; of one in the global queue, the P
// that ran it in the end stands for all.
//
// It keeps each P's time by kind as sums that grow, so that a wait takes two
// look-ups, however much happened in it.
type blame struct {
	procs   []*pastP
	stopped past // kind 0: the world was stopped
	open    int  // stop-the-world ranges under way
	openAt  model.Time
	n       int // GOMAXPROCS; 0 while the trace does not say it

	waited  split // of all such waits
	starved split // of those longer than measure.StarvedAfter
	global  split // of those in the global queue
	unfair  split // of those in the global queue that were longer than measure.StarvedAfter
	worst   [numPDid]*stat.TopK[blamed]
	stops   measure.Stops

	ahead     model.Facts // of those at hand, not looked at yet
	listeners [model.NumReasons][]func(*model.GInterval)
}

// blamedFrom is the wait from which blame looks at it: shorter ones are what
// waking a thread takes on a machine with load.
const blamedFrom = 1_000_000 // ns

// blamed is a wait that counts for one of the kinds.
type blamed struct {
	start, end model.Time
	part       int64
	g          model.GoID
	p          model.ProcID
	fn         uint32
}

// pastP is the past of one P and what it has been doing since.
type pastP struct {
	past                     // near
	far      past            // for what near has forgotten; told late: see ended
	did      model.PActivity // in the last stretch
	runsFrom model.Time      // last dispatch on it
	runs     pDid            // what that dispatch was of
	idleTo   model.Time      // end of the last stretch that counts as idle
	busyFrom model.Time      // a moment of near and far since which none does; forever for none yet
}

// ended takes in a stretch. Where neither near nor far needs a moment for it, which is
// nearly always, it is counted once: far has the same sums, and catches up later.
func (p *pastP) ended(start, end model.Time, did pDid) {
	if did == pDidNone {
		p.idleTo, p.busyFrom = end, replay.Forever
	}
	if p.sharesMoment(start, end) && p.far.sharesMoment(start, end) {
		p.sum[did] += int64(end - start)
		p.last = end
		return
	}
	p.catchUp()
	p.add(start, end, did)
	p.far.add(start, end, did)
	if p.busyFrom == replay.Forever && min(p.from, p.far.from) >= p.idleTo {
		p.busyFrom = max(p.from, p.far.from)
	}
}

// neverIdle reports whether it is clear without a look at what the P did that nothing of
// that counts as idle since a time. Of many Ps that do not, most are busy.
func (p *pastP) neverIdle(since model.Time) bool {
	return p.busyFrom <= since && (p.runsFrom >= p.last || p.did != model.PDoesSched && p.did != model.PDoesIdle)
}

// catchUp tells far what near was told.
func (p *pastP) catchUp() { p.far.sum, p.far.last = p.sum, p.last }

func newBlame(*replay.Session) *blame {
	b := &blame{stopped: past{grain: pastFine}}
	for k := range b.worst {
		b.worst[k] = stat.NewTopK[blamed](report.MaxMoments)
	}
	return b
}

// listen makes blame tell use the waits of the program's goroutines for one of the reasons,
// and the stretches from when they were woken until they ran, in order of time: it may ask
// about each what the Ps did meanwhile.
func (b *blame) listen(use func(*model.GInterval), reasons ...model.Reason) {
	for _, r := range reasons {
		b.listeners[r] = append(b.listeners[r], use)
	}
}

// proc is the past of a P, made when it is first seen.
func (b *blame) proc(id model.ProcID) *pastP {
	for int(id) >= len(b.procs) {
		b.procs = append(b.procs, nil)
	}
	if b.procs[id] == nil {
		b.procs[id] = &pastP{past: past{grain: pastFine}, far: past{grain: pastCoarse}}
	}
	return b.procs[id]
}

// Watch goes through the goroutines' stretches in order of time. What the Ps did
// follows on demand: whoever asks about a wait is told what was known when it ended,
// and nothing that came later.
func (b *blame) Watch(f *model.Facts) {
	b.stops.Observe(f)
	b.ahead = *f
	for i := range f.Gs {
		iv := &f.Gs[i]
		if iv.Runtime {
			continue
		}
		if p := b.neverRan(iv); p != model.NoP {
			b.upTo(iv.End)
			b.wait(iv.Start, iv.End, p, iv.G, iv.Func)
		}
		if iv.State == model.GWaiting || iv.State == model.GRunnable && iv.Woken {
			for _, waited := range b.listeners[iv.Reason] {
				waited(iv)
			}
		}
	}
	b.upTo(replay.Forever)
	b.ahead = model.Facts{}
}

// neverRan is the P that a goroutine waited for until the trace ended, NoP if it did not
// or none can be told: of the global queue it is the one that there is.
func (b *blame) neverRan(iv *model.GInterval) model.ProcID {
	switch {
	case iv.Open&model.OpenEnd == 0 || iv.State != model.GRunnable || iv.End-iv.Start < blamedFrom:
		return model.NoP
	case iv.P == model.NoP && b.n == 1:
		return 0
	}
	return iv.P
}

// upTo takes in what happened up to t.
func (b *blame) upTo(t model.Time) {
	ds := b.ahead.Dispatches
	for len(ds) > 0 && ds[0].Time <= t {
		b.dispatch(&ds[0])
		ds = ds[1:]
	}
	b.ahead.Dispatches = ds
	b.stretches(t)
}

// stretches takes in what the Ps did up to t, and the pauses.
func (b *blame) stretches(t model.Time) {
	shown := b.ahead.Shown
	for ; len(shown) > 0 && shown[0].End <= t; shown = shown[1:] {
		b.shows(&shown[0])
	}
	ps := b.ahead.Ps
	for ; len(ps) > 0 && ps[0].End <= t; ps = ps[1:] {
		b.ended(&ps[0])
	}
	events := b.ahead.Events
	for ; len(events) > 0 && events[0].Time <= t; events = events[1:] {
		b.event(&events[0])
	}
	b.ahead.Shown, b.ahead.Ps, b.ahead.Events = shown, ps, events
}

// ended takes in a stretch of a P.
func (b *blame) ended(iv *model.PInterval) {
	p := b.proc(iv.P)
	p.ended(iv.Start, iv.End, b.didIn(iv))
	p.did = iv.Does
}

// shows takes in what a P has been doing since the trace began: of all else that a P
// begins to do, a dispatch tells.
func (b *blame) shows(iv *model.PInterval) {
	p := b.proc(iv.P)
	if p.n == 0 {
		p.push(iv.Start)
		p.far.push(iv.Start)
	}
	if p.last > iv.Start {
		return // stretches of it have ended since
	}
	p.did = iv.Does
	if iv.Does == model.PDoesRun {
		p.runsFrom, p.runs = iv.Start, b.didIn(iv)
	}
}

// dispatch takes in that a goroutine came to run, and the wait before.
func (b *blame) dispatch(d *model.Dispatch) {
	if d.Time-d.Ready >= blamedFrom && !d.Runtime {
		b.stretches(d.Time)
		b.waitBefore(d)
	}
	p := b.proc(d.P)
	p.runsFrom = d.Time
	switch {
	case d.Source == model.SourceGCWorker || d.Source == model.SourceGCIdle:
		p.runs = pDidMark
	case d.Runtime:
		p.runs = pDidOther
	default:
		p.runs = pDidRun
	}
}

// waitBefore takes in the wait that a dispatch ended.
func (b *blame) waitBefore(d *model.Dispatch) {
	if d.WaitedOn != model.NoP {
		b.wait(d.Ready, d.Time, d.WaitedOn, d.G, d.Func)
		return
	}
	s := b.wait(d.Ready, d.Time, d.P, d.G, d.Func)
	b.global.add(&s)
	if d.Time-d.Ready > measure.StarvedAfter {
		b.unfair.add(&s)
	}
}

// didIn is what a P did in a stretch.
func (b *blame) didIn(iv *model.PInterval) pDid {
	switch {
	case iv.Does == model.PDoesSyscall:
		return pDidCall
	case iv.Does != model.PDoesRun && iv.End-iv.Start < measure.WakeTime:
		return pDidRun // between two goroutines
	case iv.Does != model.PDoesRun:
		return pDidNone
	case iv.Worker:
		return pDidMark
	case iv.Runtime:
		return pDidOther
	case iv.End-iv.Start < measure.WholeSlice: // nearly always
		return pDidRun
	case measure.Overrun(iv.End-iv.Start, b.stops.How(iv)):
		return pDidOver
	}
	return pDidHog
}

// event takes in pauses, and GOMAXPROCS.
func (b *blame) event(ev *model.Event) {
	switch ev.Op {
	case model.OpSTWBegin:
		if b.open++; b.open == 1 {
			b.openAt = ev.Time
		}
	case model.OpSTWEnd:
		if b.open == 1 {
			b.stopped.add(b.stopped.last, b.openAt, 1)
			b.stopped.add(b.openAt, ev.Time, 0)
		}
		b.open = max(0, b.open-1)
	case model.OpGOMAXPROCS:
		b.n = int(ev.Arg)
	case model.OpGeneration:
		if ev.Arg != 0 {
			b.open = 0
		}
	}
}

// wait takes in one wait, and is how it divides.
func (b *blame) wait(start, end model.Time, on model.ProcID, g model.GoID, fn uint32) split {
	s := b.split(on, start, end)
	s[pDidSpare] = b.spare(start, end, on, s.ran())
	b.waited.add(&s)
	if end-start > measure.StarvedAfter {
		b.starved.add(&s)
	}
	for k, ns := range s {
		if b.worst[k].Admits(ns) {
			b.worst[k].Offer(ns, blamed{start, end, ns, g, on, fn})
		}
	}
	return s
}

// spare is for how much of [start, end] another P than on ran nothing, of the time that
// on ran goroutines.
func (b *blame) spare(start, end model.Time, on model.ProcID, ran int64) int64 {
	if ran == 0 {
		return 0
	}
	var most int64
	for id := range b.procs {
		if p := model.ProcID(id); p != on && b.exists(id) && !b.procs[id].neverIdle(start) {
			other := b.split(p, start, end)
			if most = max(most, other[pDidNone]); most >= ran {
				return ran
			}
		}
	}
	return min(most, ran)
}

// exists reports whether P id was seen, and is one of GOMAXPROCS.
func (b *blame) exists(id int) bool { return b.procs[id] != nil && (b.n == 0 || id < b.n) }

// split is what P id did in [start, end], as far as it is known.
func (b *blame) split(id model.ProcID, start, end model.Time) split {
	if int(id) >= len(b.procs) || b.procs[id] == nil {
		return split{}
	}
	p := b.procs[id]
	s, ok := p.between(start, end)
	if !ok {
		p.catchUp()
		s, _ = p.far.between(start, end)
	}
	p.underWay(&s, start, end)
	s[pDidStop] = min(b.stoppedIn(start, end), s[pDidNone])
	s[pDidNone] -= s[pDidStop]
	return s
}

// underWay adds what lies in [start, end] of the P's stretch that has not ended: it
// counts as what it must be.
func (p *pastP) underWay(s *split, start, end model.Time) {
	from := max(start, p.last)
	if p.n == 0 || from >= end {
		return
	}
	switch {
	case p.runsFrom >= p.last:
		s[p.running(end-p.last)] += int64(end - from)
	case p.did == model.PDoesSched || p.did == model.PDoesIdle:
		s[pDidNone] += int64(end - from)
	}
}

// running is what a P does that has been running a goroutine for d, at the least.
func (p *pastP) running(d model.Time) pDid {
	switch {
	case p.runs != pDidRun && p.runs != pDidHog:
		return p.runs
	case d >= measure.LateSlice:
		return pDidOver
	case d >= measure.WholeSlice:
		return pDidHog
	}
	return p.runs
}

// stoppedIn is for how much of [start, end] the world was stopped.
func (b *blame) stoppedIn(start, end model.Time) int64 {
	if b.stopped.n == 0 && b.open == 0 {
		return 0
	}
	stopped, _ := b.stopped.between(start, end)
	ns := stopped[0]
	if b.open > 0 {
		ns += max(0, int64(end-max(start, b.openAt)))
	}
	return ns
}

// worstPart is the longest part of a wait of kind k.
func (b *blame) worstPart(k pDid) int64 {
	var longest int64
	for _, x := range b.worst[k].Best() {
		longest = max(longest, x.part)
	}
	return longest
}

// scenes are the waits that count most for kind k.
func (b *blame) scenes(r bench, k pDid, what string) []report.Moment {
	var out []report.Moment
	for _, x := range b.worst[k].Best() {
		out = append(out, r.scene(x.start, x.end, x.g, x.p, -1,
			words.Goroutine(int64(x.g), r.runs(x.fn))+" waited "+words.Length(int64(x.end-x.start))+"; for "+words.Length(x.part)+" of it "+what))
	}
	return out
}

// busy is what the Ps did in [start, end], the average of all; ok is false if one
// of them was idle for half of that.
func (b *blame) busy(start, end model.Time) (mean split, ok bool) {
	b.upTo(end)
	n := int64(0)
	for id := range b.procs {
		if !b.exists(id) {
			continue
		}
		s := b.split(model.ProcID(id), start, end)
		if s[pDidNone]*2 > int64(end-start) {
			return mean, false
		}
		mean.add(&s)
		n++
	}
	if n < int64(b.n) {
		return mean, false // the others have been idle all the time
	}
	for k := range mean {
		mean[k] /= max(1, n)
	}
	return mean, true
}
