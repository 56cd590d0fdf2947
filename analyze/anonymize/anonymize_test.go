package anonymize

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gmptrace/analyze/internal/load"
	"gmptrace/analyze/report"
)

// TestFunctions: what a name is made of stays.
func TestFunctions(t *testing.T) {
	n := newNamer(Options{Keep: []string{"acme.example/open"}})
	for _, c := range [][2]string{
		{"main.main", "main.main"},
		{"main.main.func1", "main.main.func1"},
		{"main.main.func1.2", "main.main.func1.2"},
		{"main.handle", "main.fn1"},
		{"main.handle.gowrap1", "main.fn1.gowrap1"},
		{"main.handle.func2-range1", "main.fn1.func2-range1"},
		{"main.init.0", "main.init.0"},
		{"main.glob..func3", "main.glob..func3"},
		{"main.(*shop).ServeHTTP", "main.(*type1).ServeHTTP"},
		{"main.(*shop).search", "main.(*type1).method1"},
		{"main.(*shop).search-fm", "main.(*type1).method1-fm"},
		{"main.(*shop).search.func1", "main.(*type1).method1.func1"},
		{"main.shop.Search", "main.type1.Method1"},
		{"main.Shop.search.func1", "main.Type1.method1.func1"},
		{"main.Map[...]", "main.Fn1[...]"},
		{"main.Map[...].func1", "main.Fn1[...].func1"},
		{"main.Map[go.shape.*acme.example/x/y.Secret]", "main.Fn1[types1]"},
		{"main.(*queue[...]).pop", "main.(*type2[...]).method2"},
		{"main.(*queue[acme.example/x.T]).pop", "main.(*type2[types2]).method2"},
		{"acme.example/shop/store.(*DB).Get", "pkg1.(*Type1).Method1"},
		{"acme.example/shop/store.get", "pkg1.fn1"},
		{"acme.example/shop/store_test.TestGet", "pkg1_test.Fn1"},
		{"acme.example/shop.get", "pkg2.fn1"},
		{"acme.example/open/x.(*T).get", "acme.example/open/x.(*T).get"},
		{"acme.example/openly.get", "pkg3.fn1"},
		{"acme.example/shop.(*userMutex).Lock", "pkg2.(*type1Mutex).Lock"},
		{"acme.example/shop.newShopClient.func1", "pkg2.fn2Client.func1"},
		{"acme.example/shop._Cart_Add_Handler.func1", "pkg2._fn3_Handler.func1"},
		{"acme.example/shop.(*workGroup).Wait", "pkg2.(*type2Group).Wait"},
		{"gopkg.in/secret%2ev3.f", "pkg4.fn1"},
		{"acme.example/shop/vendor/google.golang.org/grpc.(*Server).Serve", "pkg2/vendor/google.golang.org/grpc.(*Server).Serve"},
		{"net/http.(*conn).serve", "net/http.(*conn).serve"},
		{"unique.addUniqueMap[...]).All.2", "unique.addUniqueMap[...]).All.2"}, // as the linker cuts them
		{"net/http.HandlerFunc.ServeHTTP", "net/http.HandlerFunc.ServeHTTP"},
		{"net/secret.f", "net/pkg5.fn1"}, // taken for the standard library's, before and after
		{"sync/atomic.(*Pointer[main.Secret]).Store", "sync/atomic.(*Pointer[types1]).Store"},
		{"slices.SortFunc[...].compareSecrets.func1", "slices.SortFunc[...].fn1.func1"},
		{"golang.org/x/sync/errgroup.(*Group).Go.func1", "golang.org/x/sync/errgroup.(*Group).Go.func1"},
		{"google.golang.org/grpc/internal/transport.(*http2Server).HandleStreams", "google.golang.org/grpc/internal/transport.(*http2Server).HandleStreams"},
		{"github.com/go-chi/chi/v5.(*Mux).routeHTTP", "github.com/go-chi/chi/v5.(*Mux).routeHTTP"},
		{"runtime.goexit", "runtime.goexit"},
		{"secret_c_function", "fn1"},
		{"main.(*struct { sync.Mutex; secret int }).Lock", "main.(*type3).Lock"},
		{"main.(*broken", "fn2"},
		{"main.(*broken)", "main.(*type4)"},
		{"...(((", "fn3"},
		{"runtime.secret/code", "fn4"},
	} {
		if got := n.Text(load.UseFunc, c[0]); got != c[1] {
			t.Errorf("%s: %s, want %s", c[0], got, c[1])
		}
	}
	if kept := n.keptPackages["main"]; kept || !n.keptPackages["acme.example/open/x"] || !n.keptPackages["net/http"] {
		t.Errorf("kept packages %v", n.keptPackages)
	}
}

