package analyze

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// callsSeen is what a trace tells of system calls.
type callsSeen struct {
	ended, unended, ns, short, held int64 // calls, the time of those ended, and how many of them are marks of 1 ns; so of Ps
}

func (c *callsSeen) Watch(f *model.Facts) {
	for i := range f.Gs {
		switch iv := &f.Gs[i]; {
		case iv.State != model.GSyscall:
		case iv.Unended:
			c.unended++
		default:
			c.ended++
			c.ns += int64(iv.End - iv.Start)
			if iv.End-iv.Start <= 1 {
				c.short++
			}
		}
	}
	for i := range f.Ps {
		if iv := &f.Ps[i]; iv.Does == model.PDoesSyscall && iv.End-iv.Start <= 1 {
			c.held++
		}
	}
}

// TestUnendedCalls: the old format tells the end of a system call only where that lost
// its P. The others are counted, and nothing tells how long they took.
func TestUnendedCalls(t *testing.T) {
	for _, x := range []struct {
		name    string
		unended bool
	}{{"webshop-go1.21-p2", true}, {"webshop-go1.22-p2", false}} {
		data, err := os.ReadFile("../fixtures/traces/real/" + x.name + ".trace")
		if err != nil {
			t.Fatal(err)
		}
		c := &callsSeen{}
		if _, err := replay.Run(context.Background(), bytes.NewReader(data), replay.Options{}, func(s *replay.Session) { s.Add(c) }); err != nil {
			t.Fatal(err)
		}
		if (c.unended > 0) != x.unended || c.ended == 0 || x.unended && c.short+c.held > 0 {
			t.Errorf("%s: %+v", x.name, *c)
		}
		rep := reported(t, data, Options{})
		var ns int64
		for _, f := range rep.Functions {
			ns += f.Syscall
		}
		if ns != c.ns {
			t.Errorf("%s: functions were in system calls for %d ns, the trace tells of %d", x.name, ns, c.ns)
		}
		note := "does not tell the ends of " + words.Plural(c.unended, "system call")
		if said := strings.Contains(strings.Join(rep.Trace.Notes, "\n"), note); said != x.unended {
			t.Errorf("%s: notes %q, want %q: %v", x.name, rep.Trace.Notes, note, x.unended)
		}
		for _, check := range rep.Checks {
			if check.ID == "disk" && strings.Contains(check.Measured, "does not tell the end") != x.unended {
				t.Errorf("%s: %s", x.name, check.Measured)
			}
		}
	}
}
