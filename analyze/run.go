package analyze

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"gmptrace/model"
)

// run is one analysis under way: the replay and its collectors. It comes to
// life with the first batch, which tells when the trace began.
type run struct {
	replay *replay
	names  *names
	format string
	rules  model.Rules

	clock *clockSnapshot

	gomaxprocs *gomaxprocs
	latency    *latency
	episodes   *episodes
	procs      *procs
	gc         *gc
	preempts   *preemptions
	handoffs   *handoffs
	longRuns   *longRuns
	disk       *disk
	functions  *functions
	blame      *blame
	chains     *chains
	locks      *locks
	netpolls   *netpolls
	locked     *locked
	bursts     *bursts
	leaks      *leaks
	timers     *timers
	stalls     *stalls
	stolen     *stolen
	old        bool // a trace of a version before those whose rules are known

	// begun, where set, may change the collectors before the first event.
	begun func(*run)
}

// take plays one batch.
func (r *run) take(b *batch, opt Options) error {
	if len(b.events) == 0 && r.replay == nil {
		return nil
	}
	if r.replay == nil {
		if err := r.begin(b, opt); err != nil {
			return err
		}
	}
	if r.clock == nil {
		r.clock = b.clock
	}
	return r.replay.play(b)
}

// begin sets up the replay: the first batch tells the trace's format, time and
// clock.
func (r *run) begin(b *batch, opt Options) error {
	r.format, r.clock = b.format, b.clock
	minor, err := minorVersion(opt.GoVersion)
	if err != nil {
		return err
	}
	if minor == 0 {
		minor, _ = minorVersion(strings.TrimPrefix(b.format, "go "))
	}
	r.rules = model.RulesFor(minor)
	zero := b.events[0].Time
	n, w := &names{}, &window{zero, forever}
	rp := &replay{sched: model.New(r.rules, 0), numbering: newNumbering(), names: n, window: w, cut: opt.Cut}
	rp.cutAt = rp.nextCut()

	r.names = n
	r.gomaxprocs = &gomaxprocs{zero: zero, window: w}
	r.functions = &functions{names: n}
	r.latency = &latency{zero: zero, functions: r.functions}
	r.episodes = &episodes{names: n, zero: zero, worst: newTopK[*episode](maxEpisodes)}
	r.procs = &procs{window: w}
	r.procs.wastes.worst = newTopK[model.Waste](maxMoments)
	r.gc = &gc{names: n, zero: zero, window: w, kinds: map[int64]*STWKind{},
		sweeps: map[model.ProcID]model.Time{}, longest: newTopK[GCRange](MaxRanges), worstSTW: newTopK[stwPause](maxMoments), assists: newTopK[model.GInterval](maxMoments)}
	r.preempts = &preemptions{worst: newTopK[model.Preempt](maxMoments)}
	r.handoffs = &handoffs{worst: newTopK[model.Handoff](maxMoments)}
	r.longRuns = &longRuns{worst: newTopK[model.PInterval](maxMoments), overran: newTopK[longRun](maxMoments)}
	r.disk = &disk{names: n, places: map[uint32]*callPlace{}, worst: newTopK[slowFileCall](maxMoments)}
	r.old = minor < model.OldestRules
	r.watchIncidents(zero, w)
	rp.collectors = []collector{
		r.gomaxprocs, r.functions, r.latency, r.episodes, r.procs, r.gc, r.preempts, r.handoffs, r.longRuns, r.disk,
		r.blame, r.chains, r.locks, r.netpolls, r.locked, r.bursts, r.leaks, r.stalls, r.stolen,
		r.timers, // after blame: it asks what the Ps did
		&dispatches{steals: map[[2]model.ProcID]int64{}},
		&threads{zero: zero},
		newRules(n, zero, r.old),
		&tasks{names: n, zero: zero, window: w, open: map[int64]openTask{}, by: map[int64]*taskTime{}},
		newOverview(n, r.gc), // after gc: it draws what gc found
	}
	rp.collectors[len(rp.collectors)-1].(*overview).zero = zero
	if opt.Explain {
		rp.collectors = append(rp.collectors, newSlowOnes(n, w, zero, opt))
		rp.sched.Begun = true
	}
	if opt.Slices > 0 {
		rp.sched.Depths = true
		rp.collectors = append(rp.collectors, &tracker{names: n, zero: zero, latency: r.latency, budget: opt.Slices, around: opt.Around,
			begun: map[model.GoID]model.Time{}})
	}
	if opt.Spans {
		rp.collectors = append(rp.collectors, newSpans(n, zero, w))
	}
	r.replay = rp
	if r.begun != nil {
		r.begun(r)
	}
	return r.setWindow(opt, zero)
}

// watchIncidents sets up the collectors that only checks ask.
func (r *run) watchIncidents(zero model.Time, w *window) {
	r.blame = newBlame()
	r.chains = &chains{worst: newTopK[chain](maxMoments)}
	r.locks = &locks{names: r.names, mutexes: &lockSites{names: r.names}, byName: map[string]int32{}}
	r.netpolls = newNetpolls(r.blame)
	r.locked = &locked{worst: newTopK[model.GInterval](maxMoments)}
	r.bursts = &bursts{zero: zero, worst: newTopK[burst](maxMoments)}
	r.leaks = &leaks{names: r.names, window: w}
	r.timers = newTimers(r.blame)
	r.stolen = &stolen{names: r.names, open: map[model.GoID]int{}}
	r.stalls = &stalls{zero: zero, last: zero, out: stallSum{worst: newTopK[stall](maxMoments)}}
}

