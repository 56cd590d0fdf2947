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

// readerEvents are two readers of an RWMutex who have it for 1 ms at once, and compute for 1 ms
// each without it, and a writer. In every round both find it taken by the writer, who comes to it
// anew while they have it.
func readerEvents(rounds int) string {
	var b strings.Builder
	b.WriteString(`gomaxprocs n=3
status-p q=0 m=0 p=0 state=held
status-p q=1 m=1 p=1 state=held
status-p q=2 m=2 p=2 state=held
status-g g=1 m=0 p=0 by=1 state=running fn=main.main
newproc g=2 p=0 m=0 by=1 fn=main.writer
newproc g=3 p=0 m=0 by=1 fn=main.reader
newproc g=4 p=0 m=0 by=1 fn=main.reader
goexit g=1 p=0 m=0
execute g=2 p=0 m=0
execute g=3 p=1 m=1
execute g=4 p=2 m=2
`)
	const read, write = "reason=sync fn=sync.(*RWMutex).RLock<main.look<main.reader", "reason=sync fn=sync.(*RWMutex).Lock<main.change<main.writer"
	const look, change = "fn=sync.(*RWMutex).RUnlock<main.look<main.reader", "fn=sync.(*RWMutex).Unlock<main.change<main.writer"
	for range rounds {
		fmt.Fprintf(&b, `park g=3 p=1 m=1 %[1]s dt=100us
park g=4 p=2 m=2 %[1]s dt=1us
ready g=3 p=0 m=0 by=2 %[3]s dt=900us
ready g=4 p=0 m=0 by=2 %[3]s
execute g=3 p=1 m=1
execute g=4 p=2 m=2
park g=2 p=0 m=0 %[2]s dt=10us
ready g=2 p=1 m=1 by=3 %[4]s dt=1ms
execute g=2 p=0 m=0
`, read, write, change, look)
	}
	b.WriteString("goexit g=2 p=0 m=0 dt=1ms\ngoexit g=3 p=1 m=1\ngoexit g=4 p=2 m=2\n")
	return b.String()
}

// TestReaders: readers have an RWMutex at the same time, however many there are.
func TestReaders(t *testing.T) {
	c, w := workloadOf(t, readerEvents(20))
	if c.mutexes != 1 || w.Mutexes != 1 {
		t.Fatalf("%d mutexes, want one", c.mutexes)
	}
	if three := spanOf(t, w, 3); three < 38_000_000 || three > 44_000_000 {
		t.Errorf("with three Ps %d, want about 41 ms", three)
	}
	for _, g := range c.order {
		for _, m := range g.holds {
			if m.at < c.zero {
				t.Errorf("a mark at %d, before the beginning", m.at)
			}
		}
	}
}
