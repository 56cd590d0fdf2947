package names

import (
	"testing"

	"gmptrace/analyze/report"
)

// TestPlaces: the innermost frame of the program's own code is the place, whatever it
// has called and whoever has called it.
func TestPlaces(t *testing.T) {
	const mod, goroot = "/home/u/go/pkg/mod/", "/usr/local/go/src/"
	own := report.Frame{Func: "main.(*table).export", File: "/home/u/app/main.go", Line: 33}
	handler := report.Frame{Func: "shop/api.Export", File: "/home/u/app/api/api.go", Line: 12}
	for _, x := range []struct {
		name   string
		frames []report.Frame
		want   Place
	}{
		{"sleeps", []report.Frame{{Func: "time.Sleep", File: goroot + "time/sleep.go"}, own, handler, {Func: "net/http.HandlerFunc.ServeHTTP", File: goroot + "net/http/server.go"}},
			Place{At: own, Callee: "time.Sleep", From: handler.Func, Own: true}},
		{"called through others, which are nearer than the handler", []report.Frame{{Func: "shop/kv.do"}, {Func: "shop/kv.Get"}, {Func: "main.price"}, {Func: "main.total"}, {Func: "main.total.func1"}, handler, {Func: "net/http.HandlerFunc.ServeHTTP"}},
			Place{At: report.Frame{Func: "shop/kv.do"}, Near: "main.price", Above: "main.total", From: handler.Func, Own: true}},
		{"called by another of its package, and that by the handler's closure", []report.Frame{own, {Func: "main.all"}, {Func: "main.serve.func1"}, {Func: "main.serve"}, {Func: "net/http.HandlerFunc.ServeHTTP"}},
			Place{At: own, Near: "main.all", Above: "main.serve", From: "main.serve", Own: true}},
		{"called through its own package alone, from another", []report.Frame{{Func: "shop/kv.do"}, {Func: "shop/kv.Get"}, {Func: "main.serve"}},
			Place{At: report.Frame{Func: "shop/kv.do"}, From: "main.serve", Own: true}},
		{"behind a helper that was given what it calls", []report.Frame{{Func: "main.decode"}, {Func: "main.(*source).next"}, {Func: "main.index"}, {Func: "main.main.func1"}, {Func: "shop/kit.During"}, {Func: "main.main"}},
			Place{At: report.Frame{Func: "main.decode"}, Near: "main.(*source).next", Above: "main.index", From: "main.main", Own: true}},
		{"a helper with one in it", []report.Frame{{Func: "shop/kv.do"}, {Func: "shop/retry.Do"}, {Func: "shop/kv.Get"}, {Func: "main.price"}, {Func: "main.serve"}},
			Place{At: report.Frame{Func: "shop/kv.do"}, Near: "main.price", Above: "main.serve", From: "main.serve", Own: true}},
		{"in a closure that a helper calls", []report.Frame{{Func: "main.announce"}, {Func: "main.serve.func1"}, {Func: "main.each"}, {Func: "main.serve"}},
			Place{At: report.Frame{Func: "main.announce"}, From: "main.serve", Own: true}},
		{"what serves calls it too", []report.Frame{{Func: "shop/kit.Spin"}, {Func: "main.price"}, {Func: "main.serve"}, {Func: "net/http.HandlerFunc.ServeHTTP"}, {Func: "shop/kit.Handle"}},
			Place{At: report.Frame{Func: "shop/kit.Spin"}, Near: "main.price", Above: "main.serve", From: "main.serve", Own: true}},
		{"behind middleware", []report.Frame{own, handler, {Func: "net/http.HandlerFunc.ServeHTTP"}, {Func: "shop/api.logged.func1"}, {Func: "net/http.HandlerFunc.ServeHTTP"}},
			Place{At: own, From: handler.Func, Own: true}},
		{"behind middleware that goes on with its router's help", []report.Frame{own, handler, {Func: "github.com/x/gin.(*Context).Next", File: mod + "gin.go"}, {Func: "main.main.func2"}, {Func: "github.com/x/gin.(*Context).Next", File: mod + "gin.go"}, {Func: "net/http.(*conn).serve"}},
			Place{At: own, From: handler.Func, Own: true}},
		{"what a client calls is no handler", []report.Frame{own, {Func: "shop/api.(*signer).sign"}, {Func: "github.com/x/otel.(*Transport).RoundTrip", File: mod + "otel.go"}, handler, {Func: "github.com/x/otel.(*Transport).Serve", File: mod + "otel.go"}, {Func: "net/http.(*conn).serve"}},
			Place{At: own, Near: "shop/api.(*signer).sign", Above: handler.Func, From: handler.Func, Own: true}},
		{"behind what calls what it was given", []report.Frame{own, {Func: "main.serve"}, {Func: "shop/kit.Handle.func1"}, {Func: "net/http.HandlerFunc.ServeHTTP"}},
			Place{At: own, Callee: "", From: "main.serve", Own: true}},
		{"called by that", []report.Frame{own, {Func: "shop/kit.Handle.func1"}, {Func: "net/http.HandlerFunc.ServeHTTP"}}, Place{At: own, Own: true}},
		{"of a module only", []report.Frame{{Func: "encoding/json.Marshal"}, {Func: "github.com/x/y.Do", File: mod + "github.com/x/y@v1.0.0/y.go"}},
			Place{At: report.Frame{Func: "github.com/x/y.Do", File: mod + "github.com/x/y@v1.0.0/y.go"}, Callee: "encoding/json.Marshal", Works: "encoding/json.Marshal"}},
		{"loops over what does little", []report.Frame{{Func: "sync/atomic.(*Bool).Load", File: goroot + "sync/atomic/type.go"}, own}, Place{At: own, Callee: "sync/atomic.(*Bool).Load", Own: true}},
		{"own behind a module", []report.Frame{{Func: "github.com/x/y.Do", File: "github.com/x/y@v1.0.0/y.go"}, own},
			Place{At: own, Callee: "github.com/x/y.Do", Works: "github.com/x/y.Do", Own: true}},
		{"blocked in a library", []report.Frame{{Func: "sync.(*Mutex).Lock"}, {Func: "log.Printf"}, own}, Place{At: own, Callee: "log.Printf", Own: true}},
		{"wrapped", []report.Frame{own, {Func: "sync.(*WaitGroup).Go.func1"}}, Place{At: own, Own: true}},
		{"the runtime alone", []report.Frame{{Func: "runtime.gcMarkDone"}, {Func: "runtime.gcBgMarkWorker"}}, Place{}},
	} {
		n := NewNumbering()
		got := n.Table.Places().Of(n.Stack(StackFrames{Key: x.name, Frames: x.frames}))
		if got == nil {
			got = &Place{}
		}
		if *got != x.want {
			t.Errorf("%s: got %+v, want %+v", x.name, *got, x.want)
		}
	}
}

