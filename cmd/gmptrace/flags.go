package main

import (
	"cmp"
	"errors"
	"fmt"
	"go/version"
	"math"
	"slices"
	"strings"
	"time"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/model"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
)

// The types of flags: each parses one value, and where it can't, says what it takes.

// bound is one end of the part of a trace to analyse.
type bound struct {
	replay.Bound
	text string // as given
}

func (b *bound) Type() string   { return "offset" }
func (b *bound) String() string { return b.text }

// Set takes an offset, which is a duration, or a wall-clock time.
func (b *bound) Set(s string) error {
	d, err := time.ParseDuration(s)
	if err == nil && d < 0 {
		return errors.New("an offset from the trace's start must not be negative")
	}
	if err == nil {
		*b = bound{replay.Bound{Set: true, Offset: d}, s}
		return nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.IsZero() {
		return errors.New("need an offset such as 1.5s or 200ms, or a time such as 2026-01-02T15:04:05.000Z")
	}
	*b = bound{replay.Bound{Set: true, Clock: t}, s}
	return nil
}

// empty tells whether nothing can lie between b and to. An offset and a time
// can't be compared before the trace is read.
func (b *bound) empty(to bound) bool {
	if !b.Bound.Set || !to.Bound.Set || b.Clock.IsZero() != to.Clock.IsZero() {
		return false
	}
	if b.Clock.IsZero() {
		return b.Offset >= to.Offset
	}
	return !b.Clock.Before(to.Clock)
}

// byteSize is a number of bytes, given with or without a unit.
type byteSize int64

func (n *byteSize) Type() string   { return "bytes" }
func (n *byteSize) String() string { return humanize.IBytes(uint64(*n)) }

func (n *byteSize) Set(s string) error {
	v, err := humanize.ParseBytes(s)
	if err != nil || v == 0 || v > math.MaxInt64 {
		return errors.New("need a number of bytes such as 500MB or 4GiB")
	}
	*n = byteSize(v)
	return nil
}

// readerName is who decodes the trace: "" is gmptrace's own decoder.
type readerName string

func (r *readerName) Type() string   { return "reader" }
func (r *readerName) String() string { return cmp.Or(string(*r), "own") }

func (r *readerName) Set(s string) error {
	switch s {
	case "own":
		*r = ""
	case replay.ReferenceReader:
		*r = replay.ReferenceReader
	default:
		return errors.New("need one of own, " + replay.ReferenceReader)
	}
	return nil
}

// goVersion is a Go release without its patch level: "1.24". One release beyond
// the newest known rules is taken, for its scheduler is likely much the same;
// later ones are refused.
type goVersion string

func (v *goVersion) Type() string   { return "version" }
func (v *goVersion) String() string { return string(*v) }

func (v *goVersion) Set(s string) error {
	lang := version.Lang("go" + strings.TrimPrefix(s, "go"))
	if lang == "" || version.Compare(lang, "go1.5") < 0 {
		return errors.New("need a version of Go such as 1.24")
	}
	if newest := fmt.Sprintf("go1.%d", model.NewestRules+1); version.Compare(lang, newest) > 0 {
		return fmt.Errorf("the newest scheduler known here is that of Go 1.%d: need %s or older, or a newer gmptrace", model.NewestRules, strings.TrimPrefix(newest, "go"))
	}
	*v = goVersion(strings.TrimPrefix(lang, "go"))
	return nil
}

// severity is the least severity of a finding to fail on; "" fails on none.
type severity string

// severities are all there are, mildest first.
var severities = []report.Severity{report.SeverityInfo, report.SeverityWarning, report.SeverityCritical}

func severityNames() []string {
	var names []string
	for _, s := range severities {
		names = append(names, string(s))
	}
	return names
}

func (s *severity) Type() string   { return "severity" }
func (s *severity) String() string { return string(*s) }

func (s *severity) Set(v string) error {
	if !slices.Contains(severities, report.Severity(v)) {
		return fmt.Errorf("need one of %s", strings.Join(severityNames(), ", "))
	}
	*s = severity(v)
	return nil
}

// choice is one of some names.
type choice struct {
	value string
	names []string
}

// chosen is a choice of names, the first one unless told otherwise.
func chosen(names ...string) choice { return choice{names[0], names} }

func (c *choice) Type() string   { return "format" }
func (c *choice) String() string { return c.value }

func (c *choice) Set(v string) error {
	if !slices.Contains(c.names, v) {
		return fmt.Errorf("need one of %s", strings.Join(c.names, ", "))
	}
	c.value = v
	return nil
}

// complete offers the names to the shell.
func (c *choice) complete(cmd *cobra.Command, flag string) {
	must(cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(c.names, cobra.ShellCompDirectiveNoFileComp)))
}

// The formats of outputs.
const (
	formatText  = "text"
	formatJSON  = "json"
	formatHTML  = "html"
	formatLines = "jsonl"
	formatCSV   = "csv"

	formatJUnit    = "junit"
	formatSARIF    = "sarif"
	formatMarkdown = "markdown"
)
