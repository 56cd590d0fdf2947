package fleet

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"unicode/utf8"

	"gmptrace/analyze"
	"gmptrace/analyze/explain"
	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/machine"
	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/model"
)

// Input is what is known of a trace beside its bytes. The zero value is nothing.
type Input struct {
	Path     string // what to call it; it has no part in Key
	Evidence []byte // what the machine said, out of the file beside it: see package machine

	// Who knows better than the trace does: each is taken instead of what a flight
	// recorder's snapshot or the machine's evidence says, where it is not "".
	Host, Build, Trigger string
}

// Key is what the rows of a trace are kept under: the hash of its bytes (SHA-256, in
// hexadecimal) and, where anything of in but Path is given, a dash and the hash of that.
// What has the same key has the same rows.
func Key(trace io.Reader, in Input) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, trace); err != nil {
		return "", err
	}
	return in.keyOf(h), nil
}

func (in *Input) keyOf(trace hash.Hash) string {
	key := hex.EncodeToString(trace.Sum(nil))
	if len(in.Evidence) == 0 && in.Host == "" && in.Build == "" && in.Trigger == "" {
		return key
	}
	h := sha256.New()
	for _, part := range []string{string(in.Evidence), in.Host, in.Build, in.Trigger} {
		fmt.Fprintf(h, "%d %s", len(part), part)
	}
	return key + "-" + hex.EncodeToString(h.Sum(nil)[:8])
}

// Options bound the reading of one trace. What is read does not depend on Workers.
type Options struct {
	MaxMemory int64 // replay.Options.MaxMemory
	Workers   int   // replay.Options.Workers
}

// Map reads a trace, as a file has it, and says what is kept of it: the same for the same
// bytes and Input, whoever reads it and beside what. A trace that cannot be read is no
// error: its rows say so. The errors are those of trace itself, other than its end, and of
// ctx.
func Map(ctx context.Context, trace io.Reader, in Input, opt Options) (*Rows, error) {
	h := sha256.New()
	file := &watched{r: io.TeeReader(trace, h)}
	found, err := read(ctx, file, in, opt)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if _, rest := io.Copy(io.Discard, file); rest != nil || file.err != nil {
		return nil, cmp.Or(file.err, rest)
	}
	b := builder{in: in, key: in.keyOf(h)}
	var bad *report.InputError
	switch {
	case errors.As(err, &bad):
		return b.unreadable(strings.TrimSpace(bad.Text + " " + bad.Hint)), nil
	case err != nil:
		return b.unreadable(err.Error()), nil
	}
	return b.rows(found), nil
}

// watched remembers why its reader failed.
type watched struct {
	r   io.Reader
	err error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}

// found is what was read of a trace.
type found struct {
	rep     *report.Report
	lengths []explain.Lengths
	sched   *stat.Sketch
	blocked *blocked
}

// read analyses a trace, and survives it.
func read(ctx context.Context, trace io.Reader, in Input, opt Options) (out *found, err error) {
	defer func() {
		if p := recover(); p != nil {
			out, err = nil, fmt.Errorf("gmptrace failed on it: %v", p)
		}
	}()
	ro := replay.Options{Name: "the trace", MaxMemory: opt.MaxMemory, Workers: opt.Workers}
	if len(in.Evidence) > 0 {
		if ro.Machine, err = machine.ReadAll(bytes.NewReader(in.Evidence)); err != nil {
			ro.Machine = nil // what cannot be read says nothing; the trace does
		}
	}
	a := analyze.Analysis{Options: analyze.Options{Options: ro}}
	out = &found{}
	var session *replay.Session
	var waits *measure.Waits
	tr, err := replay.Run(ctx, trace, ro, func(s *replay.Session) {
		a.Begin(s)
		session, waits, out.blocked = s, replay.Shared(s, measure.NewWaits), replay.Shared(s, newBlocked)
	})
	if err != nil {
		return nil, err
	}
	if out.rep = a.Report(tr); session != nil {
		out.lengths, out.sched = explain.LengthsOf(session), waits.All()
	}
	return out, nil
}

// blocked are the lengths of the stretches in which goroutines of the program were
// blocked, by cause: those that the trace has whole.
type blocked struct{ by map[string]*stat.Sketch }

func newBlocked(*replay.Session) *blocked { return &blocked{map[string]*stat.Sketch{}} }

func (b *blocked) Watch(f *model.Facts) {
	for i := range f.Gs {
		iv := &f.Gs[i]
		if iv.Runtime || iv.Open != 0 || iv.Unended {
			continue
		}
		switch iv.State {
		case model.GWaiting:
			b.add(string(report.BlockedOn(iv.Reason)), iv)
		case model.GSyscall:
			b.add("syscall", iv)
		}
	}
}

func (b *blocked) add(cause string, iv *model.GInterval) {
	s := b.by[cause]
	if s == nil {
		s = &stat.Sketch{}
		b.by[cause] = s
	}
	s.Add(int64(iv.End - iv.Start))
}

// blockedCauses are all of them, in the order of rows.
var blockedCauses = []string{string(report.BlockedLock), string(report.BlockedChannel), string(report.BlockedNetwork), "syscall",
	string(report.BlockedSleep), string(report.BlockedCollector), string(report.BlockedOther)}

// builder makes the rows of a trace.
type builder struct {
	in   Input
	key  string
	base Row // the columns that all rows have
	out  Rows
}

