package pprof

import (
	"compress/gzip"
	"context"
	"io"

	"gmptrace/analyze/explain"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/model"

	"github.com/google/pprof/profile"
)

// Options say what to make a profile of.
type Options struct {
	replay.Options
	Type    Type
	Select  *explain.Selector // instances to whose time it is restricted; nil for all of the trace
	Version string            // of gmptrace, for the profile's comments
}

// Result is a profile, and what it is of.
type Result struct {
	Profile *profile.Profile // nil where Nothing says why, and for a trace without events
	Nothing string           // that nothing is selected, and what there would be; "" where something is
	Trace   report.Trace
	Count   int64 // sums of the profile's two values
	NS      int64
}

// Make reads a trace from r and makes a profile of it. Errors are those of analyze.Analyze;
// that the trace has no samples of the CPU profiler, which are asked for, is a
// *report.InputError too.
func Make(ctx context.Context, r io.Reader, opt Options) (*Result, error) {
	var m *maker
	tr, err := replay.Run(ctx, r, opt.Options, func(s *replay.Session) {
		m = newMaker(s, &opt)
		s.WholeTrace = true // where something stopped may show behind the window
		s.Add(m)
	})
	if err != nil || m == nil {
		return &Result{Trace: tr}, err
	}
	m.close()
	return m.result(tr)
}

// Write writes the profile, compressed. Its header says who wrote it.
func (r *Result) Write(w io.Writer) error {
	z := gzip.NewWriter(w)
	z.Comment = "gmptrace export"
	if err := r.Profile.WriteUncompressed(z); err != nil {
		return err
	}
	return z.Close()
}

// maker is the watcher: it has the facts pass from one to the next, see the package's
// documentation.
type maker struct {
	opt       *Options
	session   *replay.Session
	kind      *kind
	stretches *stretches
	serving   *serving
	selecting *selecting // nil for all of the trace
	sums      *sums
	now       model.Time
	n         int // stretches in the portion under way
}

// portion is how many stretches of goroutines are taken in before what is known by then is
// passed on: it does not depend on when facts are handed on.
const portion = 512

func newMaker(s *replay.Session, opt *Options) *maker {
	m := &maker{opt: opt, session: s, kind: kinds[opt.Type], now: s.Zero, serving: newServing(s)}
	m.stretches = newStretches(s, m.kind)
	m.sums = newSums(0)
	if opt.Type == CPU {
		m.sums = newSums(samplePeriod)
	}
	m.stretches.tell, m.stretches.told, m.stretches.left = m.serving.add, m.serving.upTo, m.serving.ends
	m.serving.pass, m.serving.told, m.serving.left = m.sums.add, func(model.GoID, model.Time) {}, func(model.GoID) {}
	if opt.Select != nil {
		m.selecting = newSelecting(s, *opt.Select)
		m.selecting.pass = m.sums.add
		m.serving.pass, m.serving.told, m.serving.left = m.selecting.add, m.selecting.upTo, m.selecting.ends
	}
	return m
}

func (m *maker) Watch(f *model.Facts) {
	for rest := *f; ; {
		left := portion - m.n
		if len(rest.Gs) < left {
			m.n += len(rest.Gs)
			m.take(&rest)
			return
		}
		part := rest.Until(rest.Gs[left-1].End)
		m.n = 0
		m.take(&part)
		m.serving.settle(m.now)
		if m.selecting != nil {
			m.selecting.settle()
		}
	}
}

func (m *maker) take(f *model.Facts) {
	m.now = f.Now
	m.stretches.watch(f)
	m.serving.find(f)
	if m.selecting != nil {
		m.selecting.find(f)
	}
}

// close passes on all that is held.
func (m *maker) close() {
	m.stretches.close()
	m.serving.close(m.now)
	if m.selecting != nil {
		m.selecting.close(m.now)
	}
}
