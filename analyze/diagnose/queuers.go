package diagnose

import (
	"slices"
	"strings"

	"gmptrace/analyze/internal/waits"
	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/model"
)

// queuers answers: where do goroutines wait on channels, in selects and for condition
// variables, how many at once, and how long had the one that let them in been inside?
//
// Inside is who was let in at a place and has not let in another there; a goroutine that
// never waits there and lets in one after the other serves one at a time, from one
// hand-over to the next. Who is inside is remembered for as many as insiders has room
// for: it grows with neither the trace nor its goroutines.
type queuers struct {
	names   *names.Table
	sites   []int32     // by stack: index into places + 1, 0 not looked at, -1 none
	cancels names.Flags // of stacks: cancels a context
	closes  names.Flags // of stacks: closes a channel
	places  []*queuePlace
	byName  map[string]int32
	unknown unplaced

	starters *waits.Starters
	insiders []insider // by a hash of goroutine and place; nil before the first
	spent    []spender // by a hash of the goroutine; likewise
}

const (
	queueSlots = 4096    // goroutines remembered: more than wait for a pool, or serve it, at once
	queueGrain = 100_000 // ns: shorter waits are not counted as waiting at once, as those of locks
	queuePeak  = 256     // goroutines at once that are counted
	queueBys   = 16      // stacks that end waits at one place that are told apart
)

// unplaced are waits without a stack that another goroutine ended.
type unplaced struct {
	n, ns int64
	peak  overlap
}

// queuePlace is a place in the program where goroutines wait.
type queuePlace struct {
	id     int32
	name   string      // function and line
	known  *names.Pool // that it is, or nil
	reason model.Reason

	waits    stat.Sketch
	peak     overlap
	somebody int64      // ns in which somebody waited
	lastEnd  model.Time // of those waits
	first    int64      // waits of goroutines that had not waited there before, as far as is remembered
	open     int64      // waits that the trace's end cuts off

	letIn       int64 // waits that another goroutine ended
	byEachOther int64 // of those, by one that had been let in there itself
	byClosing   int64 // of those, by one that closed a channel: no other wait there is for that
	byStarted   int64 // of those, by one that the one who waited had started: it waits for a place for the next
	timedOut    int64 // waits that no goroutine ended: a timer did
	cancelled   int64 // waits that a cancelled context ended
	done        int64 // goroutines that had been let in and did nothing more than end

	stays  stat.Sketch // of those who were inside, as far as others waited
	inside overlap
	did    insideTimes // in stays

	bys     []letInBy // stacks that let in, at most queueBys
	longest queued
	worst   *stat.TopK[queued]
}

// queued is one wait.
type queued struct {
	start, end model.Time
	g, by      model.GoID
	fn, stack  uint32
}

// letInBy is how often a stack let somebody in.
type letInBy struct {
	stack uint32
	n     int64
}

// What those inside did while they did not run.
const (
	insideRunnable = iota
	insideSyscall
	insideNetwork
	insideBlocked
	insideRan // not kept: the rest
)

// insideWords say what of a stay they did.
var insideWords = [...]string{
	insideRunnable: "waiting for a P", insideSyscall: "in system calls", insideNetwork: "waiting for the network",
	insideBlocked: "blocked", insideRan: "running",
}

// insideTimes is time by what was done in it, but for running.
type insideTimes [insideRan]int64

// blocked is the time in which they could do nothing.
func (t *insideTimes) blocked() int64 { return t[insideNetwork] + t[insideBlocked] }

// insider is a goroutine that was let in at a place, or let in another there.
type insider struct {
	g     model.GoID
	place int32
	in    bool // it was let in, and has let in nobody yet
	since model.Time
	spent insideTimes // when that was
}

// spender is what a goroutine has done since it was first looked at.
type spender struct {
	g     model.GoID
	last  int32 // the place that it was let in at, if it has only run since
	spent insideTimes
}

func newQueuers(s *replay.Session) *queuers {
	q := &queuers{names: s.Names, byName: map[string]int32{}, starters: replay.Shared(s, waits.NewStarters)}
	q.starters.Each(q.took)
	q.starters.EachReady(q.took)
	return q
}

// took takes in a stretch of a goroutine.
func (q *queuers) took(iv *model.GInterval, _ *waits.Started) {
	if iv.State == model.GRunning && !iv.Exit {
		return
	}
	if q.spent != nil {
		q.spend(iv)
	}
	if iv.State == model.GWaiting && queueable[iv.Reason] {
		q.waited(iv)
	}
}

