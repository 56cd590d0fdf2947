package replay

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"gmptrace/analyze/internal/load"
	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// Run reads a trace from r to its end, drives the model through it, and tells the
// session's watchers what that finds out, from one goroutine that is not the
// caller's. When it returns they have been told everything.
//
// begin is called once, before the first event and from the caller's goroutine: it
// adds the watchers. For a trace without any event it is not called, and
// Trace.Complete is false.
//
// The Trace says what was read. An input of which nothing can be read is a
// *report.InputError; one of which something can is none: Trace.Complete is false
// then, and Trace.Lost says what is missing. Options that the trace can't meet are an
// error too. When ctx is cancelled the error is ctx.Err().
func Run(ctx context.Context, r io.Reader, opt Options, begin func(*Session)) (report.Trace, error) {
	x := reading{opt: opt, begin: begin}
	defer x.stop()
	tr, err := load.Load(ctx, r, opt.forLoad(), x.take)
	if err != nil {
		return tr, err
	}
	if x.replay == nil {
		tr.Complete = false
		return tr, nil
	}
	x.replay.finish()
	return tr, x.describe(&tr)
}

// forLoad is what load has to know.
func (o *Options) forLoad() load.Options {
	x := load.Options{Name: o.Name, MaxMemory: o.MaxMemory, Workers: o.Workers, Reader: o.Reader}
	if o.Progress != nil {
		x.Progress = func(read, events int64) { o.Progress(Progress{Bytes: read, Size: o.Size, Events: events}) }
	}
	return x
}

// reading is a trace being read. It comes to life with the first batch, which tells
// when the trace began.
type reading struct {
	opt   Options
	begin func(*Session)

	replay *replay // nil before
	procs  *gomaxprocs
	calls  *unendedCalls // nil where the format has the ends of all
	format string
	clock  *load.ClockSnapshot
}

// take plays one batch.
func (r *reading) take(b *load.Batch) error {
	if len(b.Events) == 0 && r.replay == nil {
		return nil
	}
	if r.replay == nil {
		if err := r.start(b); err != nil {
			return err
		}
	}
	if r.clock == nil {
		r.clock = b.Clock
	}
	return r.replay.play(b)
}

// start begins the session: the first batch tells the trace's format, time and
// clock.
func (r *reading) start(b *load.Batch) error {
	r.format, r.clock = b.Format, b.Clock
	minor, err := minorVersion(r.opt.GoVersion)
	if err != nil {
		return err
	}
	if minor == 0 {
		minor, _ = minorVersion(strings.TrimPrefix(b.Format, "go "))
	}
	zero := b.Events[0].Time
	s := &Session{options: r.opt, Machine: r.opt.Machine, Zero: zero, Rules: model.RulesFor(minor), Older: minor < model.OldestRules,
		Names: &names.Table{}, Window: &Window{zero, Forever}}
	if err := r.setWindow(s); err != nil {
		return err
	}
	r.procs = Shared(s, newGomaxprocs)
	if format, _ := minorVersion(strings.TrimPrefix(b.Format, "go ")); format < model.OldestRules { // only such formats leave ends out
		r.calls = Shared(s, newUnendedCalls)
	}
	r.begin(s)
	r.replay = newReplay(s)
	return nil
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
func (r *reading) setWindow(s *Session) error {
	opt, zero := &r.opt, s.Zero
	if !opt.From.Set && !opt.To.Set {
		return nil
	}
	var clock time.Time
	var at model.Time
	if r.clock != nil {
		clock, at = r.clock.Wall, r.clock.Trace
	}
	if clock.IsZero() && (!opt.From.Clock.IsZero() || !opt.To.Clock.IsZero()) {
		return fmt.Errorf("%s: this trace has no wall-clock times (they came with Go 1.25): give offsets such as 1.5s", opt.Name)
	}
	from, to := zero, Forever
	if opt.From.Set {
		from = instant(opt.From, zero, at, clock)
	}
	if opt.To.Set {
		to = instant(opt.To, zero, at, clock)
	}
	if to <= from {
		return fmt.Errorf("%s: the part to analyse ends before it begins", opt.Name)
	}
	*s.Window, s.Part = Window{max(from, zero), to}, true
	return nil
}

// stop ends what finish has not ended because the trace could not be read.
func (r *reading) stop() {
	if r.replay != nil {
		r.replay.stop()
	}
}

// describe fills in what load did not know of the trace.
func (r *reading) describe(t *report.Trace) error {
	rp, s := r.replay, r.replay.session
	t.DurationNS = int64(rp.end - rp.start)
	t.From, t.To = 0, t.DurationNS
	if s.Part {
		t.From, t.To = int64(s.Window.From-rp.start), min(t.DurationNS, int64(s.Window.To-rp.start))
		if t.From >= t.DurationNS {
			return fmt.Errorf("%s: the part to analyse lies outside of the trace, which is %s long", r.opt.Name, words.Length(t.DurationNS))
		}
	}

	if r.clock != nil {
		t.Start = r.clock.At(rp.start).UTC().Format("2006-01-02T15:04:05.000000000Z07:00")
	}
	t.Goroutines, t.LivePeak = rp.sched.Seen()
	t.Program = s.Names.Program()
	t.Race, t.Unexplained = s.Names.Race(), rp.sched.Unexplained()
	t.Gomaxprocs = r.procs.changes
	r.identify(t)
	return nil
}

// identify says which Go version's rules were applied, and why.
func (r *reading) identify(t *report.Trace) {
	s := r.replay.session
	t.GoVersion = s.Rules.String()
	format, _ := minorVersion(strings.TrimPrefix(t.Format, "go "))
	w := writersOf(format)
	if seen := s.Names.VersionFromStacks(); seen >= w.oldest && seen <= w.newest && w.newest > w.oldest {
		w = writers{seen, seen, true}
	}
	switch {
	case r.opt.GoVersion != "":
		t.GoAssumed = "given on the command line"
	case format > 0 && format < model.OldestRules:
		t.GoAssumed = "the nearest known to those of Go " + w.String() + ", " + w.basis()
	case w.fromPaths:
		t.GoVersion, t.GoAssumed = w.String(), "from paths in its stacks"
	case w.newest > w.oldest && w.newest < model.NewestRules: // the newest is named only where something shows it
		t.GoVersion, t.GoAssumed = fmt.Sprintf("1.%d or 1.%d", w.oldest, w.newest), "the format is shared by both, and so are the scheduler's rules"
	default:
		t.GoAssumed = "from the trace's format"
	}
	if format > 0 && format < model.OldestRules {
		t.Notes = append(t.Notes, fmt.Sprintf("a trace of Go %s is replayed by the rules of Go %s: dispatch sources are less sure", w, s.Rules))
	}
	if r.calls != nil && *r.calls > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("the trace does not tell the ends of %s, as they kept their Ps: how long they took is not known and counts as running", words.Plural(int64(*r.calls), "system call")))
	}
	if t.Unexplained {
		t.Notes = append(t.Notes, "the order of the run queues is not explained by the rules: once that showed, no dispatch from a queue is called certain")
	}
}

