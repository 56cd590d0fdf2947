package diagnose

import (
	"cmp"
	"slices"

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
	listeners []func(*model.GInterval)
}

// blamedFrom is the wait from which blame looks at it: shorter ones are what
// waking a thread takes on a machine with load.
const blamedFrom = 1_000_000 // ns

// pDid is what a P did while a goroutine waited for it.
type pDid uint8

const (
	pDidRun   pDid = iota // goroutines of the program, in stretches below measure.WholeSlice, and what lies between them
	pDidHog               // one goroutine of the program that used up its slice
	pDidOver              // one goroutine of the program that was not stopped when its slice was over: see overrun
	pDidMark              // a mark worker
	pDidOther             // another goroutine of the runtime
	pDidNone              // no goroutine, for measure.WakeTime or longer: its thread was in the scheduler, or it had none
	pDidCall              // its goroutine was in a system call
	pDidStop              // the world was stopped
	pDidSpare             // not a part of the others: it ran goroutines while another P was idle
	numPDid
)

// split is a length of time by what the P did in it.
type split [numPDid]int64

// blamed is a wait that counts for one of the kinds.
type blamed struct {
	start, end model.Time
	part       int64
	g          model.GoID
	p          model.ProcID
	fn         uint32
}

// past is the time by kind up to each of the last moments, in order.
type past struct {
	grain model.Time   // stretches that are shorter share a moment
	at    []model.Time // circular, up to pastMoments of them
	sums  []split
	n     int // moments so far
	last  model.Time
	sum   split
}

const (
	pastMoments = 512
	pastFine    = 200_000   // ns: reaches a tenth of a second back at least
	pastCoarse  = 5_000_000 // ns: two and a half seconds
)

// pastP is the past of one P and what it has been doing since.
type pastP struct {
	past                     // near
	far      past            // for what near has forgotten
	did      model.PActivity // in the last stretch
	runsFrom model.Time      // last dispatch on it
	runs     pDid            // what that dispatch was of
}

func newBlame(*replay.Session) *blame {
	b := &blame{stopped: past{grain: pastFine}}
	for k := range b.worst {
		b.worst[k] = stat.NewTopK[blamed](report.MaxMoments)
	}
	return b
}

// listen makes blame tell use the stretches of the program's goroutines, in order of
// time: it may ask about each what the Ps did meanwhile.
func (b *blame) listen(use func(*model.GInterval)) { b.listeners = append(b.listeners, use) }

// add appends a stretch that ends at end.
func (p *past) add(start, end model.Time, k pDid) {
	if p.n == 0 {
		p.push(start)
	}
	if end-start >= p.grain && p.last > p.at[(p.n-1)%pastMoments] {
		p.push(p.last)
	}
	p.sum[k] += int64(end - start)
	p.last = end
	if end-p.at[(p.n-1)%pastMoments] >= p.grain {
		p.push(end)
	}
}

func (p *past) push(t model.Time) {
	if p.n < pastMoments {
		p.at, p.sums = append(p.at, t), append(p.sums, p.sum)
	} else {
		p.at[p.n%pastMoments], p.sums[p.n%pastMoments] = t, p.sum
	}
	p.n++
	p.last = max(p.last, t)
}

// upTo is the time by kind up to t; ok is false where it is forgotten.
func (p *past) upTo(t model.Time) (s split, ok bool) {
	if p.n == 0 || t >= p.last {
		return p.sum, p.n > 0
	}
	lo, hi := max(0, p.n-pastMoments), p.n // the last moment not after t lies in [lo, hi)
	if t < p.at[lo%pastMoments] {
		return p.sums[lo%pastMoments], false
	}
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; p.at[mid%pastMoments] <= t {
			lo = mid
		} else {
			hi = mid
		}
	}
	a, from := p.sums[lo%pastMoments], p.at[lo%pastMoments]
	b, to := p.sum, p.last
	if lo+1 < p.n {
		b, to = p.sums[(lo+1)%pastMoments], p.at[(lo+1)%pastMoments]
	}
	if to <= from {
		return a, true
	}
	share := float64(t-from) / float64(to-from)
	for k := range a {
		a[k] += int64(share * float64(b[k]-a[k]))
	}
	return a, true
}

