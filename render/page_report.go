package render

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"slices"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

//go:embed templates/*.tmpl
var templates embed.FS

//go:embed static/gmptrace.bundle.js
var bundle string

// page is what the templates draw on.
type page struct {
	*report.Report
	CSP     template.HTMLAttr
	Style   template.CSS
	Script  template.JS
	Strip   strip
	Options map[string]json.RawMessage
	Meta    meta
	Block   template.HTML // base64
	Rows    int
	Pages   []PageLink // beside it, where it is served
}

// HTML writes r as one page that needs nothing else: no request leaves it, and
// nothing that the trace names can act in it. The same Report gives the same
// bytes.
func HTML(w io.Writer, r *report.Report) error { return writePage(w, r, nil) }

// HTMLWithin is HTML in at most so many bytes: slices of the timeline are left out,
// those that show the least first. It returns the page's size, which is more only
// where the page without any slice is larger.
func HTMLWithin(w io.Writer, r *report.Report, most int64) (int64, error) {
	var b bytes.Buffer
	for {
		b.Reset()
		if err := HTML(&b, r); err != nil {
			return 0, err
		}
		tl := r.Timeline
		over := int64(b.Len()) - most
		if over <= 0 || tl == nil || tl.Len() == 0 {
			n, err := b.WriteTo(w)
			return n, err
		}
		short := *r
		keep := int64(tl.Len()) - max(1, over*int64(tl.Len())/max(1, int64(b.Len())-bareSize))
		short.Timeline = tl.Trim(int(max(0, keep)))
		r = &short
	}
}

// bareSize is about what a page has without data.
const bareSize = 850_000

// Window writes as JSON what a page made by Served shows of a timeline.
func Window(w io.Writer, r *report.Report) error {
	safe := mapped(*r, words.Printable)
	packed, err := pack(block(&safe))
	if err != nil {
		return err
	}
	answer := struct {
		Meta  meta   `json:"meta"`
		Block string `json:"block"`
	}{newMeta(&safe), packed}
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		return fmt.Errorf("writing a window of the timeline: %w", err)
	}
	return nil
}

// writePage writes a page that is served, with these beside it, or one for a file: nil.
func writePage(w io.Writer, r *report.Report, served *[]PageLink) error {
	safe := mapped(*r, words.Printable)
	p, err := newPage(&safe)
	if err == nil && served != nil {
		p.Meta.Served, p.CSP, p.Pages = true, servedPolicy(), safeLinks(*served)
	}
	if err != nil {
		return fmt.Errorf("building the report page: %w", err)
	}
	if err := pageTemplate().ExecuteTemplate(w, "page.tmpl", p); err != nil {
		return fmt.Errorf("writing the report page: %w", err)
	}
	return nil
}

func newPage(r *report.Report) (*page, error) {
	packed, err := pack(block(r))
	if err != nil {
		return nil, err
	}
	options, err := options(r)
	if err != nil {
		return nil, err
	}
	return &page{
		Report: r, CSP: policy(bundle, ""), Style: reportStyle(), Script: template.JS(bundle),
		Strip: newStrip(r), Options: options, Meta: newMeta(r), Block: template.HTML(packed), Rows: len(rows(r)),
	}, nil
}

// policy lets the page's one script run and nothing else: no request, no form,
// no script that a name might smuggle in. more adds to that.
func policy(script, more string) template.HTMLAttr {
	sum := sha256.Sum256([]byte(script))
	return template.HTMLAttr(fmt.Sprintf(
		`content="default-src 'none'; script-src 'sha256-%s'; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'%s"`,
		base64.StdEncoding.EncodeToString(sum[:]), more))
}

func options(r *report.Report) (map[string]json.RawMessage, error) {
	all := map[string]json.RawMessage{}
	var err error
	add := func(id string, c interface {
		Validate()
		JSON() map[string]any
	}) {
		if err == nil {
			all[id], err = option(c)
		}
	}
	add(timelineID, timelineChart(r))
	add(latencyID, latencyChart(r))
	add(stealsID, stealsChart(r))
	add(functionsID, functionsChart(r))
	add(livesID, livesChart(r))
	return all, err
}

