package perfetto

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"maps"
	"slices"

	"gmptrace/analyze"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/model"

	"github.com/klauspost/compress/gzip"
)

// Options say what to write.
type Options struct {
	replay.Options

	Tracks Tracks // 0 is AllTracks

	// MaxTracks is how many goroutines have a track of their own, those that the trace
	// shows first, and how many threads, tasks at once and goroutines with regions; 0 is
	// DefaultMaxTracks. Memory, and what Perfetto has to draw, grow with it.
	MaxTracks int

	// Plain leaves out the compression.
	Plain bool
}

// DefaultMaxTracks is the default of Options.MaxTracks.
const DefaultMaxTracks = 10_000

// Result is what was written.
type Result struct {
	Trace   report.Trace
	Packets int64
	Tracks  int64
}

// Write reads a trace and writes it to out in Perfetto's format. Errors are those of
// analyze.Analyze, or out's.
func Write(ctx context.Context, r io.Reader, out io.Writer, opt Options) (*Result, error) {
	opt.Tracks = cmp.Or(opt.Tracks, AllTracks)
	opt.MaxTracks = cmp.Or(opt.MaxTracks, DefaultMaxTracks)
	if opt.Plain {
		return convert(ctx, r, out, opt)
	}
	z, err := gzip.NewWriterLevel(out, level)
	if err != nil {
		return nil, err
	}
	z.Comment = comment
	res, err := convert(ctx, r, z, opt)
	if err == nil {
		err = z.Close()
	}
	return res, err
}

// level is how hard to compress: harder than this takes twice as long for a tenth less,
// and the default makes a sixth more.
const level = 8

// comment is what the header of a compressed file says of it.
const comment = "gmptrace export"

// opening is the track that is described first, and its number.
var opening, openingTrack = track{parent: processTrack, name: "About this trace", rank: 1}, uint64(processTrack + 1)

// Wrote reports whether a file that begins like this is one that Write wrote.
func Wrote(head []byte) bool {
	const fixed = 10 // bytes of a compressed file's header before the comment
	return len(head) > fixed && bytes.HasPrefix(head[fixed:], []byte(comment+"\x00")) ||
		bytes.HasPrefix(head, framed(nil, opening.description(openingTrack)))
}

func convert(ctx context.Context, r io.Reader, out io.Writer, opt Options) (*Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	x := &exporter{opt: opt, w: &writer{out: out, fail: cancel}, blocked: blockedNames(), sets: map[model.Sources]string{}}
	var a *analyze.Analysis
	tr, err := replay.Run(ctx, r, opt.Options, func(s *replay.Session) {
		if opt.Tracks.Has(Findings) {
			a = &analyze.Analysis{Options: analyze.Options{Options: opt.Options}}
			a.Begin(s)
		}
		x.begin(s)
	})
	if err = cmp.Or(x.w.err, err); err != nil {
		return nil, err
	}
	x.tr = tr
	if x.session != nil {
		x.finish(a)
	}
	return &Result{Trace: tr, Packets: x.w.packets, Tracks: int64(x.w.tracks)}, x.w.err
}

// exporter is the watcher that writes what it is told.
type exporter struct {
	opt     Options
	w       *writer
	session *replay.Session // nil before the first event
	tr      report.Trace    // when all has been read

	notes             *sequence
	found, aboutTrack uint64
	rank              int64 // of the last track below the process

	// Those that are not asked for are nil.
	procs      *procs
	threads    *threads
	goroutines *goroutines
	marks      *marks
	phases     *phases
	gauges     *gauges

	now     []model.Dispatch // of the moment that is being told
	blocked [model.NumReasons]string
	sets    map[model.Sources]string
}

// begin describes the tracks that there are in every trace, in the order in which they
// are to be seen.
func (x *exporter) begin(s *replay.Session) {
	x.session, x.w.zero = s, s.Zero
	x.w.reserve() // of the process: what it is called shows late
	x.aboutTrack, x.rank = x.w.declare(opening), opening.rank
	x.notes = x.w.sequence(0)
	if x.opt.Tracks.Has(Findings) {
		x.found = x.group("Findings", false)
	}
	if x.opt.Tracks.Has(Counters) {
		s.Depths, s.Begun = true, true
		x.gauges = newGauges(x)
	}
	if x.opt.Tracks.Has(Collections) {
		x.phases = newPhases(x)
	}
	if x.opt.Tracks.Has(Tasks) {
		x.marks = &marks{exporter: x, group: x.group("User tasks", false), seq: x.w.sequence(0),
			entered: s.Window.From <= s.Zero, tasks: map[int64]*openTask{}, regions: map[model.GoID]*regionTrack{}}
	}
	if x.opt.Tracks.Has(Ps) {
		x.procs = &procs{exporter: x, group: x.group("Ps", true)}
	}
	if x.opt.Tracks.Has(Ms) {
		x.threads = &threads{exporter: x, group: x.group("Ms (threads)", false), seq: x.w.sequence(0)}
	}
	if x.opt.Tracks.Has(Gs) {
		x.goroutines = &goroutines{exporter: x, group: x.group("Goroutines", true), seq: x.w.sequence(0), wakes: x.w.sequence(0), known: map[model.GoID]*goTrack{}}
		x.goroutines.seq.after = x.goroutines.wakes // arrows begin before they end
	}
	s.Add(x)
}

// group declares a track below the process.
func (x *exporter) group(name string, ordered bool) uint64 {
	x.rank++
	return x.w.declare(track{parent: processTrack, name: name, rank: x.rank, ordered: ordered})
}

// finish ends what is still open, and tells what is known at the end only.
func (x *exporter) finish(a *analyze.Analysis) {
	end := min(x.session.Window.To, x.session.Zero+model.Time(x.tr.To))
	if x.procs != nil {
		x.procs.finish()
	}
	if x.threads != nil {
		x.threads.finish()
	}
	if x.goroutines != nil {
		x.goroutines.finish()
	}
	if x.marks != nil {
		x.marks.finish(end)
	}
	if x.phases != nil {
		x.phases.finish(end)
	}
	if a != nil {
		x.findings(a.Report(x.tr).Findings)
	}
	x.about()
	x.w.describe(processTrack, track{process: true, name: x.program(), ordered: true})
	x.w.flush()
}

// sortedKeys are the keys of a map in ascending order.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	return slices.Sorted(maps.Keys(m))
}
