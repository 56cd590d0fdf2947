package render

import (
	"strings"
	"testing"

	"gmptrace/analyze/report"
)

// TestMapped shows that the copy is complete: strings at every depth changed,
// no nil slices, the original untouched.
func TestMapped(t *testing.T) {
	in := report.Report{Findings: []report.Finding{{Title: "a", Stacks: []report.Stack{{Frames: []report.Frame{{Func: "b", Line: 7}}}}}}}
	out := mapped(in, strings.ToUpper)
	f := out.Findings[0]
	if f.Title != "A" || f.Stacks[0].Frames[0].Func != "B" || f.Stacks[0].Frames[0].Line != 7 {
		t.Errorf("strings or numbers were lost: %+v", f)
	}
	if in.Findings[0].Title != "a" {
		t.Error("the original was changed")
	}
	if out.Checks == nil || f.Moments == nil || out.Overview.Runnable == nil {
		t.Error("a nil slice stayed nil")
	}
}
