package diagnose

import (
	"strings"
	"testing"

	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
)

// TestDiskAdvice: what is written to may be a pipe that nobody reads, what is synced is not.
func TestDiskAdvice(t *testing.T) {
	d := &disk{names: &names.Table{Stacks: [][]report.Frame{nil,
		{{Func: "syscall.Write"}, {Func: "os.(*File).Write"}, {Func: "main.log"}},
		{{Func: "syscall.Fsync"}, {Func: "os.(*File).Sync"}, {Func: "main.save"}},
	}}}
	for _, c := range []struct {
		writes, syncs int64
		pipe          bool
	}{{60, 40, true}, {40, 60, false}} {
		d.slowNS, d.places = c.writes+c.syncs, map[uint32]*callPlace{1: {ns: c.writes}, 2: {ns: c.syncs}}
		if got := d.advice(); strings.HasPrefix(got, "If what is written to is a pipe") != c.pipe || !strings.Contains(got, "Look at the disk") {
			t.Errorf("%d ns in writes, %d in syncs: %q", c.writes, c.syncs, got)
		}
	}
}