// TestDistinct: names that differ stay different, whatever they are.
func TestDistinct(t *testing.T) {
	for name, b := range fixtures(t) {
		_, res := anonymized(t, b)
		from := map[[2]string]string{}
		for _, r := range res.Names {
			k := [2]string{r.Kind, r.To}
			if was, twice := from[k]; twice {
				t.Errorf("%s: %s is %s and %s", name, r.To, was, r.From)
			}
			from[k] = r.From
		}
	}
}

// TestFiles: what tells analyses whose a file is stays.
func TestFiles(t *testing.T) {
	n := newNamer(Options{})
	for _, c := range []struct{ fn, file, want string }{
		{"main.main", "/home/alice/secret/main.go", "/dir1/file1.go"},
		{"main.f", "/home/alice/secret/other.go", "/dir1/file2.go"},
		{"main.g", "C:/Users/alice/secret/other.go", "/dir2/file3.go"},
		{"main.h", "acme.example/shop/main.go", "dir3/file4.go"},
		{"x.f", "/home/alice/go/pkg/mod/acme.example/x@v1.2.3/x.go", "/pkg/mod/dir4@v0/file5.go"},
		{"x/y.f", "/home/alice/go/pkg/mod/acme.example/x@v1.2.3/y/y.go", "/pkg/mod/dir4@v0/dir5/file6.go"},
		{"x/z.f", "/home/alice/app/vendor/acme.example/x/z.go", "/vendor/dir6/file7.go"},
		{"x.TestF", "/home/alice/secret/x_test.go", "/dir1/file8_test.go"},
		{"main.main", "_testmain.go", "_testmain.go"},
		{"main._Cfunc_f", "_cgo_gotypes.go", "_cgo_gotypes.go"},
		{"secret", "/home/alice/secret/engine.cu", "/dir1/file9"},
		{"runtime.gopark", "/home/alice/sdk/go1.26.8/src/runtime/proc.go", "/go1.26.x/src/runtime/proc.go"},
		{"net/http.(*conn).serve", "/home/alice/sdk/go1.26.8/src/net/http/server.go", "/go/src/net/http/server.go"},
		{"runtime.mcall", "runtime/asm_amd64.s", "runtime/asm_amd64.s"},
		{"time.Sleep", "/home/alice/sdk/go/src/runtime/time.go", "/go/src/runtime/time.go"},
		{"time.Sleep", "runtime/time.go", "runtime/time.go"},
		{"net.f", "/home/alice/patched/fd.go", "/dir7/fd.go"},
		{"google.golang.org/grpc/internal/transport.f", "/root/go/pkg/mod/google.golang.org/grpc@v1.70.0/internal/transport/x.go", "/pkg/mod/google.golang.org/grpc@v1.70.0/internal/transport/x.go"},
		{"github.com/gin-gonic/gin.f", "/app/vendor/github.com/gin-gonic/gin/gin.go", "/vendor/github.com/gin-gonic/gin/gin.go"},
	} {
		n.Frame(c.fn, c.file)
		if got := n.Text(load.UseFile, c.file); got != c.want {
			t.Errorf("%s: %s, want %s", c.file, got, c.want)
		}
	}
}

