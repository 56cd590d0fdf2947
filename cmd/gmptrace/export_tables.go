package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"gmptrace/analyze/export/tables"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"

	"github.com/spf13/pflag"
)

// tablesExporter writes a folder of tables.
type tablesExporter struct{ format tables.Format }

func (x tablesExporter) name() string            { return string(x.format) }
func (x tablesExporter) addFlags(*pflag.FlagSet) {}

// help is what --help says with --format parquet or csv.
func (x tablesExporter) help() string {
	return fmt.Sprintf(`--format %s writes a folder of tables, -o names it (default: the trace's name with
.tables behind it), with queries for common questions in its folder queries:
in the folder, duckdb -c ".read queries/request_times.sql". This is its schema.txt:

%s`, x.format, tables.Schema())
}

func (x tablesExporter) export(ctx context.Context, an *analysis, trace, out string, force bool) error {
	switch out {
	case "-":
		return usagef("--format %s writes a folder of files: name one with -o", x.format)
	case "":
		out = strings.TrimSuffix(defaultOutput(trace), ".html") + ".tables"
	}
	folder, err := tables.CreateFolder(out, force)
	if err != nil {
		return fmt.Errorf("%s: %w", printableName(out), err)
	}
	defer folder.Discard()
	rep, err := reading(ctx, an, trace, func(in io.Reader, opt replay.Options) (*report.Report, error) {
		return tables.Export(ctx, in, tables.Options{Options: opt, Format: x.format, Version: buildVersion()}, folder.Dir)
	})
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := folder.Commit(); err != nil {
		return fmt.Errorf("%s: %w", printableName(out), err)
	}
	an.remark("%s: %s", printableName(out), printableName(rep.Verdict.Headline))
	an.concludeTrace(&rep.Trace)
	return nil
}
