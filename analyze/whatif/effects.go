package whatif

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/analyze/words"
	"gmptrace/model/simulate"
)

// Changed is a program that was changed, simulated beside the recorded one: with the same
// Ps, so that what the simulation does otherwise than the machine is in both.
type Changed struct {
	Kind       ChangeKind `json:"kind"`
	Name       string     `json:"name"`       // of the function; of what was asked for the words
	By         float64    `json:"by_share"`   // which share of its time goes; 1 is all
	Asked      bool       `json:"asked"`      // by flags, or Settings.Change; else it is one of the table
	Time       int64      `json:"time_ns"`    // that is so in the trace, of all goroutines together: computing, waits or calls
	Share      float64    `json:"time_share"` // of all computing; of locks and calls, of the run
	Samples    int64      `json:"samples"`    // of the CPU profiler that tell so; 0 without
	Saved      int64      `json:"saved_ns"`   // what is left out, of all goroutines together
	Run        Shift      `json:"makespan"`
	Of         []Effect   `json:"effects"` // on requests and tasks, those that take most time together first
	Confidence Confidence `json:"confidence"`
	Doubt      string     `json:"doubt"` // why not more, "" for good
	Text       string     `json:"text"`
	About      ChangeKind `json:"about"` // Kind, or of what was asked what it changes, if that is one kind of things
}

// take takes in what was found of a function, and returns by which share that may be otherwise.
func (x *Changed) take(f found) (off float64) {
	x.Time, x.Samples = f.ns, f.samples
	return f.off()
}

// ChangeKind is what is changed.
type ChangeKind string

// The kinds.
const (
	ChangeAsked    ChangeKind = "asked" // several things, or what is named by an expression
	ChangeFunction ChangeKind = "function"
	ChangeLock     ChangeKind = "lock" // by the function that locks
	ChangeSyscall  ChangeKind = "syscall"
	ChangeGC       ChangeKind = "collector"
	ChangePool     ChangeKind = "pool" // of workers, of which there are twice as many
)

// Effect is what a change does to the requests of a handler, or the tasks of a name.
type Effect struct {
	Kind  string `json:"kind"` // request or task
	Name  string `json:"name"` // "" where no handler shows
	Count int64  `json:"count"`
	P50   Shift  `json:"p50"`
	P90   Shift  `json:"p90"`
	P99   Shift  `json:"p99"`

	Chance bool `json:"by_chance"` // which of the handler's requests show it is chance: not to be relied on
}

// Shift is a length before and after. Both are simulated, and medians over the seeds.
type Shift struct {
	Recorded int64   `json:"recorded_ns"`
	Before   int64   `json:"before_ns"`
	After    int64   `json:"after_ns"`
	Change   float64 `json:"change_share"` // of Before
	Low      float64 `json:"low_share"`    // over the seeds, and by how well it is known who computed
	High     float64 `json:"high_share"`
	Agreed   bool    `json:"agreed"`    // by all seeds: shorter, or longer
	Known    bool    `json:"known"`     // the simulation comes to what was recorded, within 30 %, and the length is one of many enough: else the change says nothing
	Off      float64 `json:"off_share"` // by which share it does not, whichever way: where the recorded run lacked CPUs, by the self-check
}

// Limits of what is simulated for changes.
const (
	mostEffects  = 12         // handlers and tasks that are told of
	mostRows     = 8          // of the table
	tableSeeds   = 3          // simulations of each of its cells
	changesLimit = 30_000_000 // steps that are simulated for the table
	rowLeast     = .01        // share of computing, or of the run, that a row must have
)

// levels are by how much what the table names gets cheaper.
var levels = []float64{.2, .5}

// trial is a simulation in which requests and tasks are followed.
type trial struct {
	makespan int64
	of       []stat.Sketch // by group
}

