package handlers

import (
	"fmt"
	"testing"

	"gmptrace/analyze/replay/replaytest"
)

// TestHandlers names requests by their stacks: each has one or several, from the server
// inwards.
func TestHandlers(t *testing.T) {
	const std = "net/http.HandlerFunc.ServeHTTP"
	for _, x := range []struct {
		name     string
		requests [][]string
		want     []string
	}{
		{"one handler, and what it calls", [][]string{{std + " main.get main.query database/sql.(*DB).Query"}, {std + " main.get main.render"}}, []string{"main.get", "main.get"}},
		{"one handler behind a mux and middleware of a module", [][]string{{"net/http.(*ServeMux).ServeHTTP example.com/log.Wrap.func1 " + std + " main.get main.query"}}, []string{"main.get"}},
		{"a router, and middleware of the program", [][]string{
			{"github.com/x/mux.(*Mux).ServeHTTP " + std + " main.logged.func1 " + std + " github.com/x/mux.(*Mux).route " + std + " main.users main.query"},
			{"github.com/x/mux.(*Mux).ServeHTTP " + std + " main.logged.func1 " + std + " github.com/x/mux.(*Mux).route " + std + " main.orders main.query"},
			{"github.com/x/mux.(*Mux).ServeHTTP " + std + " main.logged.func1 main.write"},
			{"github.com/x/mux.(*Mux).ServeHTTP " + std + " example.com/auth.Check.func1 example.com/auth.look"},
			{"github.com/x/mux.(*Mux).ServeHTTP " + std + " main.logged.func1 main.write", "github.com/x/mux.(*Mux).ServeHTTP " + std + " main.logged.func1 " + std + " main.users"},
		}, []string{"main.users", "main.orders", "", "example.com/auth.Check.func1", "main.users"}},
		{"middleware that one handler shows", [][]string{
			{std + " main.logged.func1 main.write"},
			{std + " main.logged.func1 " + std + " main.get"},
		}, []string{"", "main.get"}},
		{"middleware calls the function it was given", [][]string{
			{std + " main.logged.func1:7 main.signedIn.func1:9 main.users:3 main.query"},
			{std + " main.logged.func1:7 main.signedIn.func1:9 main.orders:3 main.query"},
			{std + " main.logged.func1:8 main.write"},
		}, []string{"main.users", "main.orders", ""}},
		{"middleware of which the compiler made copies", [][]string{
			{std + " main.main.timed.func1@app/timed.go:7 main.users:3 main.query"},
			{std + " main.main.timed.func2@app/timed.go:7 main.orders:3 main.query"},
			{std + " main.main.timed.func2@app/timed.go:8 main.write"},
		}, []string{"main.users", "main.orders", "main.timed"}},
		{"copies, one of which shows time and again what it was given", [][]string{
			{std + " main.main.(*api).logged.func1@app/api.go:8 main.(*api).collect:20 main.(*api).accept"},
			{std + " main.main.(*api).logged.func1@app/api.go:8 main.(*api).collect:21"},
			{std + " main.main.(*api).logged.func1@app/api.go:7 example.com/log.Info", std + " main.main.(*api).logged.func1@app/api.go:8 main.(*api).collect:20"},
			{std + " main.main.(*api).logged.func1@app/api.go:7 example.com/log.Info"},
			{std + " main.main.(*api).logged.func2@app/api.go:7 example.com/log.Info"},
		}, []string{"main.(*api).collect", "main.(*api).collect", "main.(*api).collect", "main.(*api).collect", "main.(*api).logged"}},
		{"copies, one of which shows once what it was given", [][]string{
			{std + " main.main.(*api).logged.func1@app/api.go:8 main.(*api).collect:20"},
			{std + " main.main.(*api).logged.func1@app/api.go:7 example.com/log.Info"},
			{std + " main.main.(*api).logged.func2@app/api.go:7 example.com/log.Info"},
		}, []string{"main.(*api).collect", "main.(*api).logged", "main.(*api).logged"}},
		{"copies that call the same helper", [][]string{
			{std + " main.main.timed.func1@app/timed.go:8 main.write"},
			{std + " main.main.timed.func2@app/timed.go:8 main.write"},
		}, []string{"main.timed", "main.timed"}},
		{"a closure that is the handler, made where it is registered", [][]string{
			{std + " main.main.(*api).get.func1@app/api.go:8 main.write"},
			{std + " main.main.(*api).put.func2@app/api.go:18 main.write"},
		}, []string{"main.main.(*api).get.func1", "main.main.(*api).put.func2"}},
		{"a copy of middleware of another package", [][]string{{std + " main.main.Timed.func1@app/kit/timed.go:7 main.users"}}, []string{"main.users"}},
		{"a closure handles, in steps", [][]string{
			{std + " main.(*api).get.func1:7 main.load", std + " main.(*api).get.func1:7 main.render"},
			{std + " main.(*api).get.func1:7 main.load"},
			{std + " main.(*api).get.func1:9 main.save"},
		}, []string{"main.(*api).get.func1", "main.(*api).get.func1", "main.(*api).get.func1"}},
		{"an adapter of functions that return errors", [][]string{
			{std + " main.failing.ServeHTTP:5 main.order"},
			{std + " main.failing.ServeHTTP:5 main.items"},
		}, []string{"main.order", "main.items"}},
		{"gin", [][]string{
			{"github.com/gin-gonic/gin.(*Engine).ServeHTTP github.com/gin-gonic/gin.(*Context).Next main.timed github.com/gin-gonic/gin.(*Context).Next main.list"},
			{"github.com/gin-gonic/gin.(*Engine).ServeHTTP github.com/gin-gonic/gin.(*Context).Next main.timed github.com/gin-gonic/gin.(*Context).Next main.show github.com/gin-gonic/gin.(*Context).Stream main.show.func1"},
		}, []string{"main.list", "main.show"}},
		{"a framework that nobody knows", [][]string{
			{"fast.dev/web.(*App).ServeHTTP fast.dev/web.(*Ctx).Step main.timed fast.dev/web.(*Ctx).Step main.list"},
			{"fast.dev/web.(*App).ServeHTTP fast.dev/web.(*Ctx).Step main.timed fast.dev/web.(*Ctx).Step main.show"},
		}, []string{"main.list", "main.show"}},
		{"gRPC with interceptors of the program", [][]string{
			{"google.golang.org/grpc.(*Server).processUnaryRPC shop/pb._Shop_Order_Handler google.golang.org/grpc.chainUnaryInterceptors.func1 main.timed google.golang.org/grpc.getChainUnaryHandler.func1 main.traced shop/pb._Shop_Order_Handler.func1 main.(*server).Order"},
			{"google.golang.org/grpc.(*Server).processUnaryRPC shop/pb._Shop_Order_Handler google.golang.org/grpc.chainUnaryInterceptors.func1 main.timed"},
			{"google.golang.org/grpc.(*Server).processUnaryRPC shop/pb._Shop_List_Handler google.golang.org/grpc.chainUnaryInterceptors.func1 main.timed"},
		}, []string{"main.(*server).Order", "main.(*server).Order", "shop/pb._Shop_List_Handler"}},
		{"what it sends is no handler", [][]string{
			{std + " main.get net/http.(*Client).Do net/http.send main.tripper.RoundTrip"},
			{"google.golang.org/grpc.(*Server).processUnaryRPC shop/pb._Shop_Order_Handler main.(*server).Order google.golang.org/grpc.(*ClientConn).Invoke main.retry"},
		}, []string{"main.get", "main.(*server).Order"}},
		{"handlers of modules", [][]string{
			{"net/http.(*ServeMux).ServeHTTP " + std + " main.logged.func1 " + std + " main.get"},
			{"net/http.(*ServeMux).ServeHTTP " + std + " net/http/pprof.Profile time.Sleep"},
			{"net/http.(*ServeMux).ServeHTTP " + std + " example.com/metrics.HandlerFor.func1 example.com/metrics.(*R).Gather main.(*writer).Write"},
		}, []string{"main.get", "net/http/pprof.Profile", "example.com/metrics.HandlerFor.func1"}},
		{"nothing but the server", [][]string{{"net/http.(*ServeMux).ServeHTTP net/http.Error"}, {}}, []string{"", ""}},
	} {
		t.Run(x.name, func(t *testing.T) {
			h := New()
			var keys []uint32
			for _, stacks := range x.requests {
				var seen []uint32
				for _, s := range stacks {
					seen = append(seen, h.TrailOf(replaytest.Stack(s)))
				}
				keys = append(keys, h.Key(seen))
				h.Count(keys[len(keys)-1])
			}
			for i, k := range keys {
				if got := h.Name(k); got != x.want[i] {
					t.Errorf("request %d: %q, want %q", i+1, got, x.want[i])
				}
			}
		})
	}
}

// TestManyKeys: requests that are like no other do not fill memory.
func TestManyKeys(t *testing.T) {
	h := New()
	var trails []uint32
	for i := range 40 {
		trails = append(trails, h.TrailOf(replaytest.Stack(fmt.Sprintf("net/http.HandlerFunc.ServeHTTP main.h%d", i))))
	}
	for i := range 100_000 {
		k := h.Key([]uint32{trails[i%40], trails[i/40%40], trails[i/1600%40], trails[i/64000%40]})
		h.Count(k)
		if i%9973 == 0 && h.trails[h.keys[k][0]].calls[0].fn != fmt.Sprintf("main.h%d", i%40) {
			t.Errorf("request %d goes by another trail than its first one", i)
		}
	}
	if n := len(h.keys); n > maxKeys+len(trails) {
		t.Errorf("%d keys", n)
	}
}