// queueable are the reasons for which goroutines wait in queues. Those of mutexes are
// the check lock's.
var queueable = [model.NumReasons]bool{model.ReasonChanSend: true, model.ReasonChanRecv: true, model.ReasonSelect: true, model.ReasonCond: true}

// spend adds a stretch to what its goroutine did, if that is looked at: one in which
// it did not run, or the last.
func (q *queuers) spend(iv *model.GInterval) {
	s := &q.spent[uint64(iv.G)%queueSlots]
	if s.g != iv.G {
		return
	}
	kind := insideBlocked
	switch {
	case iv.State == model.GRunning:
		if s.last > 0 && iv.End-iv.Start < queueGrain {
			q.places[s.last-1].done++
		}
		return
	case iv.State == model.GRunnable && iv.Woken:
		s.spent[insideRunnable] += int64(iv.End - iv.Start)
		return
	case iv.State == model.GRunnable:
		kind = insideRunnable
	case iv.State == model.GSyscall:
		kind = insideSyscall
	case iv.Reason == model.ReasonNetwork:
		kind = insideNetwork
	}
	s.spent[kind] += int64(iv.End - iv.Start)
	s.last = 0
}

// waited counts a wait, and who ended it.
func (q *queuers) waited(iv *model.GInterval) {
	if iv.Stack == 0 {
		q.unknown.add(iv)
		return
	}
	p := q.at(iv)
	if p == nil {
		return
	}
	p.count(iv)
	switch {
	case iv.Open&model.OpenEnd != 0:
		p.open++
	case iv.By == model.NoG:
		p.timedOut++
	case q.cancels.Of(q.names, iv.ByStack, cancelling):
		p.cancelled++
	default:
		p.letIn++
		p.tally(iv.ByStack)
		if q.closes.Of(q.names, iv.ByStack, names.Closes) {
			p.byClosing++
		}
		q.left(p, iv)
		if s := q.starters.Of(iv.By); s != nil && s.By == iv.G && !s.Gave {
			s.Gave = true
			p.gaveBack(s, iv.End)
		}
		q.enter(p, iv.By, iv.End, false)
		q.enter(p, iv.G, iv.End, true)
	}
}

func (u *unplaced) add(iv *model.GInterval) {
	if iv.By == model.NoG || iv.Open&model.OpenEnd != 0 {
		return
	}
	u.n++
	u.ns += int64(iv.End - iv.Start)
	u.peak.add(iv.Start, iv.End)
}

// count takes a wait in.
func (p *queuePlace) count(iv *model.GInterval) {
	d := int64(iv.End - iv.Start)
	p.waits.Add(d)
	if d >= queueGrain {
		p.peak.add(iv.Start, iv.End)
	}
	p.somebody += int64(max(0, iv.End-max(iv.Start, p.lastEnd)))
	p.lastEnd = max(p.lastEnd, iv.End)
	if p.waits.N() == 1 || d > int64(p.longest.end-p.longest.start) {
		p.longest = queuedOf(iv)
	}
	if p.worst.Admits(d) {
		p.worst.Offer(d, queuedOf(iv))
	}
}

func queuedOf(iv *model.GInterval) queued {
	return queued{iv.Start, iv.End, iv.G, iv.By, iv.Func, iv.Stack}
}

// left takes in that iv was let in by one that had been inside, if it is known since
// when. Of one that serves, only what another waited through all of tells how long it
// takes: else there may have been nobody to serve.
func (q *queuers) left(p *queuePlace, iv *model.GInterval) {
	x := q.insider(p, iv.By)
	if x == nil || !x.in && x.since < iv.Start {
		return
	}
	if x.in {
		p.byEachOther++
	}
	p.stays.Add(int64(iv.End - x.since))
	p.inside.add(x.since, iv.End)
	now := q.spending(iv.By)
	for k := range p.did {
		p.did[k] += max(0, now.spent[k]-x.spent[k])
	}
}

// gaveBack takes in that one was let in by a goroutine that it had started itself, which was
// inside from then on. One that does so again and again answers, and makes no room.
func (p *queuePlace) gaveBack(s *waits.Started, now model.Time) {
	stay := int64(now - s.Born)
	p.byStarted++
	p.stays.Add(stay)
	p.inside.add(s.Born, now)
	p.did[insideBlocked] += s.Stood()
	p.did[insideRunnable] += max(0, stay-s.Stood()-s.Ran(now))
}