// try simulates a change with so many seeds.
func (w *prediction) try(ctx context.Context, a *attribution, ch *changing, seeds int) ([]trial, error) {
	cpus := w.c.cpus
	if w.x.Machine == nil {
		cpus = nil
	}
	load := w.c.workload(cpus, ch)
	if w.x.Machine != nil {
		got := 1 - w.x.Machine.lacked()
		for i := range load.Cycles {
			load.Cycles[i].Work = int64(float64(load.Cycles[i].Work) * got)
		}
	}
	for i := range load.Cycles {
		load.Cycles[i].Work = int64(float64(load.Cycles[i].Work) * (1 - ch.gcBy))
		load.Cycles[i].STW = int64(float64(load.Cycles[i].STW) * (1 - ch.gcBy))
	}
	follow := a.follows()
	if ch.lock != nil && !a.showsOtherwise() {
		follow.stood = nil // of who no longer waits no trace would show the handler
	}
	var out []trial
	for seed := range seeds {
		cfg := simulate.DefaultConfig(w.procs)
		cfg.Costs, cfg.Alert, cfg.Seed = w.costs, w.rules.SysmonAlert, uint64(seed+1)
		cfg.Room = &w.room
		t := trial{of: follow.in(&cfg)}
		long := false
		cfg.Stop = func(events int64) bool { long = events > enough(load); return long || ctx.Err() != nil }
		r := simulate.Run(load, cfg)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if long {
			return nil, errTooLong
		}
		t.makespan = r.Makespan
		out = append(out, t)
	}
	return out, nil
}

// changes simulates what was asked for or, without that, what has most time.
func (w *prediction) changes(ctx context.Context) error {
	if w.x.Check.Confidence == ConfidenceNone || w.set.NoChanges {
		return nil
	}
	a := w.a
	if !w.set.Change.none() {
		return w.asked(ctx, a)
	}
	err := w.table(ctx, a)
	if errors.Is(err, errTooLong) {
		w.x.Changes, err = nil, nil // nobody asked for it
	}
	return err
}

func (w *prediction) asked(ctx context.Context, a *attribution) error {
	if err := w.c.checkPools(w.set.Change.Pools); err != nil {
		return err
	}
	if w.set.Change.GC == GCTo && len(w.c.cycles) > 0 && w.c.gogc() == 0 {
		return errNoGOGC
	}
	seeds := cmp.Or(max(w.set.Seeds, 0), DefaultSeeds)
	before, err := w.try(ctx, a, a.changing(), seeds)
	if err != nil {
		return err
	}
	c := &w.set.Change
	ch := a.changed(c, false)
	after, err := w.try(ctx, a, ch, seeds)
	if err != nil {
		return err
	}
	x := Changed{Kind: ChangeAsked, Name: c.words(), Asked: true, About: c.about()}
	if len(c.Faster) > 0 {
		x.By = c.Faster[0].By
	}
	off := w.foundOf(a, c, &x)
	w.compare(a, ch, before, after, off, &x)
	if len(c.Faster) == 1 && c.WithoutLock == nil && c.WithoutSyscall == nil && c.GC == GCAsRecorded && len(c.Pools) == 0 && x.By < 1 {
		free := Changed{Kind: ChangeAsked, Name: c.words() + ", were it free", By: 1, Asked: true, About: c.about(), Time: x.Time, Share: x.Share, Samples: x.Samples}
		ch := a.changed(c, true)
		after, err := w.try(ctx, a, ch, seeds)
		if err != nil {
			return err
		}
		w.compare(a, ch, before, after, off, &free)
		w.x.Changes = append(w.x.Changes, x, free)
		return nil
	}
	w.x.Changes = append(w.x.Changes, x)
	return nil
}

// about is the one kind of things that is changed, ChangeAsked for several.
func (c *Change) about() ChangeKind {
	kind, n := ChangeAsked, len(c.Pools)
	for k, asked := range map[ChangeKind]bool{ChangeFunction: len(c.Faster) > 0, ChangeLock: c.WithoutLock != nil, ChangeSyscall: c.WithoutSyscall != nil, ChangeGC: c.GC != GCAsRecorded} {
		if asked {
			kind, n = k, n+1
		}
	}
	if n > 1 {
		return ChangeAsked
	}
	return kind
}

