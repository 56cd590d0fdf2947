package diagnose

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// checkSlow measures what the slowest requests, tasks or turns lost most of their time to.
// What it finds stands among the findings where no other check tells of that: see
// slowness.tells.
//
// Threshold: those took 5 ms longer than typical ones, or where typical ones show none as long
// as that in all; see slowness.severity for when it is more than a note.
//
// False positives: some of them are larger than others, and are meant to take longer.
//
// Always decided: of fewer than ten it tells nothing, as then none is usual.
var checkSlow = Check{ID: "slow", Title: "What requests or tasks were slow for", Begin: func(s *replay.Session) Judge {
	return (&slowJudge{bench{s}}).decide
}}

const (
	// slowScenes is how many of the slowest a finding shows.
	slowScenes = 3
	// lookCloser is what to do where the account does not say what to change.
	lookCloser = "See what took the time of each of the slowest, step by step: gmptrace explain."
)

type slowJudge struct{ bench }

func (r *slowJudge) decide(rep *report.Report) Judgement {
	s := slownessOf(rep)
	if s == nil {
		return Judgement{Measured: "too few requests or tasks to say what is usual"}
	}
	j := Judgement{Measured: fmt.Sprintf("%s of %s took %s more than typical %s do", words.Slowest(s.Slow.Count), s.Called, words.Length(s.extra), s.ones())}
	if s.matters() {
		j.Findings = []report.Finding{r.describe(s)}
	}
	return j
}

func (r *slowJudge) describe(s *slowness) report.Finding {
	root := &s.Roots[0]
	lost := root.NS - root.Typical
	f := report.Finding{
		Severity: s.severity(),
		Root:     root,
		Title:    fmt.Sprintf("The slowest %s %s", s.Called, s.spent(lost)),
		CostNS:   lost * s.Slow.Count,
		CostOf:   fmt.Sprintf("time of %s, beyond that of typical %s", words.Slowest(s.Slow.Count), s.ones()),
		What:     s.Headline,
		Why:      s.Detail,
		Advice:   cmp.Or(s.Advice, lookCloser),
		Sure:     root.Sure, SureWhy: root.SureWhy,
	}
	for i := range s.Instances[:min(len(s.Instances), slowScenes)] {
		in := &s.Instances[i]
		f.Moments = append(f.Moments, report.Moment{Start: in.Start, End: in.Start + in.Duration, G: in.G, P: -1, M: -1, Text: "it took " + words.Length(in.Duration)})
	}
	return f
}

// ones names those that slow ones are compared with.
func (s *slowness) ones() string {
	if s.Others {
		return "ones that show no handler"
	}
	return "ones"
}

// spent says what slow ones lost, or spent where those that they are compared with are others.
func (s *slowness) spent(lost int64) string {
	if s.Others {
		return fmt.Sprintf("spent %s each on %s", words.Length(s.Roots[0].NS), s.Roots[0].Text)
	}
	return fmt.Sprintf("lost %s each to %s", words.Length(lost), s.Roots[0].Text)
}

// verdict is what the root says as the answer.
func (s *slowness) verdict(severity report.Severity) report.Verdict {
	return report.Verdict{Severity: severity, Headline: s.Headline, Detail: s.Detail, Advice: s.Advice}
}

// rooted is what was found with what slow ones lost most to: that of the check slow is left
// out where another finding tells of it. What it is told by is as severe as a symptom that it
// outweighs, and notes on its symptoms stand beneath it.
func (s *slowness) rooted(found []ranked) []ranked {
	if !s.matters() {
		return found
	}
	if slices.ContainsFunc(found, s.tells) {
		found = slices.DeleteFunc(found, func(f ranked) bool { return f.ID == checkSlow.ID })
	}
	at := slices.IndexFunc(found, func(f ranked) bool { return s.isFirst(f.Root) })
	if at < 0 {
		return found
	}
	root, who := &found[at], words.Function(s.Roots[0].At.Func)
	root.root = true
	for i := range found {
		f := &found[i]
		switch {
		case i == at || f.folded:
		case f.of.Symptom && f.Severity == report.SeverityInfo && who != "" && strings.Contains(f.Title, who):
			f.felt = true
		case s.outweighs(f.of):
			root.Severity = worse(root.Severity, f.Severity)
		}
	}
	return found
}

// tells reports whether a finding of another check tells of the first root: it is the same, or
// explains what they lost most to. A note that does is enough where the root names nobody.
func (s *slowness) tells(f ranked) bool {
	least := report.SeverityWarning
	if s.Roots[0].At.Func == "" {
		least = s.severity()
	}
	return f.ID != checkSlow.ID && (s.isFirst(f.Root) || f.Severity.AtLeast(least) && s.leads(f.of.Costs))
}

// isFirst reports whether a root is what they lost most to.
func (s *slowness) isFirst(r *report.Root) bool { return r != nil && r == &s.Roots[0] }
