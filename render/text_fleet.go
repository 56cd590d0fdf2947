package render

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"gmptrace/analyze/fleet"
	"gmptrace/analyze/words"
)

// How much of each list the text has: all is in the page or the JSON.
const (
	textFleetCauses    = 6
	textFleetFindings  = 8
	textFleetQuantiles = 24
	textFleetOutliers  = 8
	textFleetChanges   = 10
	textFleetLost      = 5
)

// FleetText writes what is told of a fleet for a terminal: the answer first.
func FleetText(w io.Writer, r *fleet.Result, links FleetLinks, opt TextOptions) error {
	safe := mapped(*r, words.Printable)
	out := bufio.NewWriter(w)
	t := newTerminal(out, opt)
	t.wrap("", "", safe.Headline, bold)
	t.wrap("", "", safe.Detail)
	t.wrap("", "", safe.Advice)
	t.line("")
	t.fleetCauses(&safe)
	t.fleetFindings(&safe, &links)
	t.fleetQuantiles(&safe)
	t.fleetOutliers(&safe)
	t.fleetChanges(&safe)
	t.fleetLost(&safe)
	for _, n := range safe.Notes {
		t.wrap("  - ", "    ", n)
	}
	if len(opt.Next) > 0 {
		t.apart()
	}
	t.next(opt.Next, opt)
	t.again(safe.Headline, bold)
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing the fleet as text: %w", err)
	}
	return nil
}

// fleetCauses lists the causes of the first sample that has any.
func (t *terminal) fleetCauses(r *fleet.Result) {
	for _, s := range sampleTitles {
		list := r.Shown(s.Sample)
		if len(list) == 0 {
			continue
		}
		t.heading(s.Title, "")
		tab := table{align: "rrlw", left: 3}
		for _, c := range list[:min(len(list), textFleetCauses)] {
			tab.add(words.Share(c.Share), words.Count(c.Traces), whereText(c.NHosts, c.NBuild), c.Words())
		}
		t.table(tab, "time", "traces", "seen on", fmt.Sprintf("cause, of %s traces that tell", words.Count(list[0].Of)))
		t.more(len(list)-textFleetCauses, "cause")
		return
	}
}

func (t *terminal) fleetFindings(r *fleet.Result, links *FleetLinks) {
	if len(r.Findings) == 0 {
		return
	}
	t.heading("Findings, and the traces in which they are worst", "")
	for _, f := range r.Findings[:min(len(r.Findings), textFleetFindings)] {
		where := ""
		if f.NHosts+f.NBuild > 0 {
			where = " on " + whereText(f.NHosts, f.NBuild)
		}
		t.wrap("   ", "     ", fmt.Sprintf("%s in %s of %s traces%s: %s", f.ID, words.Count(f.Traces), words.Count(f.Of), where, f.Text))
		var at []string
		for _, c := range f.Lines[:min(len(f.Lines), 3)] {
			at = append(at, fmt.Sprintf("%s (%s)", c.Name, words.Count(c.Traces)))
		}
		if len(at) > 0 {
			t.wrap("     ", "     ", "At "+strings.Join(at, ", "), faint)
		}
		for _, w := range f.Worst {
			t.wrap("     ", "       ", words.Length(w.CostNS)+" "+words.Printable(links.File(w)), faint)
		}
	}
	t.line("")
	t.more(len(r.Findings)-textFleetFindings, "finding")
}

func (t *terminal) fleetQuantiles(r *fleet.Result) {
	tab := table{align: "llrrr", left: 3}
	n := 0
	for _, q := range r.Quantiles {
		if q.Of == fleet.OfBlocked {
			continue
		}
		if n++; n > textFleetQuantiles {
			continue
		}
		tab.add(quantileOf(q), partyName(q.Build), words.Count(q.Traces), quantileText(q.P50), words.P99(q.Count, quantileText(q.P99)))
	}
	if n == 0 {
		return
	}
	t.heading("How long things take", "")
	t.table(tab, "what", "build", "traces", "p50", "p99")
	t.more(n-textFleetQuantiles, "distribution")
}

func (t *terminal) fleetOutliers(r *fleet.Result) {
	if len(r.Outliers) == 0 {
		return
	}
	t.heading("Hosts that stand out", "")
	for _, o := range r.Outliers[:min(len(r.Outliers), textFleetOutliers)] {
		t.wrap("   ", "     ", o.Host+": "+o.Text+".")
	}
	t.line("")
	t.more(len(r.Outliers)-textFleetOutliers, "line")
}

func (t *terminal) fleetChanges(r *fleet.Result) {
	if len(r.Changes) == 0 {
		return
	}
	t.heading("What changed between builds", "")
	for _, c := range r.Changes[:min(len(r.Changes), textFleetChanges)] {
		t.wrap("   ", "     ", fmt.Sprintf("%s → %s, %s: %s.", c.Old, c.New, changeWord(c), c.Text))
	}
	t.line("")
	t.more(len(r.Changes)-textFleetChanges, "change")
}

func (t *terminal) fleetLost(r *fleet.Result) {
	if len(r.Lost) == 0 {
		return
	}
	t.heading("Could not be read", "")
	for _, l := range r.Lost[:min(len(r.Lost), textFleetLost)] {
		t.wrap("   ", "     ", partyName(l.Path)+": "+l.Text)
	}
	t.line("")
	t.more(int(r.Traces.Unreadable)-min(len(r.Lost), textFleetLost), "trace")
}