// words say what is changed.
func (c *Change) words() string {
	var out []string
	for _, f := range c.Faster {
		out = append(out, fmt.Sprintf("%s %s cheaper", f.Func, words.Share(f.By)))
	}
	if c.WithoutLock != nil {
		out = append(out, fmt.Sprintf("without waits for locks in %s", c.WithoutLock))
	}
	if c.WithoutSyscall != nil {
		out = append(out, fmt.Sprintf("without system calls of %s", c.WithoutSyscall))
	}
	switch c.GC {
	case GCOff:
		out = append(out, "without the collector")
	case GCHalf:
		out = append(out, "with half of the collections")
	case GCTo:
		out = append(out, fmt.Sprintf("with GOGC=%d", c.GOGC))
	}
	for _, p := range c.Pools {
		out = append(out, fmt.Sprintf("%s of %s", words.Plural(int64(p.Workers), "worker"), p.Func))
	}
	return strings.Join(out, ", ")
}

// foundOf says how much of the trace a change is about, and by which share that may be otherwise.
func (w *prediction) foundOf(a *attribution, c *Change, x *Changed) (off float64) {
	if len(c.Faster) > 0 {
		off = x.take(a.matched(stacksWith(a.c.names, func(fn string) bool {
			return slices.ContainsFunc(c.Faster, func(f Faster) bool { return f.Func.MatchString(fn) })
		})))
		x.Share = float64(x.Time) / float64(max(a.all, 1))
		return off
	}
	ch := a.changed(c, false)
	x.Time = a.stood(ch.spares) + a.stood(func(s *ownAt) bool { return ch.stands(s) < s.to-s.from })
	if c.GC != GCAsRecorded {
		x.Time += w.collected()
	}
	x.Share = float64(x.Time) / float64(max(w.x.Recorded.Makespan, 1))
	return 0
}

// collected is how long the collector's workers and those who helped them marked.
func (w *prediction) collected() int64 {
	ns := int64(0)
	for _, c := range w.c.cycles {
		ns += c.Work
	}
	return ns
}

// spared is how much of the collector's work a change leaves out.
func (w *prediction) spared(ch *changing) int64 {
	ns := float64(0)
	for i, c := range w.c.cycles {
		if ch.collects(i) {
			ns += float64(c.Work) * ch.gcBy
		} else {
			ns += float64(c.Work)
		}
	}
	return int64(ns)
}

// stood is how long goroutines of the program stood where it is so.
func (a *attribution) stood(so func(s *ownAt) bool) int64 {
	ns := int64(0)
	for _, g := range a.c.order {
		if g.runtime || g.worker {
			continue
		}
		for s := range g.steps() {
			if s.kind != ownRun && s.kind != ownAssist && so(&s) {
				ns += int64(s.to - s.from)
			}
		}
	}
	return ns
}

// compare fills in what a change does, of which off is by which share it may be more or less.
func (w *prediction) compare(a *attribution, ch *changing, before, after []trial, off float64, x *Changed) {
	x.Saved = ch.cut + w.spared(ch)
	x.Run = compareSeeds(before, after, off, func(t *trial) int64 { return t.makespan })
	x.Run.Recorded = w.x.Recorded.Makespan
	x.Run.Known = w.reproduces(&x.Run, w.error)
	x.Of = []Effect{}
	for k, n := range a.mostTime() {
		in := &a.groups[n]
		e := Effect{Kind: in.kind, Name: in.name, Count: int64(len(in.of)), Chance: in.chance}
		var rec stat.Sketch
		for _, ns := range in.recorded {
			rec.Add(ns)
		}
		for i, to := range [...]*Shift{&e.P50, &e.P90, &e.P99} {
			*to = compareSeeds(before, after, off, func(t *trial) int64 { return t.of[n].Quantile(quantiles[i]) })
			to.Recorded = rec.Quantile(quantiles[i])
			to.Known = w.reproduces(to, w.x.Check.Of[k].off(i)) && float64(e.Count)*(1-quantiles[i]) >= enoughBeyond && !a.mixed(n)
		}
		x.Of = append(x.Of, e)
	}
	if w.touchesNew(x) {
		x.forget()
	}
	w.sureOf(a, x)
	x.tell(w.resizes(x))
}

