package render

import (
	"testing"

	"gmptrace/analyze/report"
)

// TestUnnamed: beside a handler's requests stands how many show no handler at all.
func TestUnnamed(t *testing.T) {
	named, without := report.Population{Name: "main.rank", Count: 9}, report.Population{Count: 24}
	for _, x := range []struct {
		kind   report.InstanceKind
		groups []report.Population
		want   string
	}{
		{report.KindRequest, []report.Population{named, without}, "; the handler of 24 more does not show, which may be of these too"},
		{report.KindRequest, []report.Population{without, named}, ""},
		{report.KindRequest, []report.Population{named}, ""},
		{report.KindTask, []report.Population{named, without}, ""},
		{report.KindRequest, nil, ""},
	} {
		if got := unnamed(&report.Explanation{Kind: x.kind, Groups: x.groups}); got != x.want {
			t.Errorf("%s of %+v: %q, want %q", x.kind, x.groups, got, x.want)
		}
	}
}
