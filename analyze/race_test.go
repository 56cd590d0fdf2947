package analyze

import (
	"context"
	"os"
	"strings"
	"testing"

	"gmptrace/analyze/replay"
)

// TestRaceBuilt: a program built with -race shuffles its run queues, which shows
// in the order of dispatches alone; the same program built without does not.
func TestRaceBuilt(t *testing.T) {
	for name, want := range map[string]bool{"webshop-go1.26-p2-race": true, "webshop-go1.26-p2-endpoint": false, "webshop-go1.26-p4": false} {
		f, err := os.Open("../fixtures/traces/real/" + name + ".trace")
		if err != nil {
			t.Fatal(err)
		}
		rep, err := Analyze(context.Background(), f, Options{Options: replay.Options{Name: name}})
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		if rep.Trace.Race != want {
			t.Errorf("%s: race %v, want %v", name, rep.Trace.Race, want)
		}
		if said := strings.Contains(strings.Join(rep.Trace.Notes, " "), "-race"); said != want {
			t.Errorf("%s: notes %q", name, rep.Trace.Notes)
		}
	}
}