// mixed reports whether a group is of requests that show no handler, beside some that do: of
// which of them its median is then is chance.
func (a *attribution) mixed(n int) bool {
	in := &a.groups[n]
	return in.kind == string(report.KindRequest) && in.name == "" && slices.ContainsFunc(a.groups, func(o instances) bool { return o.kind == in.kind && o.name != "" })
}

// mostTime are the groups of requests and tasks that take most time together.
func (a *attribution) mostTime() []int {
	var order []int
	sum := make([]int64, len(a.groups))
	for n := range a.groups {
		order = append(order, n)
		for _, ns := range a.groups[n].recorded {
			sum[n] += ns
		}
	}
	slices.SortFunc(order, func(i, j int) int {
		return cmp.Or(cmp.Compare(sum[j], sum[i]), cmp.Compare(a.groups[i].kind, a.groups[j].kind), cmp.Compare(a.groups[i].name, a.groups[j].name))
	})
	return order[:min(len(order), mostEffects)]
}

// compareSeeds tells a figure before and after: pairs of one seed are compared.
func compareSeeds(before, after []trial, off float64, figure func(*trial) int64) Shift {
	var b, c []int64
	var d []float64
	for i := range before {
		was, is := figure(&before[i]), figure(&after[i])
		b, c = append(b, was), append(c, is)
		d = append(d, difference(is, was))
	}
	slices.Sort(b)
	slices.Sort(c)
	slices.Sort(d)
	s := Shift{Before: b[len(b)/2], After: c[len(c)/2], Change: d[len(d)/2], Low: d[0], High: d[len(d)-1]}
	s.Agreed = s.Low >= 0 || s.High <= 0
	s.Low = max(-1, min(s.Low, s.Change*(1+off), s.Change-leastOff))
	s.High = max(s.High, s.Change*(1-off), s.Change+leastOff)
	return s
}

// leastOff is by how much a change that is predicted is likely to be off at the least, as a share
// of the length before it: of six programs that were really changed, on a machine that others
// used too, nine of ten effects were within that (make whatif-accuracy).
const leastOff = .1

// Limits of how far requests that are simulated as they were may be from those recorded, and
// of how few samples may tell of a function.
const (
	goodRequests = .15
	fairRequests = .3
	goodSamples  = 100
	fairSamples  = 20
)

// reproduces reports whether the simulation comes to what was recorded. Where the machine gave too
// little of its CPUs to the recorded run, that of the run as it was must, by the self-check.
func (w *prediction) reproduces(s *Shift, check float64) bool {
	if s.Off = math.Abs(difference(s.Before, s.Recorded)); w.x.Machine.lacked() >= givenLeast {
		s.Off = check
	}
	return s.Before > 0 && s.Off <= fairRequests
}