// between is the time by kind in [start, end], as far as it is remembered; ok is
// whether all of it is.
func (p *past) between(start, end model.Time) (s split, ok bool) {
	a, ok := p.upTo(start)
	s, _ = p.upTo(end)
	for k := range s {
		s[k] -= a[k]
	}
	return s, ok
}

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
		if iv.Open&model.OpenEnd != 0 && iv.State == model.GRunnable && iv.P != model.NoP && iv.End-iv.Start >= blamedFrom {
			b.upTo(iv.End)
			b.wait(iv.Start, iv.End, iv.P, iv.G, iv.Func)
		}
		for _, waited := range b.listeners {
			waited(iv)
		}
	}
	b.upTo(replay.Forever)
	b.ahead = model.Facts{}
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
	begun := b.ahead.Begun
	for ; len(begun) > 0 && begun[0].End <= t; begun = begun[1:] {
		b.begins(&begun[0])
	}
	b.ahead.Begun = begun
	ps := b.ahead.Ps
	for ; len(ps) > 0 && ps[0].End <= t; ps = ps[1:] {
		iv := &ps[0]
		p, did := b.proc(iv.P), b.didIn(iv)
		p.add(iv.Start, iv.End, did)
		p.far.add(iv.Start, iv.End, did)
		p.did = iv.Does
	}
	b.ahead.Ps = ps
	events := b.ahead.Events
	for ; len(events) > 0 && events[0].Time <= t; events = events[1:] {
		b.event(&events[0])
	}
	b.ahead.Events = events
}

