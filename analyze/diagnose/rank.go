package diagnose

import (
	"cmp"
	"slices"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// judgeAll asks every judge, ranks what they found, and adds it to the report.
func judgeAll(judges []Judge, rep *report.Report) {
	var found []ranked
	for i := range All {
		c, j := &All[i], judges[i](rep)
		rep.Checks = append(rep.Checks, report.Check{ID: c.ID, Title: c.Title, Measured: j.Measured, Undecided: j.Undecided})
		for _, f := range j.Findings {
			f.ID, f.Fails = c.ID, c.Fails
			f.CostOf = together(f.CostNS, f.CostOf, report.Analysed(rep))
			f.Evidence = slices.DeleteFunc(f.Evidence, func(x report.Evidence) bool { return x.Value == words.None })
			found = append(found, ranked{Finding: f, of: c, with: &j})
		}
	}
	for i, f := range rank(found, slownessOf(rep)) {
		rep.Findings = append(rep.Findings, f.numbered(i+1))
		rep.Checks[slices.IndexFunc(rep.Checks, func(c report.Check) bool { return c.ID == f.ID })].Findings++
	}
	rep.Verdict = verdict(rep)
}

// ranked is a finding on its way to its rank.
type ranked struct {
	report.Finding
	of    *Check
	with  *Judgement
	cause string // title of the finding that explains it

	folded bool // beneath the one that leads those with its costs
	root   bool // what slow requests or tasks lost most to
	felt   bool // a symptom of that, beneath it
}

// rank sorts findings: the severest first, among those the ones that explain why requests
// or tasks were slow, then the costliest, and symptoms behind what explains them. What those
// lost most to is left out where another finding tells of it.
func rank(found []ranked, slow *slowness) []ranked {
	for i := range found {
		found[i].weigh(slow)
	}
	for i := range found {
		if found[i].of.Symptom {
			found[i].findCause(found)
		}
	}
	slices.SortStableFunc(found, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(b.Severity.Rank(), a.Severity.Rank()), a.behind(&b), compareLeads(slow, &a, &b), cmp.Compare(b.CostNS, a.CostNS))
	})
	fold(found)
	found = slow.rooted(found)
	slices.SortStableFunc(found, func(a, b ranked) int { return cmp.Compare(b.order(), a.order()) })
	place(found)
	return found
}

// order is by severity, what slow requests or tasks lost most to first.
func (s *ranked) order() int {
	n := 2 * s.Severity.Rank()
	if s.root {
		n++
	}
	return n
}

// weigh takes a finding for less severe that is not why requests or tasks were slow, though
// they were: a warning for a note. A symptom that a loaded machine has as well is a note where
// they hardly felt it.
func (s *ranked) weigh(slow *slowness) {
	if slow.isFirst(s.Root) {
		s.Severity = worse(s.Severity, slow.severity())
		return
	}
	kinds := s.of.Costs.roots()
	switch {
	case slow == nil || s.of.Counted || kinds == nil || slow.beginLate(kinds):
	case s.of.Symptom && s.of.Costs.ofMachine() && !slow.felt(kinds):
		s.Severity = report.SeverityInfo
	case slow.matters() && slow.little(kinds):
		s.Severity = milder(s.Severity)
	}
}

// milder is one step less severe.
func milder(s report.Severity) report.Severity {
	if s == report.SeverityCritical {
		return report.SeverityWarning
	}
	return report.SeverityInfo
}

// compareLeads puts first what explains most of why they were slow.
func compareLeads(slow *slowness, a, b *ranked) int {
	switch {
	case !slow.matters() || a.leads(slow) == b.leads(slow):
		return 0
	case a.leads(slow):
		return -1
	}
	return 1
}

// leads reports whether the finding explains what the slow ones lost most to, or is that.
func (s *ranked) leads(slow *slowness) bool { return slow.isFirst(s.Root) || slow.leads(s.of.Costs) }

// fold takes findings for notes that look at the time of another one before them: one
// event is one finding, and what else shows of it stands beneath.
func fold(found []ranked) {
	led := map[costs]bool{}
	for i := range found {
		f := &found[i]
		if f.of.Costs == costsNothing || !f.Severity.AtLeast(report.SeverityWarning) {
			continue
		}
		f.folded, led[f.of.Costs] = led[f.of.Costs], true
		if f.folded {
			f.Severity = report.SeverityInfo
		}
	}
}

// place says of those beneath another one beneath which.
func place(found []ranked) {
	leads, root := map[costs]int{}, 0
	for i := range found {
		f := &found[i]
		if leads[f.of.Costs] == 0 {
			leads[f.of.Costs] = i + 1
		}
		if f.root {
			root = i + 1
		}
	}
	for i := range found {
		switch f := &found[i]; {
		case f.felt:
			f.Of = root
		case f.folded && found[leads[f.of.Costs]-1].felt:
			f.Of = root
		case f.folded:
			f.Of = leads[f.of.Costs]
		}
	}
}

// findCause finds the causes that explain at least half of a symptom's cost and are at most
// one step less severe. They become as severe as it, and so go before it: people should
// read first what to change.
func (s *ranked) findCause(found []ranked) {
	var most int64
	for i := range found {
		c := &found[i]
		ns := c.with.Explains[s.ID]
		if ns*2 < s.toExplain() || ns == 0 || c.Severity.Rank()+1 < s.Severity.Rank() {
			continue
		}
		c.Severity = worse(c.Severity, s.Severity)
		if ns > most {
			most, s.cause = ns, c.Title
		}
	}
}

// toExplain is what explanations are compared with.
func (s *ranked) toExplain() int64 { return cmp.Or(s.with.Base, s.CostNS) }

// behind compares findings of one severity: symptoms that have a cause come last.
func (s *ranked) behind(t *ranked) int {
	switch {
	case s.cause == "" && t.cause != "":
		return -1
	case s.cause != "" && t.cause == "":
		return 1
	}
	return 0
}

// numbered is the finding with its place in the report, and its cause named.
func (s *ranked) numbered(n int) report.Finding {
	f := s.Finding
	f.Number = n
	if s.cause != "" {
		f.Why += ` See "` + s.cause + `", which explains at least half of it.`
	}
	return f
}

// graded is the severity of the longest wait for a P, or for what is as bad: critical
// from ten times what counts as starved.
func graded(wait int64) report.Severity {
	switch {
	case wait >= 10*measure.StarvedAfter:
		return report.SeverityCritical
	case wait >= measure.StarvedAfter:
		return report.SeverityWarning
	}
	return report.SeverityInfo
}

// worse is the more severe of the two.
func worse(s, t report.Severity) report.Severity {
	if s.AtLeast(t) {
		return s
	}
	return t
}

// atMost is s, or t if s is more severe.
func atMost(s, t report.Severity) report.Severity {
	if s.AtLeast(t) {
		return t
	}
	return s
}
