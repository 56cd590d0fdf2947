package whatif

import (
	"fmt"
	"strings"
	"testing"
)

// mutexEvents are two goroutines of which each takes a mutex for 1 ms and computes 1 ms without
// it, in turn, so that one waits half of the time: in every second round nobody does.
func mutexEvents(rounds int) string {
	var b strings.Builder
	b.WriteString(`gomaxprocs n=2
status-p q=0 m=0 p=0 state=held
status-p q=1 m=1 p=1 state=held
status-g g=1 m=0 p=0 by=1 state=running fn=main.main
newproc g=2 p=0 m=0 by=1 fn=main.writer
newproc g=3 p=0 m=0 by=1 fn=main.writer
goexit g=1 p=0 m=0
execute g=2 p=0 m=0
execute g=3 p=1 m=1
`)
	const lock = "reason=sync fn=sync.(*Mutex).Lock<main.add<main.writer"
	for range rounds {
		fmt.Fprintf(&b, `park g=3 p=1 m=1 %[1]s dt=100us
ready g=3 p=0 m=0 by=2 dt=900us
execute g=3 p=1 m=1
park g=2 p=0 m=0 %[1]s dt=100us
ready g=2 p=1 m=1 by=3 dt=900us
execute g=2 p=0 m=0
`, lock)
	}
	b.WriteString("goexit g=2 p=0 m=0 dt=1ms\ngoexit g=3 p=1 m=1\n")
	return b.String()
}

// TestMutexes: a mutex that shows is taken by one goroutine at a time in whatever order, and
// where it is none any more goroutines do at once what they did one after the other.
func TestMutexes(t *testing.T) {
	c, w := workloadOf(t, mutexEvents(20))
	if c.mutexes != 1 || w.Mutexes != 1 {
		t.Fatalf("%d mutexes, want one", c.mutexes)
	}
	if two := spanOf(t, w, 2); two < 38_000_000 || two > 44_000_000 {
		t.Errorf("with two Ps %d, want about 41 ms", two)
	}
}
