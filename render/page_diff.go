package render

import (
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"

	"gmptrace/analyze/compare"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// diffPage is what the template of a comparison draws on.
type diffPage struct {
	*compare.Result
	CSP    template.HTMLAttr
	Style  template.CSS
	Pages  []PageLink    // beside it, where it is served
	Groups []pageChanges // of what changed, what users feel first
	Same   []compare.Change
	Few    int
	Equal  string // says that nothing differs; "" where something does
	Level  string // of severity, for the verdict's colour

	Explains string // where the new trace is served, and can be asked; "" where it is not
}

// Asked is the address of what explains, in the new trace, the lengths that a change is of;
// "" where nothing does.
func (p *diffPage) Asked(c compare.Change) string {
	if p.Explains == "" || c.New.Count == 0 || c.Name == "" {
		return ""
	}
	switch c.Kind {
	case compare.KindRate:
		return ""
	case compare.SeriesRequest, compare.SeriesTask, compare.SeriesRegion:
		return p.Explains + askedKind(report.InstanceKind(c.Kind), c.Name)
	}
	return p.Explains + askedKind(report.KindGoroutine, c.Name)
}

// diffRows are changes as a table of a page.
type diffRows struct {
	Page *diffPage
	List []compare.Change
}

// Rows are changes for a template.
func (p *diffPage) Rows(list []compare.Change) diffRows { return diffRows{p, list} }

// pageChanges are the changes of one of changeGroups.
type pageChanges struct {
	Title string
	List  []compare.Change
}

// DiffHTML writes a comparison as one page that needs nothing else and has no
// script, in the manner of ExplainHTML.
func DiffHTML(w io.Writer, r *compare.Result) error { return writeDiff(w, r, "", nil) }

func writeDiff(w io.Writer, r *compare.Result, explains string, pages []PageLink) error {
	safe := mapped(*r, words.Printable)
	p := &diffPage{Result: &safe, CSP: explainPolicy, Style: pageStyle(), Pages: safeLinks(pages), Explains: explains}
	g := grouped(&safe)
	for i, list := range g.changed {
		if len(list) > 0 {
			p.Groups = append(p.Groups, pageChanges{changeGroups[i], list})
		}
	}
	p.Same, p.Few = g.same, g.few
	if equal(&safe) {
		p.Equal = equalText(&safe)
	}
	for _, c := range safe.Changes {
		if c.Verdict == compare.Worse {
			p.Level = "warning"
		}
	}
	if err := pageTemplate.ExecuteTemplate(w, "diff.tmpl", p); err != nil {
		return fmt.Errorf("writing the comparison's page: %w", err)
	}
	return nil
}

// Differ are the notes that say that the traces are not of the same thing.
func (p *diffPage) Differ() (out []string) {
	for _, n := range p.Notes {
		if strings.Contains(n, " differs: ") {
			out = append(out, n)
		}
	}
	return out
}

// maxPictured is how many distributions are shown as pictures.
const maxPictured = 12

// Pictured are the distributions shown as pictures: those that changed, then
// others.
func (p *diffPage) Pictured() []compare.Change {
	var out []compare.Change
	lists := [][]compare.Change{}
	for _, g := range p.Groups {
		lists = append(lists, g.List)
	}
	for _, list := range append(lists, p.Same) {
		for _, c := range list {
			if len(c.Bins) > 1 && c.Old.Count > 0 && c.New.Count > 0 && len(out) < maxPictured {
				out = append(out, c)
			}
		}
	}
	return out
}

// pairBar is a bin of two histograms. Places and sizes are percent.
type pairBar struct {
	Left, Width float64
	Old, New    float64 // heights
	Title       string
	From        string
	Label       bool // there is room for From
}

// labelRoom is what a label below a histogram needs, in percent of its width.
const labelRoom = 16

// topShare is what the height of a picture stands for: the share of its highest bar.
func topShare(c compare.Change) string {
	most := 0.0
	for _, b := range c.Bins {
		most = max(most, b.Old, b.New)
	}
	return words.Share(most)
}

// pairBars are the bins of a change as two histograms on one scale.
func pairBars(c compare.Change) []pairBar {
	most := 0.0
	for _, b := range c.Bins {
		most = max(most, b.Old, b.New)
	}
	lo, hi := math.Log2(c.Bins[0].Lo), math.Log2(c.Bins[len(c.Bins)-1].Hi)
	span := max(hi-lo, 1e-9)
	var out []pairBar
	labelled := math.Inf(-1)
	for _, b := range c.Bins {
		x := pairBar{Left: 100 * (math.Log2(b.Lo) - lo) / span, Width: 100 * (math.Log2(b.Hi) - math.Log2(b.Lo)) / span,
			Old: percentOf(b.Old, most), New: percentOf(b.New, most), From: words.Length(int64(b.Lo)),
			Title: fmt.Sprintf("%s to %s: %s before, %s now", words.Length(int64(b.Lo)), words.Length(int64(b.Hi)), words.Share(b.Old), words.Share(b.New))}
		if x.Left-labelled >= labelRoom && x.Left < 100-labelRoom/2 {
			x.Label, labelled = true, x.Left
		}
		out = append(out, x)
	}
	return out
}

// verdictWord is a change's verdict in a table.
func verdictWord(c compare.Change) string { return string(c.Verdict) }

// deltaOf is deltaText for a template.
func deltaOf(c compare.Change) string { return deltaText(&c) }

// changeOf is changeName for a template.
func changeOf(c compare.Change) string { return changeName(&c) }

// held is the share of judged occasions on which a rule held.
func held(agreed, judged int64) string {
	if judged == 0 {
		return "–"
	}
	return words.Share(float64(agreed) / float64(judged))
}
