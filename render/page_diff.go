package render

import (
	"cmp"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
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
	if err := pageTemplate().ExecuteTemplate(w, "diff.tmpl", p); err != nil {
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

// Pictured are the distributions shown as pictures: those of which anything changed, then
// others.
func (p *diffPage) Pictured() []compare.Change {
	var changed, same []compare.Change
	for _, c := range p.Changes {
		switch {
		case len(c.Bins) < 2 || c.Old.Count == 0 || c.New.Count == 0:
		case len(p.changedOf(&c)) > 0:
			changed = append(changed, c)
		default:
			same = append(same, c)
		}
	}
	slices.SortStableFunc(changed, func(a, b compare.Change) int { return cmp.Compare(groupOf(&a), groupOf(&b)) })
	out := append(changed, same...)
	return out[:min(len(out), maxPictured)]
}

// changedOf are the statistics of the same distribution that changed.
func (p *diffPage) changedOf(c *compare.Change) (out []*compare.Change) {
	for i := range p.Changes {
		x := &p.Changes[i]
		if x.Kind == c.Kind && x.Name == c.Name && (x.Verdict == compare.Worse || x.Verdict == compare.Better || x.Verdict == compare.ByMachine) {
			out = append(out, x)
		}
	}
	return out
}

// Caption says what a picture is of, and what of that changed, which need not be the middle.
func (p *diffPage) Caption(c compare.Change) string {
	text := fmt.Sprintf("%s: p50 %s before, %s now", strings.TrimSuffix(changeName(&c), " "+c.Stat), compare.Amount(c.Old.Median, c.Unit), compare.Amount(c.New.Median, c.Unit))
	var parts []string
	for _, x := range p.changedOf(&c) {
		if x.Unit == "ns" && x.Cause == nil {
			parts = append(parts, fmt.Sprintf("%s %s: %s", x.Stat, verdictWord(*x), deltaText(x)))
		}
	}
	switch {
	case len(parts) > 0:
		return text + " (" + strings.Join(parts, ", ") + ")"
	case len(p.changedOf(&c)) > 0:
		return text + " (few are far longer or shorter)"
	case c.Verdict == compare.Same:
		return text + " (no change can be claimed)"
	}
	return text
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