// TestSameBytes: the same input gives the same bytes, and what is done twice changes no more.
func TestSameBytes(t *testing.T) {
	for name, b := range fixtures(t) {
		once, res := anonymized(t, b)
		again, _ := anonymized(t, b)
		if !bytes.Equal(once, again) {
			t.Errorf("%s: other bytes", name)
		}
		twice, _ := anonymized(t, once)
		if thrice, _ := anonymized(t, twice); len(thrice) != len(twice) {
			t.Errorf("%s: %d bytes, then %d", name, len(twice), len(thrice))
		}
		if !res.Trace.Complete || res.Trace.Events == 0 || res.Trace.Generations == 0 || len(res.Kept) == 0 {
			t.Errorf("%s: %+v", name, res.Trace)
		}
	}
}

// TestKeep: what is to be kept is.
func TestKeep(t *testing.T) {
	out, res := anonymized(t, uncompressed(t, "../../fixtures/traces/real/webshop-go1.26-p4.trace"), "main")
	for _, r := range res.Names {
		if r.Kind == "function" && strings.HasPrefix(r.From, "main.") {
			t.Errorf("%s is %s", r.From, r.To)
		}
	}
	if !slices.Contains(res.Kept, "main") || !bytes.Contains(out, []byte("main.(*shop).ServeHTTP")) {
		t.Errorf("kept %q", res.Kept)
	}
}

// TestRefused: what can't be rewritten is refused with what to do.
func TestRefused(t *testing.T) {
	for name, want := range map[string]string{
		"../testdata/traces/go1.21.trace":             "too-old",
		"../../fixtures/traces/broken/future.trace":   "future-version",
		"../../fixtures/traces/broken/empty.trace":    "empty",
		"../../fixtures/traces/broken/html.trace.gz":  "html",
		"../../fixtures/traces/broken/profile.trace":  "pprof",
		"../../fixtures/traces/broken/refused.trace":  "not-enabled",
		"../../fixtures/traces/real/../../README.md":  "not-a-trace",
		"../../fixtures/traces/real/../../../LICENSE": "not-a-trace",
	} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		_, err = Trace(t.Context(), bytes.NewReader(b), &out, Options{Name: "x.trace"})
		var bad *report.InputError
		if !errors.As(err, &bad) || bad.Kind != want || bad.Hint == "" || bad.Name != "x.trace" || out.Len() > 0 {
			t.Errorf("%s: %v, %d bytes written", name, err, out.Len())
		}
	}
}

// TestCut: of a trace that was cut short, what is left is read of the output as of it.
func TestCut(t *testing.T) {
	for _, version := range []string{"22", "23", "25", "26"} {
		raw := uncompressed(t, "../testdata/traces/go1."+version+".trace")
		for cut := 200; cut < len(raw); cut += 379 {
			out, res := anonymized(t, raw[:cut])
			want, wantErr := readPart(t, raw[:cut])
			got, gotErr := readPart(t, out)
			if len(want) != len(got) || (wantErr == nil) != (gotErr == nil) {
				t.Fatalf("go1.%s cut at %d: %d events (%v), of the trace %d (%v)\n%+v", version, cut, len(got), gotErr, len(want), wantErr, res.Trace)
			}
			for i := range want {
				if a, b := &want[i], &got[i]; a.Op != b.Op || a.Subject != b.Subject || a.G != b.G || a.P != b.P || a.Flags != b.Flags || a.Reason != b.Reason || a.Time-want[0].Time != b.Time-got[0].Time {
					t.Fatalf("go1.%s cut at %d, event %d: %+v, want %+v", version, cut, i, b, a)
				}
			}
		}
	}
}

func readPart(t testing.TB, b []byte) (all []event, err error) {
	t.Helper()
	_, err = load.Load(t.Context(), bytes.NewReader(b), load.Options{Name: "x", Workers: 1}, func(b *load.Batch) error {
		for _, ev := range b.Events {
			all = append(all, event{Event: ev})
		}
		return nil
	})
	return all, err
}

