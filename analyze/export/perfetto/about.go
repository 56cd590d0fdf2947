package perfetto

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// findings writes what was found: at each moment that shows it, worst first, or where
// there is none at the beginning.
func (x *exporter) findings(found []report.Finding) {
	for i := range found {
		f := &found[i]
		moments := f.Moments
		if len(moments) == 0 {
			moments = []report.Moment{{Start: x.tr.From, G: model.NoG, P: model.NoP, M: -1}}
		}
		for k := range moments {
			x.finding(f, &moments[k], k == 0)
		}
	}
}

// finding writes one moment of a finding; the first one says all that there is to say.
func (x *exporter) finding(f *report.Finding, m *report.Moment, first bool) {
	s := x.notes
	s.begin(typeInstant, x.found)
	s.category("finding")
	s.named(plain(f.Title))
	s.annotateText("severity", string(f.Severity))
	s.annotateInt("number", int64(f.Number))
	s.annotateText("check", f.ID)
	if m.Text != "" {
		s.annotateOnce("moment", plain(m.Text))
	}
	if m.G > 0 {
		s.annotateInt("G", int64(m.G))
	}
	if m.P >= 0 {
		s.annotateInt("P", int64(m.P))
	}
	if m.End > m.Start {
		s.annotateInt("length_ns", m.End-m.Start)
	}
	if first {
		for _, a := range [][2]string{{"what", f.What}, {"why", f.Why}, {"advice", f.Advice}, {"sure", f.Sure}, {"sure because", f.SureWhy}} {
			if a[1] != "" {
				s.annotateOnce(a[0], plain(a[1]))
			}
		}
		if f.CostNS > 0 {
			s.annotateOnce("cost", plain(words.Length(f.CostNS)+" ("+f.CostOf+")"))
		}
	}
	s.end(x.session.Zero + model.Time(m.Start))
}

// plain is a sentence for a page that is not ours: without the marks between digits.
func plain(s string) string { return words.Text(s) }

// about says what the file is of, what the trace lacks, and what was assumed.
func (x *exporter) about() {
	t := &x.tr
	x.remark("gmptrace: what is here", x.overview())
	for _, l := range t.Lost {
		x.remark("lost: "+l.Text, nil)
	}
	for _, n := range t.Notes {
		x.remark("note: "+n, nil)
	}
	if g := x.goroutines; g != nil && g.left > 0 {
		x.remark(fmt.Sprintf("left out: %s beyond the first %s have no track of their own (--max-tracks); on Ps they are all", words.Plural(g.left, "goroutine"), words.Count(x.opt.MaxTracks)), nil)
	}
	if m := x.threads; m != nil && m.left > 0 {
		x.remark(fmt.Sprintf("left out: %s beyond the first %s have no track (--max-tracks)", words.Plural(m.left, "thread"), words.Count(x.opt.MaxTracks)), nil)
	}
	if m := x.marks; m != nil && m.left > 0 {
		x.remark(fmt.Sprintf("left out: %s, as very many were open at once (--max-tracks)", words.Plural(m.left, "task, region or message")), nil)
	}
	if wall, err := time.Parse(time.RFC3339Nano, t.Start); err == nil {
		x.w.wall(wall.UnixNano())
	}
}

// program is what the process is called.
func (x *exporter) program() string {
	switch name := x.tr.Program; name {
	case "", ".":
		return "Go program"
	default:
		return name
	}
}

// overview is what is known of the trace.
func (x *exporter) overview() [][2]string {
	t := &x.tr
	var ps []string
	for _, g := range t.Gomaxprocs {
		ps = append(ps, strconv.Itoa(g.N))
	}
	return [][2]string{
		{"program", t.Program}, {"Go", t.GoVersion}, {"Go assumed", t.GoAssumed}, {"format", t.Format},
		{"GOMAXPROCS", strings.Join(ps, ", then ")}, {"start", t.Start},
		{"complete", strconv.FormatBool(t.Complete)},
		{"dispatches", "where a goroutine came from is inferred: certain says that no other place fits the scheduler's rules"},
		{"Ps busy", "Ps that run a goroutine, or that one in a system call still holds"},
		{"tracks", x.opt.Tracks.String()},
	}
}

// remark is an instant on the track that is about the trace.
func (x *exporter) remark(name string, said [][2]string) {
	s := x.notes
	s.begin(typeInstant, x.aboutTrack)
	s.category("about")
	s.called(plain(name))
	for _, a := range said {
		if a[1] != "" {
			s.annotateOnce(a[0], plain(a[1]))
		}
	}
	s.end(x.session.Zero + model.Time(x.tr.From))
}