// meta is what the page's script must know beside the block and the options:
// see static/src/timeline.js.
type meta struct {
	From      int64          `json:"from"`
	To        int64          `json:"to"`
	Rows      []model.ProcID `json:"rows"`
	Names     [][2]string    `json:"names"` // short and full
	Kinds     []string       `json:"kinds"`
	Sources   []string       `json:"sources"`
	Marks     []string       `json:"marks"`
	Kept      [][2]int64     `json:"kept"`
	TileWidth int64          `json:"tileWidth"`
	Ranges    [][4]int64     `json:"ranges"` // start, end, 1 for stop-the-world, index in Causes
	Causes    []string       `json:"causes"`
	Findings  []int          `json:"findings"`         // of those that have a moment, each the number of its first in Moments
	Moments   []place        `json:"moments"`          // of all of them
	Found     int            `json:"found"`            // all
	Served    bool           `json:"served,omitempty"` // windows can be asked for
	Have      int64          `json:"have"`             // slices in the block
	All       int64          `json:"all"`              // in the part that was analysed
	CPUs      *lane          `json:"cpus,omitempty"`
	States    []string       `json:"states"` // that the lane of goroutines counts
	Spans     []spanPlace    `json:"spans"`
	HeapLimit int64          `json:"heapLimit,omitempty"` // bytes
}

// place is where a finding is on the timeline.
type place struct {
	Start  int64        `json:"start"`
	End    int64        `json:"end"`
	P      model.ProcID `json:"p"`
	G      model.GoID   `json:"g"`
	Number int          `json:"number"`
	Title  string       `json:"title"`
	Text   string       `json:"text,omitempty"`
}

func newMeta(r *report.Report) meta {
	m := meta{Rows: rows(r), Names: [][2]string{}, Kept: [][2]int64{}, TileWidth: max(1, r.Overview.Width), Findings: []int{}, Moments: []place{}, Found: len(r.Findings), CPUs: newLane(r), Spans: spanPlaces(r), HeapLimit: heapLimit(r)}
	m.From, m.To = bounds(r)
	for k := range report.NumSliceKinds {
		m.Kinds = append(m.Kinds, k.String())
	}
	for s := range report.NumGoStates {
		m.States = append(m.States, s.String())
	}
	for s := range model.NumSources {
		m.Sources = append(m.Sources, s.String())
	}
	for k := range report.NumMarkKinds {
		m.Marks = append(m.Marks, k.String())
	}
	m.Ranges, m.Causes = ranges(r)
	for _, f := range r.Findings {
		for i, x := range f.Moments {
			a, b := around(r, x.Start, x.End)
			if i == 0 {
				m.Findings = append(m.Findings, len(m.Moments))
			}
			m.Moments = append(m.Moments, place{a, b, x.P, x.G, f.Number, f.Title, x.Text})
		}
	}
	m.timeline(r.Timeline)
	return m
}

// timeline adds the timeline's names and which windows are kept in full.
func (m *meta) timeline(tl *report.Timeline) {
	if tl == nil {
		return
	}
	for _, name := range tl.Names {
		name = words.Printable(name)
		short := "" // where none is known: the script says G12 then
		if name != "" {
			short = words.Function(name)
		}
		m.Names = append(m.Names, [2]string{short, name})
	}
	m.Have = int64(tl.Len())
	m.All = m.Have + tl.LeftOut
	if tl.Complete {
		m.Kept = [][2]int64{{m.From, m.To + 1}}
		return
	}
	for _, w := range tl.Kept {
		m.Kept = append(m.Kept, [2]int64{w.Start, w.End})
	}
}

func ranges(r *report.Report) ([][4]int64, []string) {
	list, causes := [][4]int64{}, []string{}
	from, to := bounds(r)
	for _, g := range r.GC.Ranges {
		if g.End <= from || g.Start >= to {
			continue
		}
		i := slices.Index(causes, g.Cause)
		if i < 0 {
			i, causes = len(causes), append(causes, g.Cause)
		}
		stw := int64(0)
		if g.STW {
			stw = 1
		}
		list = append(list, [4]int64{g.Start, g.End, stw, int64(i)})
	}
	return list, causes
}