// unendedCalls answers: how many system calls are there whose end is not known?
type unendedCalls int64

func newUnendedCalls(*Session) *unendedCalls { return new(unendedCalls) }

func (n *unendedCalls) Watch(f *model.Facts) {
	for i := range f.Gs {
		if f.Gs[i].Unended {
			*n++
		}
	}
}

// writers are the Go versions, by their minor numbers, that a trace may be of.
type writers struct {
	oldest, newest int
	fromPaths      bool // of the toolchain's files, in stacks
}

// writersOf are the versions that write a format. A format is named after the first.
func writersOf(format int) writers {
	newest := map[int]int{11: 18, 19: 20, 23: 24, 26: 27}
	return writers{format, max(format, newest[format]), false}
}

func (w writers) String() string {
	if w.oldest == w.newest {
		return fmt.Sprintf("1.%d", w.oldest)
	}
	return fmt.Sprintf("1.%d to 1.%d", w.oldest, w.newest)
}

// basis is how the versions are known.
func (w writers) basis() string {
	switch {
	case w.fromPaths:
		return "which paths in the stacks name"
	case w.newest > w.oldest:
		return "which share the trace's format"
	}
	return "which the trace's format names"
}

// gomaxprocs answers: how many Ps were there when?
type gomaxprocs struct {
	zero    model.Time
	window  *Window
	changes []report.Gomaxprocs // within the window; the first may be from before it
}

func newGomaxprocs(s *Session) *gomaxprocs { return &gomaxprocs{zero: s.Zero, window: s.Window} }

func (g *gomaxprocs) Watch(f *model.Facts) {
	for i := range f.Events {
		ev := &f.Events[i]
		if ev.Op == model.OpGOMAXPROCS && ev.Time < g.window.To {
			g.change(max(ev.Time, g.window.From), int(ev.Arg))
		}
	}
}

func (g *gomaxprocs) change(at model.Time, n int) {
	x := report.Gomaxprocs{At: int64(at - g.zero), N: n}
	switch k := len(g.changes); {
	case k > 0 && g.changes[k-1].N == n:
	case k > 0 && g.changes[k-1].At == x.At:
		g.changes[k-1] = x
	default:
		g.changes = append(g.changes, x)
	}
}
