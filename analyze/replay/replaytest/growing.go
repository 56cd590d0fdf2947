package replaytest

import (
	"fmt"
	"strings"
)

// Woken is events in which n goroutines become runnable at once on the only P, and
// run one after the other. Each ends a task of its own, where tasks says so, that all
// began before.
func Woken(n int, tasks bool) string {
	var b strings.Builder
	b.WriteString("gomaxprocs n=1\nstatus-p q=0 m=0 p=0 state=held\nstatus-g g=1 m=0 p=0 by=1 state=running fn=main.main\n")
	for g := 2; g < n+2; g++ {
		fmt.Fprintf(&b, "newproc g=%d p=0 m=0 by=1 fn=main.worker\n", g)
		if tasks {
			fmt.Fprintf(&b, "task-begin task=%d by=1 p=0 m=0 name=job\n", g)
		}
	}
	b.WriteString("park g=1 p=0 m=0 reason=sleep fn=main.main\n")
	for g := 2; g < n+2; g++ {
		fmt.Fprintf(&b, "execute g=%d p=0 m=0\n", g)
		if tasks {
			fmt.Fprintf(&b, "task-end task=%d by=%d p=0 m=0\n", g, g)
		}
		fmt.Fprintf(&b, "goexit g=%d p=0 m=0\n", g)
	}
	return b.String()
}
