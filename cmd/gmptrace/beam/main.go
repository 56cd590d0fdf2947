// Command beam makes a fleet of traces as gmptrace fleet does, on an engine: it is a
// pipeline of Apache Beam, which Flink, Spark and Dataflow run, and prism on one machine.
// It is a module of its own: gmptrace needs no engine, and whoever builds it does not
// download Beam.
//
//	patterns ──▶ files ──▶ keys ──▶ rows of each trace, as files ──▶ sums ──▶ JSON
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime/debug"
	"slices"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/x/beamx"

	"gmptrace/analyze/words"
)

const usage = `Usage: beam --rows DIR --output FILE [flags] PATTERN...

Beam makes a fleet of traces as 'gmptrace fleet' does, on an engine: it keeps rows of
each trace in a folder, reads none of which there are rows, and writes what all say
together as JSON, the same bytes as 'gmptrace fleet --format json'.

PATTERN is a file or a glob, of this machine or such as gs://bucket/traces/*.trace; the
other paths may be such as well. A trace that cannot be read is told of, and stops
nothing.

It runs on this machine (--runner prism) unless another runner is named; flags of
runners are Beam's own:

  beam --rows rows --output fleet.json 'traces/*.trace'
  beam --rows gs://b/rows --output gs://b/fleet.json --runner dataflow \
    --project P --region R --staging_location gs://b/tmp 'gs://b/traces/*.trace'
  beam --rows s/rows --output s/fleet.json --runner flink --endpoint localhost:8099 's/*.trace'

The page of it: gmptrace fleet -o fleet.html ROWS

Flags:
`

// release is the version that make dist stamps into gmptrace; "" where nothing did so here.
var release string

// flags are those that are not Beam's own.
func (j *job) flags(f *flag.FlagSet) {
	f.StringVar(&j.List, "list", "", "take patterns from the lines of `FILE` as well")
	f.StringVar(&j.Rows, "rows", "", "keep rows in the folder `DIR`")
	f.StringVar(&j.Output, "output", "", "write what all traces say together to `FILE`, as JSON")
	f.Int64Var(&j.MaxMemory, "max-memory", 0, "`BYTES` that reading one trace may take; 0 for 2 GiB")
	f.StringVar(&j.Given.Host, "host", "", "take all traces for those of the host `NAME`")
	f.StringVar(&j.Given.Build, "build", "", "take all traces for those of the build `NAME`")
	f.StringVar(&j.Given.Trigger, "trigger", "", "take all traces for taken because of `WHY`: baseline, slow, observed, metric or asked")
	f.StringVar(&j.Given.HostFrom, "host-from", "", "take the host from a trace's path: what `REGEXP` matches, or its first group")
	f.StringVar(&j.Given.BuildFrom, "build-from", "", "take the build from a trace's path, likewise: `REGEXP`")
}

func main() {
	var j job
	j.flags(flag.CommandLine)
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), usage)
		flag.PrintDefaults()
	}
	flag.Parse()
	beam.Init() // does not return in an engine's worker
	j.Patterns, j.Version = flag.Args(), version()
	if err := j.run(context.Background()); err != nil {
		fmt.Fprintf(os.Stderr, "beam: %s\n", words.Printable(err.Error()))
		os.Exit(1)
	}
}

func (j *job) run(ctx context.Context) error {
	if err := j.check(); err != nil {
		return err
	}
	p, s := beam.NewPipelineWithRoot()
	j.build(s)
	return beamx.Run(ctx, p)
}

// check finds what is wrong before an engine does.
func (j *job) check() error {
	switch {
	case len(j.Patterns) == 0 && j.List == "":
		return errors.New("nothing to make a fleet of: name traces or patterns, or a file of them with --list")
	case j.Rows == "":
		return errors.New("--rows: name the folder to keep rows in")
	case j.Output == "":
		return errors.New("--output: name the file to write")
	case !slices.Contains([]string{"", "baseline", "slow", "observed", "metric", "asked"}, j.Given.Trigger):
		return fmt.Errorf("--trigger %q: need one of baseline, slow, observed, metric, asked", j.Given.Trigger)
	}
	for name, re := range map[string]string{"host-from": j.Given.HostFrom, "build-from": j.Given.BuildFrom} {
		if _, err := regexp.Compile(re); err != nil {
			return fmt.Errorf("--%s: %w", name, err)
		}
	}
	for _, path := range slices.Concat(j.Patterns, []string{j.List, j.Rows, j.Output}) {
		if err := known(path); err != nil {
			return err
		}
	}
	return nil
}

// version is what gmptrace calls itself when it is built likewise.
func version() string {
	info, ok := debug.ReadBuildInfo()
	switch {
	case release != "":
		return release
	case !ok || info.Main.Version == "" || info.Main.Version == "(devel)":
		return "devel"
	}
	return info.Main.Version
}
