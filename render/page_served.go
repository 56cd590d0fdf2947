package render

import (
	"fmt"
	"html/template"
	"io"
	"net/url"
	"regexp"

	"gmptrace/analyze/compare"
	"gmptrace/analyze/report"
	"gmptrace/analyze/whatif"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// Where a served page asks for more than it has: what it asks for stands behind as the
// flags of the command of that name, without their dashes.
const (
	ExplainPath = "explain"
	WhatIfPath  = "whatif"
)

// PageLink is a page beside a served one.
type PageLink struct{ Address, Text string }

// Served is HTML for a server that answers what the page asks for beside it: windows of the
// timeline, with Window, at window?from=…&to=…, and explanations and predictions.
func Served(w io.Writer, r *report.Report, pages ...PageLink) error {
	return writePage(w, r, &pages)
}

// ExplainServed is ExplainHTML with links into the timeline of the report that is served
// at "./", and to explanations of the same trace.
func ExplainServed(w io.Writer, x *report.Explanation, r *report.Report, pages ...PageLink) error {
	return writeExplanation(w, x, &home{r, pages})
}

// WhatIfServed is WhatIfHTML with links to pages.
func WhatIfServed(w io.Writer, x *whatif.Result, pages ...PageLink) error {
	return writeWhatIf(w, x, pages)
}

// DiffServed is DiffHTML with links to pages, and from each change to what explains it in
// the new trace, which is served at newPlace: "new/".
func DiffServed(w io.Writer, r *compare.Result, newPlace string, pages ...PageLink) error {
	return writeDiff(w, r, newPlace, pages)
}

// home is what a served explanation belongs to. In a file there is none: it is nil then.
type home struct {
	report *report.Report
	Pages  []PageLink
}

// At is the address of a moment on the report's timeline.
func (h *home) At(start, length int64, p model.ProcID) string {
	return "./" + link(h.report, start, start+length, p)
}

// askedKind is the address of an explanation of what has a name, as kinds of instances are
// selected. What has none is explained as all of its kind is.
func askedKind(kind report.InstanceKind, name string) string {
	exact := "^" + regexp.QuoteMeta(name) + "$"
	nameless := name == "" || name[0] == '(' // those without a name have one in parentheses
	q := url.Values{}
	switch {
	case kind == report.KindRequest && nameless:
		q.Set("http", ".")
	case nameless, kind == report.KindTurn:
	case kind == report.KindRequest:
		q.Set("http", exact)
	case kind == report.KindTask, kind == report.KindRegion:
		q.Set(string(kind), name)
	case kind == report.KindAt, kind == report.KindLog:
		q.Set(string(kind), exact)
	default:
		q.Set("func", exact)
	}
	return ExplainPath + "?" + q.Encode()
}

// askedGoroutine is the address of the explanation of one goroutine.
func askedGoroutine(g model.GoID) string { return fmt.Sprintf("%s?goroutine=%d", ExplainPath, g) }

// askedMoment is the address of what explains a moment: the longest waits within it.
func askedMoment(m report.Moment) string {
	return fmt.Sprintf("%s?from=%dns&to=%dns", ExplainPath, m.Start, max(m.End, m.Start+1))
}

// askedFirst is the address of what answers a report's verdict, as pageStep names the
// command; "" where nothing does.
func askedFirst(r *report.Report) string {
	switch {
	case r.Slowest.Kind != "":
		return askedKind(r.Slowest.Kind, "")
	case len(r.Findings) > 0 && len(r.Findings[0].Moments) > 0:
		return askedMoment(r.Findings[0].Moments[0])
	}
	return ""
}

// servedPolicy lets a page ask its server.
func servedPolicy() template.HTMLAttr { return policy(bundle, "; connect-src 'self'") }

// safeLinks are pages with names that are safe to print.
func safeLinks(pages []PageLink) []PageLink {
	out := make([]PageLink, 0, len(pages))
	for _, l := range pages {
		out = append(out, PageLink{l.Address, words.Printable(l.Text)})
	}
	return out
}
