package whatif

import (
	"fmt"
	"strings"
	"testing"
)

// unseenEvents are two goroutines that wait for something outside, and compute for 1.2 ms, of
// which they have a mutex for 1 ms. In each round three meet that have it, and six come by it
// while the other one is outside.
func unseenEvents(rounds int) string {
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
park g=2 p=0 m=0 reason=net fn=main.read<main.writer
park g=3 p=1 m=1 reason=net fn=main.read<main.writer
`)
	const outside, lock = "reason=net fn=main.read<main.writer", "reason=sync fn=sync.(*Mutex).Lock<main.add<main.writer"
	comes := func(g int, after string) {
		fmt.Fprintf(&b, "ready g=%[1]d p=-1 m=%[2]d dt=%[3]s\nexecute g=%[1]d p=%[2]d m=%[2]d\n", g, g-2, after)
	}
	goes := func(g int, after string) {
		fmt.Fprintf(&b, "park g=%[1]d p=%[2]d m=%[2]d %[3]s dt=%[4]s\n", g, g-2, outside, after)
	}
	waits := func(g int, after string) {
		fmt.Fprintf(&b, "park g=%[1]d p=%[2]d m=%[2]d %[3]s dt=%[4]s\n", g, g-2, lock, after)
	}
	frees := func(g int, after string) {
		fmt.Fprintf(&b, "ready g=%[1]d p=%[2]d m=%[2]d by=%[3]d dt=%[4]s\nexecute g=%[1]d p=%[5]d m=%[5]d\n", 5-g, g-2, g, after, 3-g)
	}
	for range rounds {
		comes(2, "100us")
		comes(3, "100us")
		waits(3, "100us")
		frees(2, "900us")
		goes(2, "100us")
		comes(2, "200us")
		waits(2, "100us")
		frees(3, "600us")
		goes(3, "100us")
		goes(2, "1ms")
		for range 3 {
			comes(2, "100us")
			goes(2, "1200us")
			comes(3, "100us")
			goes(3, "1200us")
		}
	}
	comes(2, "1us")
	comes(3, "1us")
	b.WriteString("goexit g=2 p=0 m=0 dt=1ms\ngoexit g=3 p=1 m=1\n")
	return b.String()
}

// TestUnseen: how often a mutex was taken without anybody waiting follows from how often
// somebody waited: 2 of 9 times here, for 1 ms of 11 ms each.
func TestUnseen(t *testing.T) {
	const rounds = 30
	c, _ := workloadOf(t, unseenEvents(rounds))
	takes := func() (n int) {
		for _, g := range c.order {
			for _, m := range g.holds {
				if m.kind == markAcquire {
					n++
				}
			}
		}
		return n
	}
	if n := takes(); c.mutexes != 1 || n < 4*rounds || n > 5*rounds {
		t.Errorf("%d mutexes, taken %d times without a wait; want one, and 4 to 5 of 7 times in each of %d rounds", c.mutexes, n, rounds)
	}
	if !c.onlySeen() || takes() != rounds || c.onlySeen() {
		t.Errorf("taken %d times without a wait where only that counts which somebody noticed; want %d", takes(), rounds)
	}
}
