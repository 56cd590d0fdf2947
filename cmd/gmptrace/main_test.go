package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/trace"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets tests run this program as the command gmptrace.
func TestMain(m *testing.M) {
	// A process under the race detector sleeps for a second before it ends.
	os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	testscript.Main(m, map[string]func(){"gmptrace": main})
}

// recorded is a trace of this process, of 40 ms or more.
var recorded = sync.OnceValues(func() ([]byte, error) {
	var b bytes.Buffer
	if err := trace.Start(&b); err != nil {
		return nil, err
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				ctx, task := trace.NewTask(context.Background(), "unit")
				trace.WithRegion(ctx, "sleep", func() { time.Sleep(2 * time.Millisecond) })
				task.End()
			}
		})
	}
	wg.Wait()
	runtime.GC() // some commands ask what a collection shows
	trace.Stop()
	return b.Bytes(), nil
})

// writeTraces puts the traces that scripts work on into dir: a whole one in
// three encodings, and what can be analysed in part or not at all.
func writeTraces(dir string) error {
	tr, err := recorded()
	if err != nil {
		return err
	}
	var gz, zst bytes.Buffer
	gw := gzip.NewWriter(&gz)
	zw, err := zstd.NewWriter(&zst)
	if err != nil {
		return err
	}
	for _, w := range []io.WriteCloser{gw, zw} {
		_, err := w.Write(tr)
		if err := errors.Join(err, w.Close()); err != nil {
			return err
		}
	}
	for name, data := range map[string][]byte{
		"app.trace":     tr,
		"app.trace.gz":  gz.Bytes(),
		"app.trace.zst": zst.Bytes(),
		"cut.trace":     tr[:len(tr)-1], // the mark of the generation's end
		"half.trace":    tr[:len(tr)-100],
		"twice.trace":   append(tr[:len(tr):len(tr)], tr...),
		"header.trace":  tr[:16],
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			return err
		}
	}
	return nil
}

// endpoints serves what servers may answer where a trace was asked for. Its
// /away redirects to another server, which fails the test when it is reached.
func endpoints(t testing.TB) *httptest.Server {
	var strayed atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strayed.Add(1) }))
	t.Cleanup(func() {
		other.Close()
		if strayed.Load() > 0 {
			t.Error("another host than that of the URL was contacted")
		}
	})
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, r *http.Request) {
		if s := r.FormValue("seconds"); s == "" || s == "3" || s == "5" {
			tr, _ := recorded()
			w.Write(tr)
			return
		}
		http.Error(w, "unexpected query "+r.URL.RawQuery, http.StatusBadRequest)
	}
	mux.HandleFunc("/debug/pprof/trace", answer)
	mux.Handle("/here", http.RedirectHandler("/debug/pprof/trace", http.StatusFound))
	mux.Handle("/away", http.RedirectHandler(other.URL+"/debug/pprof/trace", http.StatusFound))
	mux.Handle("/loop", http.RedirectHandler("/loop", http.StatusFound))
	mux.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, "<html><title>Sign in</title>")
	})
	mux.HandleFunc("/busy", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "Could not enable tracing: tracing is already enabled", http.StatusInternalServerError)
	})
	mux.HandleFunc("/hostile", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "\x1b]0;owned\x07\r", http.StatusTeapot)
	})
	mux.HandleFunc("/stuck", func(w http.ResponseWriter, r *http.Request) {
		tr, _ := recorded()
		w.Write(tr[:len(tr)/2])
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// TestScripts runs the command lines of testdata/script. To write what commands
// print now into the scripts: UPDATE_SCRIPTS=1 go test ./cmd/gmptrace
func TestScripts(t *testing.T) {
	server := endpoints(t)
	fixtures, err := filepath.Abs("../../fixtures")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			env.Setenv("URL", server.URL)
			env.Setenv("FIXTURES", filepath.ToSlash(fixtures)) // as patterns and shells have it
			env.Setenv("GORACE", os.Getenv("GORACE"))
			return writeTraces(env.WorkDir)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
			"json":  jsonField,
			"files": files,
			"page":  page,
		},
	})
}

// exits CODE COMMAND... runs a command and checks its exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	got := 0
	var failed *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &failed) {
		got = failed.ExitCode()
	} else {
		ts.Check(err)
	}
	if want := args[0]; strconv.Itoa(got) != want {
		ts.Fatalf("exit code %d, want %s", got, want)
	}
}

// json FIELD VALUE checks one field, a.b.c, of the JSON on standard output, and
// that there is nothing beside the JSON. ! inverts the comparison alone.
func jsonField(ts *testscript.TestScript, neg bool, args []string) {
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &v))
	for field := range strings.SplitSeq(args[0], ".") {
		m, ok := v.(map[string]any)
		if !ok || m[field] == nil {
			ts.Fatalf("no field %s", args[0])
		}
		v = m[field]
	}
	got, err := json.Marshal(v)
	ts.Check(err)
	if (string(got) == args[1]) == neg {
		ts.Fatalf("%s is %s", args[0], got)
	}
}

// files DIR NAME... checks that a folder holds these files and no others,
// hidden ones included.
func files(ts *testscript.TestScript, neg bool, args []string) {
	entries, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if want := strings.Join(args[1:], " "); strings.Join(got, " ") != want {
		ts.Fatalf("%s holds %q, want %q", args[0], got, want)
	}
}

// page FILE checks that a file is a whole report. (grep would print all of it.)
func page(ts *testscript.TestScript, neg bool, args []string) {
	html := strings.TrimSpace(ts.ReadFile(args[0]))
	if !strings.HasPrefix(strings.ToLower(html), "<!doctype html>") || !strings.HasSuffix(html, "</html>") {
		ts.Fatalf("%s is not a whole page", args[0])
	}
}