// sureOf says how sure the effects that are told are, and what weighs most against more.
func (w *prediction) sureOf(a *attribution, x *Changed) {
	x.Confidence, x.Doubt = ConfidenceGood, ""
	less := func(when bool, level Confidence, why string) {
		if when && lessSure(x.Confidence, level) != x.Confidence {
			x.Confidence, x.Doubt = lessSure(x.Confidence, level), why
		}
	}
	worst, wide := 0.0, 0.0
	for _, s := range x.told() {
		if s.Clear() {
			wide = max(wide, s.High-s.Low)
		}
		worst = max(worst, s.Off)
	}
	asked := w.askedOf(x)
	function := len(asked.Faster) > 0 || x.Kind == ChangeFunction
	samples := words.Plural(x.Samples, "sample") + " of the CPU profiler tell of it"
	less(w.error > .1, ConfidencePoor, "the self-check failed")
	less(wide > poorWidth, ConfidencePoor, "it differs much from one simulation to another")
	less(w.kept(), ConfidencePoor, keptText)
	less(w.touchesNew(x), ConfidencePoor, newMemory)
	less(len(x.told()) == 0 && len(x.telling()) > 0, ConfidencePoor, shownByChance)
	less(len(x.told()) == 0, ConfidencePoor, "the simulation does not come to what was recorded")
	less(w.c.signalled(), ConfidencePoor, signalledText)
	less(function && a.sampled && x.Samples < fairSamples, ConfidencePoor, "only "+samples)
	less(w.x.Machine.lacked() >= mostLacked, ConfidencePoor, "so much of the time on Ps passed without a CPU that the rest tells little")
	less(function && !a.sampled, ConfidenceFair, "the trace has no CPU profile, so that where goroutines stopped has to tell who computed")
	less(function && x.Samples < goodSamples && a.sampled, ConfidenceFair, samples)
	less(worst > goodRequests, ConfidenceFair, fmt.Sprintf("what was recorded comes out up to %s otherwise", words.Share(worst)))
	less(wide > fairWidth, ConfidenceFair, "it differs from one simulation to another")
	less(w.error > .05, ConfidenceFair, "the self-check is off by more than 5 %")
	less(x.Kind == ChangeLock || asked.WithoutLock != nil, ConfidenceFair, "who did not wait leaves no trace, and other locks may be waited for instead")
	less(w.resizes(x) && !w.c.shown(asked.Pools), ConfidencePoor, "what a worker took without waiting for it counts as part of the job before, and would go to others")
	less(w.resizes(x) || x.Kind == ChangePool, ConfidenceFair, "what a worker took without waiting for it shows only where somebody waited to give it, or where it is a task")
	less(asked.GC == GCTo && a.c.cpus.GOGC() == 0, ConfidenceFair, fmt.Sprintf("what GOGC was is told by the heap's goals alone: about %.0f", a.c.gogc()))
	less(x.Kind == ChangeGC || asked.GC != GCAsRecorded, ConfidencePoor, newMemory)
}

// askedOf is what was asked for, nothing of a row of the table.
func (w *prediction) askedOf(x *Changed) *Change {
	if x.Asked {
		return &w.set.Change
	}
	return &Change{}
}

const shownByChance = "only requests that waited for a lock, or were seen computing, show their handler, and in another order of things others do"

const newMemory = "a program whose memory is not used again touches new memory instead, and what that costs is not in a trace"

// What touching a page of new memory may take: of a program whose collector was really
// switched off, on a virtual machine, it took 1.5 µs (make whatif-accuracy).
const (
	pageBytes = 4096
	pageMost  = 2_000 // ns
)

// touchesNew reports whether a change leaves so many collections out that new memory may cost
// more than is gained.
func (w *prediction) touchesNew(x *Changed) bool {
	c, left := w.askedOf(x), 0.0
	switch h := w.c.heap; {
	case h.Room.N() == 0:
		return false
	case c.GC == GCOff:
		left = 1
	case c.GC == GCHalf:
		left = .5
	case c.GC == GCTo && float64(c.GOGC) > w.c.gogc():
		left = 1 - w.c.gogc()/float64(c.GOGC)
	}
	gain := float64(x.Run.Before-x.Run.After) * float64(w.procs)
	for i := range x.Of {
		e := &x.Of[i]
		gain = max(gain, float64(e.P50.Before-e.P50.After)*float64(e.Count))
	}
	return left > 0 && left*float64(w.freed())/pageBytes*pageMost > gain
}

// freed is about how many bytes collections gave back: what the heap grew by from one to the next.
func (w *prediction) freed() int64 {
	h := w.c.heap
	if h.Room.N() == 0 {
		return 0
	}
	return h.Live.Quantile(.5) * h.Room.Quantile(.5) / 1000 * int64(len(w.c.cycles))
}

