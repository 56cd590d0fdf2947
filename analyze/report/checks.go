package report

import (
	"fmt"
	"slices"
	"strings"
)

// UnknownCheckError says that a report has no check of this id.
type UnknownCheckError struct {
	ID  string
	All []string // that there are
}

func (e *UnknownCheckError) Error() string {
	return fmt.Sprintf("no check is called %q: need some of %s", e.ID, strings.Join(e.All, ", "))
}

// OfChecks is r with the findings and the checks of these ids alone. A report of a trace
// without events has no checks, and any id is as good as another there; else one that no
// check has is an *UnknownCheckError.
func (r *Report) OfChecks(ids []string) (*Report, error) {
	out := *r
	out.Findings, out.Checks = nil, nil
	for _, f := range r.Findings {
		if slices.Contains(ids, f.ID) {
			out.Findings = append(out.Findings, f)
		}
	}
	var all []string
	for _, c := range r.Checks {
		all = append(all, c.ID)
		if slices.Contains(ids, c.ID) {
			out.Checks = append(out.Checks, c)
		}
	}
	for _, id := range ids {
		if len(all) > 0 && !slices.Contains(all, id) {
			slices.Sort(all)
			return nil, &UnknownCheckError{ID: id, All: all}
		}
	}
	return &out, nil
}
