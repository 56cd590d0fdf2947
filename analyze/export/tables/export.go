package tables

import (
	"bufio"
	"cmp"
	"context"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gmptrace/analyze"
	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// Options say what to read and how to write it.
type Options struct {
	replay.Options
	Format  Format // "" is Parquet
	Version string // of gmptrace, for the tables; "" is report.Devel
}

// Export reads a trace from r and writes its tables, Schema and the queries into the
// folder dir, which must be there and had better be empty: see Folder. The report is that
// of analyze.Analyze, whose errors it returns as well. When ctx is cancelled, the error is
// ctx.Err(), and what dir holds then is of no use.
func Export(ctx context.Context, r io.Reader, opt Options, dir string) (rep *report.Report, err error) {
	reading, cancel := context.WithCancel(ctx)
	defer cancel()
	kept := &spools{dir: dir, all: map[string][]*spool{}}
	defer func() { err = cmp.Or(err, kept.remove()) }()
	a := analyze.Analysis{Options: analyze.Options{Options: opt.Options}}
	c := &collector{spools: kept, fail: cancel}
	tr, err := replay.Run(reading, r, opt.Options, func(s *replay.Session) {
		a.Begin(s)
		c.begin(s)
	})
	if err = cmp.Or(c.err, err); err != nil {
		return nil, err
	}
	rep = a.Report(tr)
	rep.Version = cmp.Or(opt.Version, rep.Version)
	c.close()
	if c.err != nil {
		return nil, c.err
	}
	o := &folderWriter{ctx: ctx, dir: dir, format: cmp.Or(opt.Format, Parquet), rep: rep, spools: kept}
	if c.session != nil {
		o.naming = newNaming(c)
	}
	return rep, o.write()
}

// folderWriter writes the tables.
type folderWriter struct {
	ctx    context.Context
	dir    string
	format Format
	rep    *report.Report
	spools *spools
	naming *naming // nil of a trace without events
}

func (o *folderWriter) write() error {
	for _, t := range all() {
		if err := o.table(t); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(o.dir, schemaFile), []byte(Schema()), 0o666); err != nil {
		return err
	}
	return o.queries()
}

func (o *folderWriter) table(t *table) error {
	f, err := os.Create(filepath.Join(o.dir, t.name+"."+string(o.format)))
	if err != nil {
		return err
	}
	defer f.Close()
	buf := bufio.NewWriterSize(f, 1<<16)
	w, err := newWriter(o.format, t, buf, o.rep)
	if err != nil {
		return err
	}
	if err := o.rows(t, w); err != nil {
		return err
	}
	return cmp.Or(w.close(), buf.Flush(), f.Close())
}

// rows writes a table's rows.
func (o *folderWriter) rows(t *table, w writer) error {
	switch t {
	case &findingsTable:
		return findings(o.rep, w)
	case &traceTable:
		return w.write(traceRow(o.rep))
	}
	row, n := make([]cell, len(t.columns)), 0
	for _, s := range o.spools.all[t.name] {
		err := s.each(func(numbers []int64) error {
			if n++; n%batchRows == 0 && o.ctx.Err() != nil {
				return o.ctx.Err()
			}
			for i := range t.columns {
				row[i] = t.columns[i].of(o.naming, numbers)
			}
			return w.write(row)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// prose is a sentence of a report.
func prose(s string) cell { return textOf(words.Machine(s)) }

func findings(rep *report.Report, w writer) error {
	for i := range rep.Findings {
		f := &rep.Findings[i]
		of, culprit := null, (&naming{nowhere: placeCells{null, null, null, null}}).cellsOf(culpritOf(f))
		if f.Of > 0 {
			of = numberOf(int64(f.Of))
		}
		err := w.write([]cell{numberOf(int64(f.Number)), textOf(f.ID), textOf(string(f.Severity)), prose(f.Title), numberOf(f.CostNS), prose(f.CostOf), of, prose(f.What), prose(f.Why),
			culprit.fn, culprit.file, culprit.line, prose(f.Advice), textOf(f.Sure), prose(f.SureWhy)})
		if err != nil {
			return err
		}
	}
	return nil
}

// culpritOf is the place of the first stack that a finding shows.
func culpritOf(f *report.Finding) *names.Place {
	for _, s := range f.Stacks {
		if at := names.PlaceOf(s.Frames); at != nil {
			return &names.Place{At: *at}
		}
	}
	return nil
}

func traceRow(rep *report.Report) []cell {
	t, procs := &rep.Trace, null
	if len(t.Gomaxprocs) > 0 {
		procs = numberOf(int64(t.Gomaxprocs[0].N))
	}
	return []cell{textOf(t.Name), textOf(t.Program), textOf(t.GoVersion), textOf(t.Start), numberOf(t.DurationNS), numberOf(t.From), numberOf(t.To), procs,
		numberOf(t.Events), numberOf(t.Goroutines), flagOf(t.Complete), textOf(strings.Join(losses(t), "; ")), prose(rep.Verdict.Headline), textOf(rep.Version), textOf(Version)}
}

// Queries are SQL that answers common questions, one file for each: they read the Parquet
// files of the folder that they are run in.
//
//go:embed queries/*.sql
var Queries embed.FS

// queries writes the queries, for the format of the tables.
func (o *folderWriter) queries() error {
	dir := filepath.Join(o.dir, queriesFolder)
	if err := os.Mkdir(dir, 0o777); err != nil {
		return err
	}
	for _, name := range queryNames() {
		sql, err := Queries.ReadFile(queriesFolder + "/" + name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(reading(string(sql), o.format)), 0o666); err != nil {
			return err
		}
	}
	return nil
}

// reading is a query for tables of a format.
func reading(sql string, f Format) string {
	if f == CSV {
		for _, t := range all() {
			sql = strings.ReplaceAll(sql, fmt.Sprintf("read_parquet('%s.parquet')", t.name), fmt.Sprintf("read_csv('%s.csv', all_varchar = false)", t.name))
		}
	}
	return sql
}

// queryNames are the files of Queries.
func queryNames() []string {
	var out []string
	entries, err := fs.ReadDir(Queries, queriesFolder)
	if err != nil {
		panic(err) // it is embedded
	}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return slices.Sorted(slices.Values(out))
}