func (b *builder) begin(q Quality) {
	b.base = Row{Trace: b.key, Host: kept(b.in.Host), Build: kept(b.in.Build), Trigger: kept(b.in.Trigger), Quality: q, Schema: RowsSchema}
}

// row begins a row.
func (b *builder) row(kind RowKind) *Row {
	x := b.base
	x.Kind = kind
	b.out.rows = append(b.out.rows, x)
	return &b.out.rows[len(b.out.rows)-1]
}

// unreadable are the rows of a trace of which nothing could be read.
func (b *builder) unreadable(why string) *Rows {
	b.begin(QualityUnreadable)
	x := b.row(RowTrace)
	x.Path, x.Losses = kept(b.in.Path), kept(why)
	return &b.out
}

func (b *builder) rows(f *found) *Rows {
	rep := f.rep
	q := QualityComplete
	if !rep.Trace.Complete {
		q = QualityPartial
	}
	b.begin(q)
	b.identify(rep)
	b.trace(rep)
	for i := range rep.Findings {
		b.finding(&rep.Findings[i])
	}
	b.causes(&rep.Slowest)
	for _, l := range f.lengths {
		b.series(string(l.Kind), l.Name, l.All).Open = ref(l.Unfinished)
	}
	if f.sched != nil {
		b.series(OfSched, "", f.sched)
		for _, cause := range blockedCauses {
			if s := f.blocked.by[cause]; s != nil {
				b.series(OfBlocked, cause, s)
			}
		}
	}
	return &b.out
}

// identify says whose the trace is, as far as something tells.
func (b *builder) identify(rep *report.Report) {
	x := &b.base
	x.Program, x.Go = kept(rep.Trace.Program), kept(rep.Trace.GoVersion)
	if m := rep.Machine; m != nil {
		why := report.SnapshotWhy{}
		if m.Snapshot != nil {
			why = *m.Snapshot
		}
		x.Host = kept(cmp.Or(b.in.Host, why.Host, m.Host))
		x.Build = kept(cmp.Or(b.in.Build, why.Build))
		x.Trigger = kept(cmp.Or(b.in.Trigger, why.Trigger))
	}
}

func (b *builder) trace(rep *report.Report) {
	x, t := b.row(RowTrace), &rep.Trace
	x.Path, x.Start, x.Duration, x.Events = kept(b.in.Path), kept(t.Start), ref(t.DurationNS), ref(t.Events)
	if n := len(t.Gomaxprocs); n > 0 {
		x.Procs = ref(int64(t.Gomaxprocs[n-1].N))
	}
	var lost []string
	for _, l := range t.Lost {
		lost = append(lost, l.Text)
	}
	x.Losses = kept(strings.Join(lost, "; "))
	x.Severity, x.Title, x.Detail, x.Advice = kept(string(rep.Verdict.Severity)), kept(rep.Verdict.Headline), kept(rep.Verdict.Detail), kept(rep.Verdict.Advice)
}

func (b *builder) finding(f *report.Finding) {
	x := b.row(RowFinding)
	x.ID, x.Number, x.Severity, x.Title, x.Advice, x.Sure = kept(f.ID), ref(int64(f.Number)), kept(string(f.Severity)), kept(f.Title), kept(f.Advice), kept(f.Sure)
	x.Cost, x.CostOf = ref(max(0, f.CostNS)), kept(f.CostOf)
	if len(f.Moments) > 0 {
		x.At = ref(f.Moments[0].Start)
	}
	if len(f.Stacks) > 0 {
		if at := names.PlaceOf(f.Stacks[0].Frames); at != nil {
			x.culprit(at)
		}
	}
}

// culprit says who is behind it.
func (x *Row) culprit(at *report.Frame) {
	if at.Func == "" {
		return
	}
	x.Func, x.File, x.Line = kept(at.Func), kept(names.FileName(at.File)), ref(int64(min(at.Line, 1<<31)))
}

// causes are what the time of the slowest requests or tasks went to.
func (b *builder) causes(s *report.Slowest) {
	var longer int64
	for i := range s.Roots {
		longer += max(0, s.Roots[i].NS-s.Roots[i].Typical)
	}
	for i := range s.Roots {
		r := &s.Roots[i]
		if r.NS <= 0 {
			continue
		}
		x := b.row(RowCause)
		x.ID, x.Number, x.Title, x.Advice, x.Sure = kept(string(r.Kind)), ref(int64(i+1)), kept(r.Text), kept(r.Advice), kept(r.Sure)
		x.Cost, x.CostOf, x.Typical, x.Longer, x.Count = ref(r.NS), ref("time of a slow "+string(s.Kind)), ref(max(0, r.Typical)), ref(longer), ref(s.Slow.Count)
		x.Of, x.Name = ref(string(s.Kind)), ref(short(s.Name))
		x.culprit(&r.At)
	}
}

func (b *builder) series(of, name string, s *stat.Sketch) *Row {
	x := b.row(RowSeries)
	x.Of, x.Name, x.Series = ref(of), ref(short(name)), ref(int64(len(b.out.sketches)))
	x.Count, x.Sum, x.Least, x.Most = ref(s.N()), ref(s.Sum()), ref(s.Min()), ref(s.Max())
	b.out.sketches = append(b.out.sketches, s)
	return x
}

// mostText is how long a name or sentence is kept: a trace may call things what it likes.
const mostText = 1024

// short is a text, as UTF-8, without what is too long in it.
func short(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= mostText {
		return s
	}
	n := mostText
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// kept is a text as a column has it.
func kept(s string) *string { return optional(short(s)) }
