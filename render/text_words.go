package render

import (
	"regexp"
	"strings"

	"gmptrace/analyze/report"
)

// plainWords are those of the scheduler that an answer can't do without, for who has never
// met them: in fewer words than the glossary, which is there to be looked up.
var plainWords = []struct {
	said string // as a regular expression
	text string
}{
	{`Ps?|P\d+`, "P (a slot to run Go code; there are GOMAXPROCS of them)"},
	{`runnable`, "runnable (ready to run, and waiting for a P)"},
	{`global queue`, "global queue (where goroutines stand that are in no P's own)"},
	{`time slices?`, "time slice (10\u00a0ms, after which a goroutine is made to give way to others)"},
	{`[Mm]ark assists?`, "mark assist (who allocates has to help the garbage collector)"},
	{`[Mm]ark workers?`, "mark worker (one of the garbage collector's own goroutines)"},
	{`[Ww]orld (?:was|is|has) (?:been )?(?:being )?stopped|stop(?:s|ped)? the world|stop-the-world`, "the world stops (no goroutine may run meanwhile)"},
}

// alone finds a word where it stands for itself: not within the name of a function.
func alone(said string) *regexp.Regexp {
	return regexp.MustCompile(`(?m)(?:^|[\pZ(;:,])(?:` + said + `)(?:$|[\pZ),;:]|\.(?:\pZ|$))`)
}

// words says what those mean that an answer has.
func (t *terminal) words(answer ...string) {
	said := strings.Join(answer, "\n")
	var found []string
	for i := range plainWords {
		if w := &plainWords[i]; alone(w.said).MatchString(said) {
			found = append(found, w.text)
		}
	}
	if len(found) > 0 {
		t.wrap("Words: ", "       ", strings.Join(found, ", ")+".")
	}
}

// verdictSays is what a report's answer says, and of the findings what a summary has.
func verdictSays(r *report.Report) []string {
	says := []string{r.Verdict.Headline, r.Verdict.Detail, r.Verdict.Advice}
	for _, f := range shownFindings(r) {
		says = append(says, f.Title)
		if f.Severity != report.SeverityInfo {
			says = append(says, f.CostOf)
		}
	}
	return says
}
