package replay

import (
	"fmt"
	"strings"
	"testing"

	"gmptrace/analyze/internal/load"
	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// TestVersions: a format is written by several Go versions, of which a path in the
// stacks may tell the one. What is replayed by another version's rules is not said to
// be of that version.
func TestVersions(t *testing.T) {
	const path = "/src/runtime/chan.go"
	for _, x := range []struct{ format, file, want, note string }{
		{"go 1.11", "/usr/local/go" + path, "1.22: the nearest known to those of Go 1.11 to 1.18, which share the trace's format", "a trace of Go 1.11 to 1.18 is"},
		{"go 1.11", "/usr/local/Cellar/go/1.17.2/libexec" + path, "1.22: the nearest known to those of Go 1.17, which paths in the stacks name", "a trace of Go 1.17 is"},
		{"go 1.11", "/sdk/go1.21" + path, "1.22: the nearest known to those of Go 1.11 to 1.18, which share the trace's format", "a trace of Go 1.11 to 1.18 is"},
		{"go 1.19", "", "1.22: the nearest known to those of Go 1.19 to 1.20, which share the trace's format", "a trace of Go 1.19 to 1.20 is"},
		{"go 1.19", "C:/Users/x/sdk/go1.20rc1" + path, "1.22: the nearest known to those of Go 1.20, which paths in the stacks name", "a trace of Go 1.20 is"},
		{"go 1.21", "", "1.22: the nearest known to those of Go 1.21, which the trace's format names", "a trace of Go 1.21 is"},
		{"go 1.22", "/sdk/go1.23.1" + path, "1.22: from the trace's format", ""},
		{"go 1.23", "", "1.23 or 1.24: the format is shared by both, and so are the scheduler's rules", ""},
		{"go 1.23", "/sdk/go1.23.1" + path, "1.23: from paths in its stacks", ""},
		{"go 1.23", "/mod/golang.org/toolchain@v0.0.1-go1.24.4.linux-amd64" + path, "1.24: from paths in its stacks", ""},
		{"go 1.26", "", "1.26: from the trace's format", ""},
		{"go 1.26", "/mod/golang.org/toolchain@v0.0.1-go1.27.4.linux-amd64" + path, "1.27: from paths in its stacks", ""},
	} {
		batch := &load.Batch{Gen: 1, First: true, Format: x.format, Events: []model.Event{
			{Op: model.OpGeneration, G: model.NoG, P: model.NoP, M: model.NoM},
			{Op: model.OpGoStatus, Subject: 1, Arg: int64(model.GWaiting), Stack: 1, G: model.NoG, P: model.NoP, M: model.NoM}},
			Stacks: []names.StackFrames{{Key: "a", Frames: []report.Frame{{Func: "runtime.chanrecv1", File: x.file}, {Func: "main.main"}}}}}
		tr, err := Run(t.Context(), load.Decoded{Batch: batch}, Options{}, func(*Session) {})
		if got := fmt.Sprintf("%s: %s", tr.GoVersion, tr.GoAssumed); err != nil || got != x.want {
			t.Errorf("%s, %s: %v\ngot  %s\nwant %s", x.format, x.file, err, got, x.want)
		}
		if notes := strings.Join(tr.Notes, "; "); !strings.HasPrefix(notes, x.note) || (notes == "") != (x.note == "") {
			t.Errorf("%s, %s: notes %q", x.format, x.file, notes)
		}
	}
}
