package main

import (
	"context"
	"io"
	"strings"

	"gmptrace/analyze/export/perfetto"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/words"

	"github.com/spf13/pflag"
)

// perfettoExport writes what ui.perfetto.dev opens.
type perfettoExport struct {
	tracks    []string
	maxTracks int
	plain     bool
}

func (*perfettoExport) name() string { return "perfetto" }

func (e *perfettoExport) addFlags(f *pflag.FlagSet) {
	f.StringSliceVar(&e.tracks, "tracks", nil, "only `TRACKS`, separated by commas: "+strings.Join(perfetto.TrackNames(), ", "))
	f.IntVar(&e.maxTracks, "max-tracks", perfetto.DefaultMaxTracks, "draw no more than `N` goroutines on tracks of their own, those that the trace shows first; as many threads")
	f.BoolVar(&e.plain, "uncompressed", false, "do not compress what is written")
}

func (e *perfettoExport) export(ctx context.Context, an *analysis, trace, out string, force bool) error {
	opt, err := e.options()
	if err != nil {
		return err
	}
	if out == "" && trace == "-" {
		return usagef("standard input has no name to call the file by: give one with -o FILE")
	}
	if out == "" {
		out = strings.TrimSuffix(defaultOutput(trace), ".html") + e.suffix()
	}
	if err := an.notOnTerminal(out, "a file for Perfetto"); err != nil {
		return err
	}
	if err := notItself(trace, out); err != nil {
		return err
	}
	to, err := createOutput(out, force, an.stdout)
	if err != nil {
		return err
	}
	defer to.discard()
	var res *perfetto.Result
	err = to.writeFrom(ctx, func(w io.Writer) (err error) {
		res, err = reading(ctx, an, trace, func(in io.Reader, o replay.Options) (*perfetto.Result, error) {
			opt.Options = o
			return perfetto.Write(ctx, in, w, opt)
		})
		return err
	})
	if err != nil {
		return err
	}
	if to.path != "" {
		an.remark("%s: %s on %s; ui.perfetto.dev opens it, and so does trace_processor", printableName(to.path), words.Plural(res.Packets, "packet"), words.Plural(res.Tracks, "track"))
	}
	an.concludeTrace(&res.Trace)
	return nil
}

// suffix is what Perfetto's own tools call such files.
func (e *perfettoExport) suffix() string {
	if e.plain {
		return ".perfetto-trace"
	}
	return ".perfetto-trace.gz"
}

func (e *perfettoExport) options() (perfetto.Options, error) {
	opt := perfetto.Options{MaxTracks: e.maxTracks, Plain: e.plain}
	if e.maxTracks < 1 {
		return opt, usagef("--max-tracks %d: must be 1 at least", e.maxTracks)
	}
	set, err := perfetto.ParseTracks(e.tracks)
	if err != nil {
		return opt, usagef("--tracks %s: %v", strings.Join(e.tracks, ","), err)
	}
	opt.Tracks = set
	return opt, nil
}