// TestPlaceCaller: who leads to all that the reader is told of anyway says nothing new.
func TestPlaceCaller(t *testing.T) {
	x, root := Place{Near: "main.price", From: "api.Export"}, Place{Near: "main.price", From: "main.main"}
	for _, c := range []struct{ got, want string }{
		{x.Caller(""), "api.Export"}, {x.Caller("api.Export"), "main.price"}, {root.Caller(""), "main.price"},
		{(&Place{From: "api.Export"}).Caller("api.Export"), "api.Export"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

// TestPlacesBehindCopies: a closure that the compiler copied for each handler leads to none in
// particular.
func TestPlacesBehindCopies(t *testing.T) {
	n := NewNumbering()
	var stacks []uint32
	for _, fn := range []string{"main.main.logged.func1", "main.main.logged.func2"} {
		stacks = append(stacks, n.Stack(StackFrames{Key: fn, Frames: []report.Frame{{Func: "main.accept", File: "/app/main.go", Line: 9}, {Func: "main.collect", File: "/app/main.go", Line: 20}, {Func: fn, File: "/app/log.go", Line: 7}}}),
			n.Stack(StackFrames{Key: fn + " alone", Frames: []report.Frame{{Func: "main.accept", File: "/app/main.go", Line: 9}, {Func: fn, File: "/app/log.go", Line: 8}}}))
	}
	for i, want := range []string{"main.collect", "main.main.logged.func1", "main.collect", "main.main.logged.func2"} {
		if got := n.Table.Places().Of(stacks[i]); got.From != want {
			t.Errorf("stack %d: from %q, want %q", i, got.From, want)
		}
	}
}

// TestPlacesOfInstalled: a program that was built in the cache of modules is its own
// code there, what it uses is not.
func TestPlacesOfInstalled(t *testing.T) {
	const mod = "/home/u/go/pkg/mod/"
	n := NewNumbering()
	n.Stack(StackFrames{Key: "m", Frames: []report.Frame{{Func: "main.main", File: mod + "github.com/a/caddy/v2@v2.8.0/cmd/caddy/main.go"}}})
	own := report.Frame{Func: "github.com/a/caddy/v2.Serve", File: mod + "github.com/a/caddy/v2@v2.8.0/serve.go"}
	k := n.Stack(StackFrames{Key: "s", Frames: []report.Frame{{Func: "github.com/q/quic.Read", File: mod + "github.com/q/quic@v1.0.0/q.go"}, own}})
	if got := n.Table.Places().Of(k); got == nil || got.At != own || !got.Own {
		t.Errorf("got %+v", got)
	}
}