// TestDamaged: whatever is wrong with a trace, nothing panics, nothing leaks, and what
// was left out is told.
func TestDamaged(t *testing.T) {
	found, err := filepath.Glob("../../fixtures/traces/broken/*.trace")
	if err != nil || len(found) < 8 {
		t.Fatal(found, err)
	}
	for _, name := range found {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		told := lostOf(t, b)
		if lost := strings.Contains(name, "truncated") || strings.Contains(name, "killed") || strings.Contains(name, "concatenated") || strings.Contains(name, "two_writers"); lost && len(told) == 0 {
			t.Errorf("%s: nothing is told", name)
		}
	}
	for _, version := range []string{"22", "26"} {
		raw := uncompressed(t, "../testdata/traces/go1."+version+".trace")
		_, n, _ := watched(t, raw)
		words := slices.DeleteFunc(secrets(n), func(s string) bool { return s == "runtime" || s == "internal" }) // packages below may seem to be the standard library's
		rng := rand.New(rand.NewPCG(1, 2))
		for range 100 {
			b := slices.Clone(raw)
			for range 1 + rng.IntN(8) {
				b[16+rng.IntN(len(b)-16)] ^= 1 << rng.IntN(8)
			}
			out, _, kept := watched(t, b)
			if found := leaks(out, words, kept); len(found) > 0 {
				t.Errorf("%q leak", found)
			}
			if _, err := readPart(t, out); err != nil && !errors.As(err, new(*report.InputError)) {
				t.Error(err)
			}
		}
	}
}

// lostOf is what a trace has lost; nil for none that can be read.
func lostOf(t *testing.T, b []byte) []report.Loss {
	var out bytes.Buffer
	res, err := Trace(t.Context(), bytes.NewReader(b), &out, Options{})
	if err != nil {
		return nil
	}
	if _, err := readPart(t, out.Bytes()); err != nil && !errors.As(err, new(*report.InputError)) {
		t.Error(err)
	}
	return res.Trace.Lost
}

// TestRoom: a trace can't have it keep more than is allowed.
func TestRoom(t *testing.T) {
	b := uncompressed(t, "../../fixtures/traces/real/webshop-go1.26-p4.trace")
	var out bytes.Buffer
	_, err := Trace(t.Context(), bytes.NewReader(b), &out, Options{Name: "x.trace", MaxMemory: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	res, err := Trace(t.Context(), bytes.NewReader(b), &out, Options{Name: "x.trace", MaxMemory: 1 << 20})
	if err != nil || len(res.Trace.Lost) == 0 || res.Trace.Lost[0].Kind != "limit" {
		t.Errorf("generations that take more: %+v, %v", res, err)
	}
	n := newNamer(Options{Name: "x.trace", MaxMemory: 1000})
	for i := range uint64(100) {
		n.PC(1 << i)
	}
	var bad *report.InputError
	if err := n.Err(); !errors.As(err, &bad) || bad.Kind != "limit" || bad.Hint == "" {
		t.Errorf("names that take more: %v", err)
	}
}

func FuzzTrace(f *testing.F) {
	for _, version := range []string{"22", "23", "25", "26"} {
		f.Add(uncompressed(f, "../testdata/traces/go1."+version+".trace"))
	}
	f.Add([]byte("go 1.26 trace\x00\x00\x00\x01\x01\x00\x00\x08\x05\x01\x06secret"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var out, again bytes.Buffer
		if _, err := Trace(t.Context(), bytes.NewReader(b), &out, Options{MaxMemory: 64 << 20}); err != nil {
			return
		}
		if _, err := Trace(t.Context(), bytes.NewReader(b), &again, Options{MaxMemory: 64 << 20}); err != nil || !bytes.Equal(out.Bytes(), again.Bytes()) {
			t.Fatalf("other bytes, error %v", err)
		}
		if _, err := readPart(t, out.Bytes()); err != nil && !errors.As(err, new(*report.InputError)) {
			t.Fatal(err)
		}
	})
}
