package render

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"gmptrace/analyze/report"
)

// TestBriefSure: what is said to be certain or likely is what text calls so, with the reason.
func TestBriefSure(t *testing.T) {
	for _, test := range []struct{ sure, why, want string }{
		{"certain", "it is in the trace", "certain"},
		{"high", "", "certain"},
		{"high", "whose it was is inferred", "likely"},
		{"medium", "it is inferred", "likely"},
		{"low", "the trace does not say", "not told"},
		{"", "", ""},
	} {
		r := &report.Report{Findings: []report.Finding{{Sure: test.sure, SureWhy: test.why}}}
		r.Slowest.Roots = []report.Root{{Sure: test.sure, SureWhy: test.why}}
		var out bytes.Buffer
		var b briefReport
		if err := Brief(&out, r); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out.Bytes(), &b); err != nil {
			t.Fatal(err)
		}
		for _, got := range [][2]string{{b.Roots[0].Sure, b.Roots[0].SureWhy}, {b.Findings[0].Sure, b.Findings[0].SureWhy}} {
			if got != [2]string{test.want, test.why} {
				t.Errorf("%q, %q is %q", test.sure, test.why, got)
			}
		}
	}
}

// TestBrief: a report in short has the verdict, who is behind it and what to do, and
// stays within 8 kB whatever a trace calls things.
func TestBrief(t *testing.T) {
	long := strings.Repeat("größe", 2000)
	r := &report.Report{Verdict: report.Verdict{Severity: report.SeverityCritical, Headline: "It waited.", Advice: "Wait less."}}
	r.Slowest.Kind = report.KindRequest
	for range 20 {
		r.Slowest.Roots = append(r.Slowest.Roots, report.Root{Kind: report.RootLock, At: report.Frame{Func: long, File: long}, Text: long, Advice: long})
		r.Slowest.Instances = append(r.Slowest.Instances, report.Instance{Name: long, Story: []string{long}})
		r.Findings = append(r.Findings, report.Finding{ID: "lock", Title: long, Advice: long, Moments: []report.Moment{{Start: 5, End: 9}}})
	}
	var out bytes.Buffer
	if err := Brief(&out, r); err != nil {
		t.Fatal(err)
	}
	var b briefReport
	if err := json.Unmarshal(out.Bytes(), &b); err != nil {
		t.Fatal(err)
	}
	if out.Len() > briefBytes || b.Verdict != r.Verdict || len(b.Roots) == 0 || len(b.Findings) == 0 {
		t.Errorf("%d bytes, verdict %+v, %d roots, %d findings", out.Len(), b.Verdict, len(b.Roots), len(b.Findings))
	}
	if want := "gmptrace explain --http TRACE,gmptrace explain --from 5ns --to 9ns TRACE,gmptrace report -o report.html TRACE"; strings.Join(b.Next, ",") != want {
		t.Errorf("next are %q", b.Next)
	}
}
