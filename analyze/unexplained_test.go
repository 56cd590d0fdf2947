package analyze

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"gmptrace/analyze/replay"
)

// TestUnexplainedQueues: queues that are not in the order of the rules are called
// that and no more. A program built with -race shuffles them, and no stack of this
// one shows it; the same program built without does not.
func TestUnexplainedQueues(t *testing.T) {
	for name, want := range map[string]bool{"webshop-go1.26-p2-race": true, "webshop-go1.26-p2-endpoint": false, "webshop-go1.26-p4": false} {
		f, err := os.Open("../fixtures/traces/real/" + name + ".trace")
		if err != nil {
			t.Fatal(err)
		}
		rep, err := Analyze(context.Background(), f, Options{Options: replay.Options{Name: "app.trace"}})
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		if rep.Trace.Unexplained != want || rep.Trace.Race {
			t.Errorf("%s: queues unexplained %v, want %v; race %v", name, rep.Trace.Unexplained, want, rep.Trace.Race)
		}
		if said := strings.Contains(strings.Join(rep.Trace.Notes, " "), "not explained by the rules"); said != want {
			t.Errorf("%s: notes %q", name, rep.Trace.Notes)
		}
		all, err := json.Marshal(rep)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(all), "-race") {
			t.Errorf("%s: the report speaks of -race, which nothing in the trace shows", name)
		}
	}
}
