package replay_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"gmptrace/analyze/replay"
	"gmptrace/model"
)

// connections is a watcher that somebody may write: how often goroutines that serve a
// connection were put on a P, and how long the longest of them had been ready for it.
type connections struct {
	session *replay.Session
	times   int
	longest model.Time // ns
}

func newConnections(s *replay.Session) *connections { return &connections{session: s} }

// Watch keeps figures, none of the facts: the next call uses them again.
func (c *connections) Watch(f *model.Facts) {
	for i := range f.Dispatches {
		d := &f.Dispatches[i]
		if c.session.Func(d.Func) == "net/http.(*conn).serve" {
			c.times++
			c.longest = max(c.longest, d.Time-d.Ready)
		}
	}
}

// Run tells a watcher of one's own what the scheduler did.
func ExampleRun() {
	f, err := os.Open("../../fixtures/traces/real/webshop-go1.26-p4.trace")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	var c *connections
	tr, err := replay.Run(context.Background(), f, replay.Options{Name: "webshop"}, func(s *replay.Session) {
		c = replay.Shared(s, newConnections)
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(tr.Program, "on Go", tr.GoVersion)
	fmt.Println("connections were put on a P:", c.times > 1000)
	fmt.Println("one of them waited for it for more than 10 ms:", c.longest > 10_000_000)
	// Output:
	// webshop on Go 1.26
	// connections were put on a P: true
	// one of them waited for it for more than 10 ms: true
}