// begins takes in what a P has been doing since the trace began: of all else that a P
// begins to do, a dispatch tells.
func (b *blame) begins(iv *model.PInterval) {
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

func (b *blame) dispatch(d *model.Dispatch) {
	if d.Time-d.Ready >= blamedFrom && !d.Runtime {
		b.stretches(d.Time)
		if d.WaitedOn != model.NoP {
			b.wait(d.Ready, d.Time, d.WaitedOn, d.G, d.Func)
		} else {
			s := b.wait(d.Ready, d.Time, d.P, d.G, d.Func)
			b.global.add(&s)
			if d.Time-d.Ready > measure.StarvedAfter {
				b.unfair.add(&s)
			}
		}
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
	case measure.Overrun(iv.End-iv.Start, b.stops.How(iv)):
		return pDidOver
	case iv.End-iv.Start >= measure.WholeSlice:
		return pDidHog
	}
	return pDidRun
}

func (b *blame) event(ev *model.Event) {
	switch ev.Op {
	case model.OpSTWBegin:
		if b.open++; b.open == 1 {
			b.openAt = ev.Time
		}
	case model.OpSTWEnd:
		if b.open > 0 {
			if b.open--; b.open == 0 {
				b.stopped.add(b.stopped.last, b.openAt, 1)
				b.stopped.add(b.openAt, ev.Time, 0)
			}
		}
	case model.OpGOMAXPROCS:
		b.n = int(ev.Arg)
	case model.OpGeneration:
		if ev.Arg != 0 {
			b.open = 0
		}
	}
}

// wait splits one wait.
func (b *blame) wait(start, end model.Time, on model.ProcID, g model.GoID, fn uint32) split {
	s := b.split(on, start, end)
	for id := range b.procs {
		if s.ran() == 0 {
			break
		}
		if p := model.ProcID(id); p != on && b.procs[id] != nil && (b.n == 0 || id < b.n) {
			s[pDidSpare] = max(s[pDidSpare], b.split(p, start, end)[pDidNone])
		}
	}
	s[pDidSpare] = min(s[pDidSpare], s.ran())
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

// ran is the time in which goroutines of the program ran.
func (s *split) ran() int64 { return s[pDidRun] + s[pDidHog] + s[pDidOver] }

func (s *split) add(o *split) {
	for k, ns := range o {
		s[k] += ns
	}
}

// split is what P id did in [start, end], as far as it is known: its stretch
// that is under way counts as what it must be.
func (b *blame) split(id model.ProcID, start, end model.Time) split {
	if int(id) >= len(b.procs) || b.procs[id] == nil {
		return split{}
	}
	p := b.procs[id]
	s, ok := p.between(start, end)
	if !ok {
		s, _ = p.far.between(start, end)
	}
	if from := max(start, p.last); p.n > 0 && from < end {
		switch {
		case p.runsFrom >= p.last:
			k := p.runs
			if k == pDidRun && end-p.last >= measure.WholeSlice {
				k = pDidHog
			}
			if k == pDidHog && end-p.last >= measure.LateSlice {
				k = pDidOver
			}
			s[k] += int64(end - from)
		case p.did == model.PDoesSched || p.did == model.PDoesIdle:
			s[pDidNone] += int64(end - from)
		}
	}
	if b.stopped.n > 0 || b.open > 0 {
		stopped, _ := b.stopped.between(start, end)
		stop := stopped[0]
		if b.open > 0 {
			stop += max(0, int64(end-max(start, b.openAt)))
		}
		s[pDidStop] = min(stop, s[pDidNone])
		s[pDidNone] -= s[pDidStop]
	}
	return s
}

// witnesses know what Ps did while goroutines waited: for one of them, for a timer,
// or for the network.
type witnesses struct {
	blame    *blame
	timers   *timers
	netpolls *netpolls
}

func newWitnesses(s *replay.Session) witnesses {
	return witnesses{replay.Shared(s, newBlame), replay.Shared(s, newTimers), replay.Shared(s, newNetpolls)}
}

// explains is how much of what the symptoms cost passed while the P did one of
// these things.
func (r *witnesses) explains(kinds ...pDid) attributed {
	late, unread, x := r.timers.busySum(), r.netpolls.busySum(), attributed{}
	for _, k := range kinds {
		x["starvation"] += r.blame.starved[k]
		x["overload"] += r.blame.starved[k]
		x["global-queue"] += r.blame.global[k]
		x["timers"] += late[k]
		x["netpoll"] += unread[k]
	}
	return x
}

// worstPart is the longest part of a wait of kind k.
func (b *blame) worstPart(k pDid) int64 {
	var longest int64
	for _, x := range b.worst[k].Best() {
		longest = max(longest, x.part)
	}
	return longest
}

// moments are the waits that count most for kind k.
func (b *blame) moments(r bench, k pDid, what string) []report.Moment {
	var out []report.Moment
	for _, x := range b.worst[k].Best() {
		out = append(out, r.moment(x.start, x.end, x.g, x.p, -1,
			words.Goroutine(int64(x.g), r.Names.StartFunc(x.fn))+" waited "+words.Length(int64(x.end-x.start))+"; for "+words.Length(x.part)+" of it "+what))
	}
	return out
}

// busy is what the Ps did in [start, end], the average of all; ok is false if one
// of them was idle for half of that.
func (b *blame) busy(start, end model.Time) (mean split, ok bool) {
	b.upTo(end)
	n := int64(0)
	for id := range b.procs {
		if b.procs[id] == nil || b.n > 0 && id >= b.n {
			continue
		}
		s := b.split(model.ProcID(id), start, end)
		if s[pDidNone]*2 > int64(end-start) {
			return mean, false
		}
		for k, ns := range s {
			mean[k] += ns
		}
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

// total is the time of all kinds.
func (s *split) total() int64 {
	var ns int64
	for k, x := range s {
		if pDid(k) != pDidSpare {
			ns += x
		}
	}
	return ns
}

// whileWords say what a P did while a goroutine waited for it.
var whileWords = [...]string{
	pDidRun: "goroutines took turns", pDidHog: "one goroutine used up its time slice", pDidOver: "one goroutine ran on when its time slice was over",
	pDidMark: "a mark worker ran", pDidOther: "another goroutine of the runtime ran", pDidNone: "the P ran nothing", pDidCall: "a system call had the P",
	pDidStop: "the world was stopped",
}

// parts are what the P did in these waits, most first.
func (s *split) parts() []pDid {
	var kinds []pDid
	for k := range pDid(len(whileWords)) {
		if s[k] > 0 {
			kinds = append(kinds, k)
		}
	}
	slices.SortStableFunc(kinds, func(a, b pDid) int { return cmp.Compare(s[b], s[a]) })
	return kinds
}

// blameEvidence says how waits divide, the longest part first.
func blameEvidence(s *split) []report.Evidence {
	var out []report.Evidence
	for _, k := range s.parts() {
		out = append(out, report.Evidence{Label: "of that time, " + whileWords[k], Value: words.Length(s[k]) + ", " + words.ShareOf(s[k], s.total())})
	}
	return out
}
