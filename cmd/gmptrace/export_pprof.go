package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"gmptrace/analyze/explain"
	"gmptrace/analyze/export/pprof"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/words"

	"github.com/spf13/pflag"
)

// pprofExport writes a profile for pprof.
type pprofExport struct {
	kind      choice
	selectors selectors
	flags     *pflag.FlagSet
}

func newPprofExport() *pprofExport {
	var names []string
	for _, t := range pprof.Types {
		names = append(names, string(t))
	}
	return &pprofExport{kind: chosen(names...)}
}

func (*pprofExport) name() string { return "pprof" }

func (x *pprofExport) addFlags(f *pflag.FlagSet) {
	x.flags = f
	f.Var(&x.kind, "type", "pprof: goroutines' time that the profile has, by `TYPE`: "+strings.Join(x.kind.names, ", "))
	f.StringVar(&x.selectors.http, "http", "", "pprof: of requests alone, with =`REGEXP` those whose handler matches, as explain has them")
	f.Lookup("http").NoOptDefVal = allRequests
	f.StringVar(&x.selectors.task, "task", "", "pprof: of user tasks alone, by their name or id, `NAME|ID`")
	f.StringVar(&x.selectors.at, "at", "", "pprof: of stretches alone in which a function matching `REGEXP` was on the stack")
}

// pprofFlags are those of selectors that say what to restrict a profile to.
var pprofFlags = []string{"task", "http", "at"}

func (x *pprofExport) selector() (*explain.Selector, error) {
	x.selectors.given = nil
	for _, name := range pprofFlags {
		if x.flags.Changed(name) {
			x.selectors.given = append(x.selectors.given, name)
		}
	}
	if len(x.selectors.given) == 0 {
		return nil, nil
	}
	sel, err := x.selectors.selector(0)
	return &sel, err
}

func (x *pprofExport) export(ctx context.Context, an *analysis, trace, name string, force bool) error {
	sel, err := x.selector()
	if err != nil {
		return err
	}
	switch {
	case name == "" && trace == "-":
		return usagef("standard input has no name to call the profile by: give one with -o FILE")
	case name == "":
		name = strings.TrimSuffix(defaultOutput(trace), ".html") + "." + x.kind.value + ".pb.gz"
	}
	if err := an.notOnTerminal(name, "a profile"); err != nil {
		return err
	}
	if err := notItself(trace, name); err != nil {
		return err
	}
	out, err := createOutput(name, force, an.stdout)
	if err != nil {
		return err
	}
	defer out.discard()
	made, err := reading(ctx, an, trace, func(in io.Reader, opt replay.Options) (*pprof.Result, error) {
		return pprof.Make(ctx, in, pprof.Options{Options: opt, Type: pprof.Type(x.kind.value), Select: sel, Version: buildVersion()})
	})
	if err != nil {
		return err
	}
	switch {
	case made.Profile != nil:
		if err := out.write(ctx, made.Write); err != nil {
			return err
		}
		x.tell(an, out.path, made)
	case made.Nothing != "":
		an.code = exitPartial
		fmt.Fprintf(an.stderr, "gmptrace: %s: no profile is written: %s\n", printableName(made.Trace.Name), printableName(made.Nothing))
	}
	an.concludeTrace(&made.Trace)
	return nil
}

// tell says what was written.
func (x *pprofExport) tell(an *analysis, path string, made *pprof.Result) {
	if path == "" {
		return
	}
	an.remark("%s: %s in %s", printableName(path), words.Length(made.NS), words.Plural(made.Count, strings.TrimSuffix(made.Profile.SampleType[0].Type, "s")))
	if isTerminal(an.stderr) {
		an.remark("open it with: go tool pprof -http : %s", words.Shell(printableName(path)))
	}
}
