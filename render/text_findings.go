package render

import (
	"io"

	"gmptrace/analyze/report"
)

// Findings writes what the checks of a report found, with their evidence, as Text does,
// and what those measured that found nothing; no other figures.
func Findings(w io.Writer, r *report.Report, opt TextOptions) error {
	opt.short = true
	return textSections(w, r, opt, textIdentity, textChecked)
}

func textChecked(t *terminal, r *report.Report) {
	if len(r.Findings) > 0 {
		t.heading(worstFirst, "") // without the verdict
		t.findings(r)
	}
	if tooLittle(r) || len(silent(r))+len(undecided(r.Checks)) > 0 {
		textChecks(t, r)
	}
}
