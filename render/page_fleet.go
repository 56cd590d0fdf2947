package render

import (
	"fmt"
	"html/template"
	"io"

	"gmptrace/analyze/fleet"
	"gmptrace/analyze/words"
)

// fleetPage is what the template of a fleet draws on.
type fleetPage struct {
	*fleet.Result
	CSP     template.HTMLAttr
	Style   template.CSS
	Samples []fleetCauses
	Level   string // of severity, for the verdict's colour
	links   *FleetLinks
}

// fleetCauses are the causes of one sample.
type fleetCauses struct {
	ID, Title string
	List      []fleet.Cause
	More      int
}

// FleetHTML writes what is told of a fleet as one page that needs nothing else and has no
// script, in the manner of ExplainHTML.
func FleetHTML(w io.Writer, r *fleet.Result, links FleetLinks) error {
	safe := mapped(*r, words.Printable)
	p := &fleetPage{Result: &safe, CSP: explainPolicy, Style: pageStyle(), links: &links}
	for _, s := range sampleTitles {
		all := 0
		for _, c := range safe.Causes {
			if c.Sample == s.Sample {
				all++
			}
		}
		if list := safe.Shown(s.Sample); len(list) > 0 {
			p.Samples = append(p.Samples, fleetCauses{"causes-" + string(s.Sample), s.Title, list, all - len(list)})
		}
	}
	if len(safe.Findings) > 0 {
		p.Level = "warning"
	}
	if err := pageTemplate().ExecuteTemplate(w, "fleet.tmpl", p); err != nil {
		return fmt.Errorf("writing the fleet's page: %w", err)
	}
	return nil
}

// worstLink is one of the worst traces as the page has it.
type worstLink struct {
	Text, Command string
	Href          string // of its report; "" where there is none
}

// WorstOf are the worst traces, each with its report or the command that writes it.
func (p *fleetPage) WorstOf(list []fleet.Worst) []worstLink {
	var out []worstLink
	for _, w := range list {
		x := worstLink{Text: words.Printable(p.links.File(w)), Href: p.links.Reports[w.Trace]}
		if x.Text == "" {
			x.Text = w.Trace[:min(len(w.Trace), 12)]
		}
		x.Text = words.Length(w.CostNS) + " in " + x.Text
		if x.Href == "" {
			x.Command = p.links.Command(w)
		}
		out = append(out, x)
	}
	return out
}

// tallyText is a host, build or line with its traces.
func tallyText(t fleet.Tally) string {
	s := partyName(t.Name) + " " + words.Count(t.Traces)
	if t.Of > 0 {
		s += " of " + words.Count(t.Of)
	}
	return s
}