// forget leaves open what changes.
func (x *Changed) forget() {
	x.Run.Known = false
	for i := range x.Of {
		e := &x.Of[i]
		e.P50.Known, e.P90.Known, e.P99.Known = false, false, false
	}
}

// telling are the effects that a sentence tells: those that change most clearly first, then what
// takes most time.
func (x *Changed) telling() []*Effect {
	var out []*Effect
	for i := range x.Of {
		if e := &x.Of[i]; e.most() != nil {
			out = append(out, e)
		}
	}
	clear := func(e *Effect) float64 {
		if s := e.most(); s.Clear() {
			return math.Abs(s.Change)
		}
		return 0
	}
	slices.SortStableFunc(out, func(a, b *Effect) int { return cmp.Compare(clear(b), clear(a)) })
	return out[:min(len(out), toldEffects)]
}

// told are the changes that a sentence tells and vouches for.
func (x *Changed) told() []*Shift {
	var out []*Shift
	for _, e := range x.telling() {
		if e.Chance {
			continue
		}
		tail, _ := e.tail()
		for _, s := range []*Shift{&e.P50, tail} {
			if s != nil && s.Known {
				out = append(out, s)
			}
		}
	}
	if len(out) == 0 && len(x.Of) == 0 && x.Run.Known {
		out = append(out, &x.Run)
	}
	return out
}

// toldEffects is of how many handlers and tasks a sentence tells.
const toldEffects = 2

// tail is the length that stands for the slow ones, with its name: the one that changes more;
// nil for too few.
func (e *Effect) tail() (*Shift, string) {
	switch {
	case e.P90.Known && (!e.P99.Known || e.P90.Clear() && math.Abs(e.P90.Change) > math.Abs(e.P99.Change)+clearly):
		return &e.P90, "p90"
	case e.P99.Known:
		return &e.P99, "p99"
	}
	return nil, ""
}

// most is what changes most, of what is known; nil for nothing.
func (e *Effect) most() *Shift {
	var most *Shift
	for _, s := range []*Shift{&e.P50, &e.P90, &e.P99} {
		if s.Known && (most == nil || s.Clear() && math.Abs(s.Change) > math.Abs(most.Change)) {
			most = s
		}
	}
	return most
}

// resizes reports whether pools of workers are to have another size.
func (w *prediction) resizes(x *Changed) bool { return x.Asked && len(w.set.Change.Pools) > 0 }

// tell says it in a sentence. Of a pool's size no time tells.
func (x *Changed) tell(resizes bool) {
	if x.Time == 0 && !resizes {
		x.Text = fmt.Sprintf("%s: %s in the trace, so that nothing is predicted to change.", x.Name, x.absent())
		x.Confidence, x.Doubt = ConfidencePoor, "what does not stop and is not sampled does not show"
		return
	}
	x.Text = x.Name + ": "
	if x.Kind != ChangeAsked {
		x.Text = x.does() + ": "
	}
	x.Text += x.effects()
	if x.Confidence == ConfidencePoor {
		x.Text += ". Not to be relied on"
	} else {
		x.Text += ". How sure: " + string(x.Confidence)
	}
	if x.Doubt != "" {
		x.Text += ", as " + x.Doubt
	}
	x.Text += "."
}

// absent says what there is none of, where nothing shows of what is changed.
func (x *Changed) absent() string {
	switch x.About {
	case ChangeFunction:
		return "no goroutine was seen in such a function"
	case ChangeLock:
		return "no goroutine waits for such a lock"
	case ChangeSyscall:
		return "no goroutine was seen in such a system call"
	case ChangeGC:
		return "there is no collection"
	}
	return "nothing of it shows"
}

// effects says what changes, of what takes most time.
func (x *Changed) effects() string {
	var parts []string
	for _, e := range x.telling() {
		parts = append(parts, e.words())
	}
	switch {
	case len(parts) > 0:
		return strings.Join(parts, "; ")
	case len(x.Of) > 0:
		return "what it does to requests and tasks is not told"
	case x.Run.Known:
		return "the run " + x.Run.words()
	}
	return "what it does to the run is not told"
}

