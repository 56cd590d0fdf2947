package names

import (
	"strconv"
	"strings"
	"testing"

	"gmptrace/analyze/report"
)

// startsOf knows stacks, each written from its outermost frame on.
func startsOf(stacks ...string) (*Starts, *Numbering) {
	n := NewNumbering()
	for _, s := range stacks {
		n.Stack(StackFrames{Key: s, Frames: framesOf(s)})
	}
	return n.Table.Starts(), n
}

// framesOf are the frames of a stack, each with its line behind a colon and its file behind
// an @, which is else one of its own.
func framesOf(stack string) []report.Frame {
	var frames []report.Frame
	for _, s := range strings.Fields(stack) {
		fn, line, _ := strings.Cut(s, ":")
		at, _ := strconv.ParseUint(line, 10, 64)
		fn, file, _ := strings.Cut(fn, "@")
		if file == "" {
			file = "/home/u/" + fn + ".go"
		}
		if strings.HasPrefix(fn, "github.com/") || strings.HasPrefix(fn, "golang.org/") {
			file = "/home/u/go/pkg/mod/" + Package(fn) + "@v1.0.0/x.go"
		}
		frames = append([]report.Frame{{Func: fn, File: file, Line: at}}, frames...)
	}
	return frames
}

// TestWrappers: what starts goroutines for others is told by what they run, in one
// line; a function that calls others by name is none.
func TestWrappers(t *testing.T) {
	starts, _ := startsOf(
		"app/kit.Go.func1:7 app/shop.load app/shop.query", "app/kit.Go.func1:7 app/shop.save",
		"main.start.func1:4 main.a", "main.start.func1:4 main.b", "main.start.func1:4 main.c",
		"main.main.func1:4 main.a", "main.main.func1:5 main.b", "main.main.func1:6 main.c", "main.main.func1:6 main.main.func1.1",
		"main.poll.func1:4 main.fetch", "main.poll.func1:4 main.process",
		"app/kit.Run:7 app/shop.load", "app/kit.Run:7 app/shop.save",
		"main.main.Each.func1@/home/u/app/kit.go:9 main.one", "main.a.run.func1@/home/u/x.go:3 main.one", "main.b.run.func1@/home/u/x.go:3 main.two", "main.c.run.func2@/home/u/x.go:3 main.a",
		"main.main.each.func2@/home/u/y.go:34 main.one", "main.main.each.func3@/home/u/y.go:34 main.two",
		"app/kit.Each.func1:9 main.one", "sync.(*WaitGroup).Go.func1 app/deep.Go.func1:3 main.two",
	)
	for fn, want := range map[string]bool{"app/kit.Go.func1": true, "main.start.func1": true, "main.main.func1": false, "main.poll.func1": false, "app/kit.Run": false,
		"main.main.Each.func1": true, "main.main.each.func2": true, "main.main.each.func3": true, "main.a.run.func1": true, "main.c.run.func2": true,
		"app/kit.Each.func1": true, "app/deep.Go.func1": true, "sync.(*WaitGroup).Go.func1": true, "net/http.(*conn).serve": false} {
		if starts.Wrapper(fn) != want {
			t.Errorf("%s: a wrapper is %v, want %v", fn, !want, want)
		}
	}
}

// TestRuns: what runs is the first function that wrappers were given, however many of
// them there are.
func TestRuns(t *testing.T) {
	group := "golang.org/x/sync/errgroup.(*Group).Go.func1"
	conc := "github.com/sourcegraph/conc.(*WaitGroup).Go.func1 github.com/sourcegraph/conc/panics.(*Catcher).Try "
	for stack, want := range map[string]string{
		group + " main.main.func2 main.work":                "main.main.func2",
		group + " main.limited.func1:5 main.work":           "main.work",
		group + " net/http.(*Server).Serve net.(*l).Accept": "net/http.(*Server).Serve",
		group + " sync.(*WaitGroup).Done":                   "",
		group:                                               "",
		conc + "main.work main.inner":                       "main.work",
		"sync.(*WaitGroup).Go.func1 sync.(*WaitGroup).Done sync.(*WaitGroup).Add": "",
		"net/http.(*conn).serve main.handle":                                      "net/http.(*conn).serve",
		"main.main.func1 main.work":                                               "main.main.func1",
	} {
		starts, _ := startsOf("main.limited.func1:5 main.work", "main.limited.func1:5 main.a", "main.limited.func1:5 main.b", stack)
		if got := starts.Runs(framesOf(stack)); got != want {
			t.Errorf("%s: %q runs, want %q", stack, got, want)
		}
	}
}

// TestAlways: a goroutine of which no stack is known is named by what all others with its
// start run, where that is always the same.
func TestAlways(t *testing.T) {
	starts, _ := startsOf("sync.(*WaitGroup).Go.func1 main.work main.a", "sync.(*WaitGroup).Go.func1 main.work main.b", "sync.(*WaitGroup).Go.func1",
		"golang.org/x/sync/errgroup.(*Group).Go.func1 main.x", "golang.org/x/sync/errgroup.(*Group).Go.func1 main.y",
		"app/kit.Go.func1 main.x", "app/kit.Loop.func1 main.x", "app/kit.Loop.func1 app/kit.next")
	for start, want := range map[string]string{
		"sync.(*WaitGroup).Go.func1":                   "main.work",
		"golang.org/x/sync/errgroup.(*Group).Go.func1": "golang.org/x/sync/errgroup.(*Group).Go.func1",
		"app/kit.Go.func1":                             "main.x",
		"app/kit.Loop.func1":                           "app/kit.Loop.func1",
		"main.loop":                                    "main.loop",
		"":                                             "",
	} {
		if got := starts.Always(start); got != want {
			t.Errorf("%s: %q, want %q", start, got, want)
		}
	}
}