// minorVersion reads "1.26", "go1.26.3" or "26"; 0 for "".
func minorVersion(s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	v := strings.TrimPrefix(strings.TrimPrefix(s, "go"), "1.")
	v, _, _ = strings.Cut(v, ".")
	n, err := strconv.Atoi(v)
	if err != nil || n < 5 || n > 99 {
		return 0, fmt.Errorf("%q is not a Go version: want one like 1.26", s)
	}
	return n, nil
}

// setWindow turns Options.From and To into times of the trace.
func (r *run) setWindow(opt Options, zero model.Time) error {
	if !opt.From.Set && !opt.To.Set {
		return nil
	}
	var clock time.Time
	var at model.Time
	if r.clock != nil {
		clock, at = r.clock.wall, r.clock.trace
	}
	if clock.IsZero() && (!opt.From.Clock.IsZero() || !opt.To.Clock.IsZero()) {
		return fmt.Errorf("%s: this trace has no wall-clock times (they came with Go 1.25): give offsets such as 1.5s", opt.Name)
	}
	from, to := zero, forever
	if opt.From.Set {
		from = bound(opt.From, zero, at, clock)
	}
	if opt.To.Set {
		to = bound(opt.To, zero, at, clock)
	}
	if to <= from {
		return fmt.Errorf("%s: the part to analyse ends before it begins", opt.Name)
	}
	*r.replay.window, r.replay.clip = window{max(from, zero), to}, true
	return nil
}

func (r *run) finish() {
	if r.replay != nil {
		r.replay.finish()
	}
}

// stop ends what finish has not ended because the trace could not be read.
func (r *run) stop() {
	if r.replay != nil {
		r.replay.stop()
	}
}

// report fills in what load did not know, asks every collector and every check.
func (r *run) report(rep *Report, opt Options) error {
	if r.replay == nil {
		r.noEvents(rep)
		return nil
	}
	if err := r.describe(&rep.Trace, opt); err != nil {
		return err
	}
	for _, c := range r.replay.collectors {
		c.report(rep)
	}
	r.check(rep)
	if rep.Timeline != nil {
		rep.Timeline.favor(rep.Moments())
	}
	return nil
}

// describe fills in what load did not know of the trace.
func (r *run) describe(t *Trace, opt Options) error {
	rp := r.replay
	t.DurationNS = int64(rp.end - rp.start)
	t.From, t.To = 0, t.DurationNS
	if rp.clip {
		t.From, t.To = int64(rp.window.from-rp.start), min(t.DurationNS, int64(rp.window.to-rp.start))
		if t.From >= t.DurationNS {
			return fmt.Errorf("%s: the part to analyse lies outside of the trace, which is %s long", opt.Name, dur(t.DurationNS))
		}
	}

	if r.clock != nil {
		t.Start = r.clock.at(rp.start).UTC().Format("2006-01-02T15:04:05.000000000Z07:00")
	}
	t.Goroutines, t.LivePeak = rp.sched.Seen()
	t.Program = r.names.program()
	t.Race = r.names.race() || rp.sched.Shuffled()
	r.identify(t, opt)
	return nil
}

// identify says which Go version's rules were applied, and why.
func (r *run) identify(t *Trace, opt Options) {
	t.GoVersion = r.rules.String()
	seen := r.names.versionFromStacks()
	switch {
	case opt.GoVersion != "":
		t.GoAssumed = "given on the command line"
	case t.Format == "go 1.23" && seen == 24:
		t.GoVersion, t.GoAssumed = "1.24", "the format is shared by Go 1.23 and 1.24; paths in stacks say 1.24; their schedulers are alike"
	case t.Format == "go 1.23":
		t.GoVersion, t.GoAssumed = "1.23 or 1.24", "the format is shared by both, and so are the scheduler's rules"
	default:
		t.GoAssumed = "from the trace's format"
	}
	if minor, _ := minorVersion(strings.TrimPrefix(t.Format, "go ")); minor > 0 && minor < model.OldestRules {
		t.Notes = append(t.Notes, fmt.Sprintf("a trace of Go 1.%d or older is replayed by the rules of Go 1.%d: dispatch sources are less sure", minor, model.OldestRules))
	}
	if t.Race {
		t.Notes = append(t.Notes, "run queues are not in the order of the rules, as in a program built with -race, which shuffles them: once that showed, no dispatch from a queue is called certain")
	}
}

// noEvents is the report on a trace that can be read and has nothing in it.
func (r *run) noEvents(rep *Report) {
	t := &rep.Trace
	t.Complete = false
	rep.Verdict = Verdict{Severity: SeverityWarning, Headline: "The trace has no events.",
		Detail: "Tracing was started but nothing was written before the file was closed. Record it again, and call trace.Stop (or let the request end) before reading it."}
}

// newReport is a report with no analysis in it yet.
func newReport(opt Options) *Report {
	v := opt.Version
	if v == "" {
		v = "devel"
	}
	return &Report{Schema: Schema, Version: v}
}

// gomaxprocs answers: how many Ps were there when?
type gomaxprocs struct {
	zero    model.Time
	window  *window
	changes []Gomaxprocs // within the window; the first may be from before it
}

func (g *gomaxprocs) observe(f *model.Facts) {
	for i := range f.Events {
		ev := &f.Events[i]
		if ev.Op == model.OpGOMAXPROCS && ev.Time < g.window.to {
			g.change(max(ev.Time, g.window.from), int(ev.Arg))
		}
	}
}

func (g *gomaxprocs) change(at model.Time, n int) {
	x := Gomaxprocs{At: int64(at - g.zero), N: n}
	switch k := len(g.changes); {
	case k > 0 && g.changes[k-1].N == n:
	case k > 0 && g.changes[k-1].At == x.At:
		g.changes[k-1] = x
	default:
		g.changes = append(g.changes, x)
	}
}

func (g *gomaxprocs) report(r *Report) { r.Trace.Gomaxprocs = g.changes }