// insider is what is remembered of a goroutine at a place, nil for nothing.
func (q *queuers) insider(p *queuePlace, g model.GoID) *insider {
	if q.insiders == nil {
		q.insiders, q.spent = make([]insider, queueSlots), make([]spender, queueSlots)
	}
	if x := q.slot(p, g); x.g == g && x.place == p.id {
		return x
	}
	return nil
}

// slot is where a goroutine at a place is remembered.
func (q *queuers) slot(p *queuePlace, g model.GoID) *insider {
	return &q.insiders[(uint64(g)+uint64(p.id)*0x9e3779b1)%queueSlots]
}

// enter notes since when a goroutine is inside of a place: it was let in, or is done
// with letting in another.
func (q *queuers) enter(p *queuePlace, g model.GoID, since model.Time, in bool) {
	if in && q.insider(p, g) == nil {
		p.first++
	}
	s := q.spending(g)
	if in {
		s.last = p.id
	}
	*q.slot(p, g) = insider{g, p.id, in, since, s.spent}
}

// spending is what a goroutine has done, which is looked at from now on.
func (q *queuers) spending(g model.GoID) *spender {
	s := &q.spent[uint64(g)%queueSlots]
	if s.g != g {
		*s = spender{g: g}
	}
	return s
}

// at is the place where a goroutine waited; nil for none.
func (q *queuers) at(iv *model.GInterval) *queuePlace {
	for int(iv.Stack) >= len(q.sites) {
		q.sites = append(q.sites, 0)
	}
	if q.sites[iv.Stack] == 0 {
		q.sites[iv.Stack] = q.find(iv)
	}
	if k := q.sites[iv.Stack]; k > 0 {
		return q.places[k-1]
	}
	return nil
}

// find looks for the place of a wait.
func (q *queuers) find(iv *model.GInterval) int32 {
	frames := q.names.Stacks[iv.Stack]
	name := names.WaitsAt(frames)
	if name == "" {
		return -1
	}
	if q.byName[name] == 0 {
		k := int32(len(q.places) + 1)
		q.places = append(q.places, &queuePlace{id: k, name: name, known: names.PoolOf(frames), reason: iv.Reason, worst: stat.NewTopK[queued](report.MaxMoments)})
		q.byName[name] = k
	}
	return q.byName[name]
}

// cancelling reports whether frames cancel a context: whoever waits then has given up.
func cancelling(frames []report.Frame) bool {
	return slices.ContainsFunc(frames, func(f report.Frame) bool { return strings.HasPrefix(f.Func, "context.(*cancelCtx).cancel") })
}

// tally counts who let in.
func (p *queuePlace) tally(stack uint32) {
	for i := range p.bys {
		if p.bys[i].stack == stack {
			p.bys[i].n++
			return
		}
	}
	if len(p.bys) < queueBys {
		p.bys = append(p.bys, letInBy{stack, 1})
	}
}

// by is the stack that let in most often, 0 for none.
func (p *queuePlace) by() uint32 {
	var most letInBy
	for _, b := range p.bys {
		if b.n > most.n && b.stack != 0 {
			most = b
		}
	}
	return most.stack
}

// function is the place's, without its line.
func (p *queuePlace) function() string { return p.name[:strings.LastIndexByte(p.name, ':')] }

// is reports whether it is the place of a root's site: of a pool, whichever line of it.
func (p *queuePlace) is(site string) bool {
	return site == p.name || p.known != nil && strings.HasPrefix(site, p.function()+":")
}

// onCPU is, of the stays, the time in which they ran or waited for a P.
func (p *queuePlace) onCPU() int64 {
	return p.stays.Sum() - p.did.blocked() - p.did[insideSyscall]
}

// mostly is what those inside did for longest, and for how long.
func (p *queuePlace) mostly() (kind int, ns int64) {
	kind, ns = insideRan, p.stays.Sum()
	for _, d := range p.did {
		ns -= d
	}
	for k, d := range p.did {
		if d > ns {
			kind, ns = k, d
		}
	}
	return kind, ns
}

// overlap counts how many of the stretches that it is told overlap, which come in the
// order of their ends.
type overlap struct {
	ends []model.Time // of those that overlap with the last
	most int          // at most queuePeak
}

func (o *overlap) add(start, end model.Time) {
	o.ends = slices.DeleteFunc(o.ends, func(end model.Time) bool { return end <= start })
	if len(o.ends) < queuePeak {
		o.ends = append(o.ends, end)
	}
	o.most = max(o.most, len(o.ends))
}