// does says what is changed, of a row of the table.
func (x *Changed) does() string {
	switch x.Kind {
	case ChangeLock:
		return "without waits for locks in " + x.Name
	case ChangePool:
		return fmt.Sprintf("twice as many workers of %s", x.Name)
	case ChangeSyscall:
		return fmt.Sprintf("system calls of %s %s shorter", x.Name, words.Share(x.By))
	}
	return fmt.Sprintf("%s %s cheaper", x.Name, words.Share(x.By))
}

// Called is what an effect is on.
func (e *Effect) Called() string { return called(e.Kind, e.Name) }

// words say what changes for the typical and the slow ones, one of which must be known.
func (e *Effect) words() string {
	var parts []string
	tail, name := e.tail()
	if e.P50.Known {
		parts = append(parts, "p50 "+e.P50.words())
	}
	if tail != nil && len(parts) > 0 && !e.P50.Clear() && !tail.Clear() {
		parts[0] = "p50 and " + name + " " + tail.words()
	} else if tail != nil {
		parts = append(parts, name+" "+tail.words())
	}
	text := e.Called() + " " + strings.Join(parts, ", ")
	if e.Chance {
		text += ", which is not sure, as it shows by chance"
	}
	return text
}

// clearly is the change below which there is none to speak of: lengths are counted in bins of
// 1.6 %.
const clearly = .02

// Clear reports whether it is shorter or longer afterwards, by all seeds.
func (s *Shift) Clear() bool {
	return math.Abs(s.Change) >= clearly && s.Agreed
}

// words say what changes, and in which range that likely lies.
func (s *Shift) words() string {
	if !s.Clear() {
		return "about as before"
	}
	return fmt.Sprintf("%s (likely %s)", moved(s.Change), s.Likely())
}

// changeDetail says how much of the trace the change is about, and the bound.
func (w *prediction) changeDetail() string {
	x := &w.x.Changes[0]
	if c := w.set.Change; w.resizes(x) && x.Time == 0 {
		return w.c.poolDetail(c.Pools)
	}
	if x.Time == 0 {
		return ""
	}
	text := w.aboutWhat(x)
	if len(w.x.Changes) > 1 && len(w.x.Changes[1].told()) > 0 {
		text += ". Were it free, which is the most there is to gain: " + w.x.Changes[1].effects()
	}
	return text + "."
}

// aboutWhat says how much of the trace a change is about, and what it leaves out.
func (w *prediction) aboutWhat(x *Changed) string {
	if len(w.set.Change.Faster) > 0 {
		text := fmt.Sprintf("What matches is %s of computing, %s of all, and %s of it are left out", words.Length(x.Time), words.Share(x.Share), words.Length(x.Saved))
		if x.Samples > 0 {
			text += fmt.Sprintf("; %s of the CPU profiler tell so", words.Plural(x.Samples, "sample"))
		} else {
			text += ", half of it by where goroutines began to compute and half by where they stopped, as the trace has no CPU profile"
		}
		return text
	}
	if w.set.Change.GC == GCOff {
		return fmt.Sprintf("The collector computed for %s in all, which is left out, and freed about %s, which would stay: without it memory grows by that in each %s", words.Length(x.Time), words.Bytes(w.freed()), words.Length(w.x.Recorded.Makespan))
	}
	if x.Saved < 0 {
		return fmt.Sprintf("The collector computed for %s in all: it adds %s", words.Length(x.Time), words.Length(-x.Saved))
	}
	return fmt.Sprintf(map[ChangeKind]string{
		ChangeLock:    "Goroutines waited %s in all for these locks: it leaves out %s",
		ChangeSyscall: "Goroutines were in these system calls for %s in all: it leaves out %s",
		ChangeGC:      "The collector computed for %s in all: it leaves out %s",
		ChangeAsked:   "It is about %s that goroutines waited, were in system calls or collected, all together, and leaves out %s",
	}[x.About], words.Length(x.Time), words.Length(x.Saved))
}
