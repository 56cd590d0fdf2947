package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// long is more than any step of these tests takes, on any machine.
const long = 30 * time.Second

// serving starts serving a trace of this process, and returns the address that was
// printed and what ends it: Ctrl-C, whose exit code it returns.
func serving(t *testing.T, flags ...string) (string, func() int) {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := writeTraces("."); err != nil {
		t.Fatal(err)
	}
	r, w := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	code := make(chan int, 1)
	var stderr bytes.Buffer
	go func() {
		code <- run(ctx, append([]string{"serve", "app.trace"}, flags...), strings.NewReader(""), w, &stderr)
	}()
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	end := func() int {
		cancel()
		select {
		case c := <-code:
			return c
		case <-time.After(long):
			t.Fatal("Ctrl-C does not end it")
			return 0
		}
	}
	t.Cleanup(cancel)
	return strings.TrimSpace(line), end
}

func fetched(t *testing.T, address string, change func(*http.Request)) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(req)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

// TestServe looks at the page and at a window as its script does.
func TestServe(t *testing.T) {
	address, end := serving(t)
	if !strings.HasPrefix(address, "http://127.0.0.1:") {
		t.Errorf("the address is %q, not of this machine alone", address)
	}
	res, body := fetched(t, address, nil)
	if res.StatusCode != http.StatusOK || !strings.Contains(body, `"served":true`) || !strings.Contains(body, "connect-src 'self'") {
		t.Errorf("%s: the page is not one that may ask", res.Status)
	}
	for name, want := range map[string]string{"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"} {
		if got := res.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for range 2 { // the second time it is kept
		res, body = fetched(t, address+"window?from=0&to=1000000", nil)
		var answer struct {
			Meta  struct{ Kept [][2]int64 }
			Block string
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil || len(answer.Block) == 0 || len(answer.Meta.Kept) == 0 {
			t.Errorf("%s: the window is %.100s (%v)", res.Status, body, err)
		}
	}
	if code := end(); code != exitDone {
		t.Errorf("exit code %d after Ctrl-C", code)
	}
}

// TestServeKeeps: a trace that can be read only once is served as well, and leaves
// no file behind.
func TestServeKeeps(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Setenv("TMP", temp) // Windows
	server := endpoints(t)
	r, w := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"serve", server.URL + "/debug/pprof/trace"}, strings.NewReader(""), w, io.Discard)
	}()
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if _, body := fetched(t, strings.TrimSpace(line), nil); !strings.Contains(body, "127.0.0.1") || strings.Contains(body, temp) {
		t.Error("the page does not call the trace by its address")
	}
	if left, _ := os.ReadDir(temp); len(left) != 1 {
		t.Errorf("while it serves there are %d temporary files, want the trace's copy", len(left))
	}
	cancel()
	if c := <-code; c != exitDone {
		t.Errorf("exit code %d after Ctrl-C", c)
	}
	if left, _ := os.ReadDir(temp); len(left) != 0 {
		t.Errorf("it left %v behind", left)
	}
}

// TestServeRefuses asks as nobody should.
func TestServeRefuses(t *testing.T) {
	address, _ := serving(t, "--slices", "0") // the trace is read again for every window
	origin := strings.Join(strings.Split(address, "/")[:3], "/")
	for _, test := range []struct {
		name, address string
		change        func(*http.Request)
		want          int
	}{
		{"no token", origin + "/", nil, http.StatusForbidden},
		{"another token", origin + "/AAAAAAAAAAAAAAAAAAAAAAAAAA/", nil, http.StatusForbidden},
		{"a window without a token", origin + "/window?from=0&to=1", nil, http.StatusForbidden},
		{"a name that was made to point here", address, func(r *http.Request) { r.Host = "evil.example:80" }, http.StatusForbidden},
		{"another page", address + "window?from=0&to=1000", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, http.StatusForbidden},
		{"a post", address, func(r *http.Request) { r.Method = http.MethodPost }, http.StatusMethodNotAllowed},
		{"no window", address + "window?from=5&to=5", nil, http.StatusBadRequest},
		{"a file", address + "../serve.go", nil, http.StatusNotFound},
		{"a name", address + "app.trace", nil, http.StatusNotFound},
	} {
		if res, _ := fetched(t, test.address, test.change); res.StatusCode != test.want {
			t.Errorf("%s: %s, want %d", test.name, res.Status, test.want)
		}
	}
	if err := os.Remove("app.trace"); err != nil {
		t.Fatal(err)
	}
	if res, body := fetched(t, address+"window?from=0&to=1000", nil); res.StatusCode != http.StatusInternalServerError || !strings.Contains(body, "cannot be opened") {
		t.Errorf("without the trace: %s: %s", res.Status, body)
	}
}

// TestServeAsks has the trace explained and predicted as the page's links do.
func TestServeAsks(t *testing.T) {
	address, _ := serving(t, "--quiet")
	for _, test := range []struct {
		path   string
		status int
		want   string
	}{
		{"explain", http.StatusOK, `href="./#t=`},
		{"explain?func=.&top=1", http.StatusOK, `class="explanation"`},
		{"explain?goroutine=1&from=1us&to=1h", http.StatusOK, "G1"},
		{"explain?func=(", http.StatusBadRequest, "missing closing"},
		{"explain?func=x&task=y", http.StatusBadRequest, "only one of"},
		{"explain?from=2ms&to=1ms", http.StatusBadRequest, "is not before"},
		{"explain?output=x", http.StatusBadRequest, "no such flag"},
		{"explain?machine=/etc/passwd", http.StatusBadRequest, "no such flag"},
		{"whatif?gomaxprocs=1&scheduler=gmp&seeds=1&cpus=", http.StatusOK, `id="h-runs"`},
		{"whatif?gomaxprocs=0", http.StatusBadRequest, "need numbers from 1"},
		{"whatif?costs=/etc/passwd", http.StatusBadRequest, "no such flag"},
	} {
		if res, body := fetched(t, address+test.path, nil); res.StatusCode != test.status || !strings.Contains(body, test.want) {
			t.Errorf("%s: %s: %.300s", test.path, res.Status, body)
		}
	}
}

// TestServeTwo shows what changed between two traces, and both reports.
func TestServeTwo(t *testing.T) {
	address, end := serving(t, "app.trace.gz")
	for path, want := range map[string]string{
		"": `href="new/"`, "old/": "<span>app.trace</span>", "new/": "<span>app.trace.gz</span>", "new/explain?func=.&top=1": `href="../old/"`, "old/window?from=0&to=1000": `"block"`,
	} {
		if res, body := fetched(t, address+path, nil); res.StatusCode != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%q: %s: %.300s", path, res.Status, body)
		}
	}
	for _, path := range []string{"window?from=0&to=1000", "explain", "old", "other/"} {
		if res, _ := fetched(t, address+path, nil); res.StatusCode != http.StatusNotFound {
			t.Errorf("%q: %s", path, res.Status)
		}
	}
	if code := end(); code != exitDone {
		t.Errorf("exit code %d after Ctrl-C", code)
	}
}

// TestServePort: the port is the one that was asked for, or it is told that it is taken.
func TestServePort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(taken.Addr().(*net.TCPAddr).Port)
	t.Chdir(t.TempDir())
	if err := writeTraces("."); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ port, want string }{{port, "address already in use"}, {"65536", "need a number from 1 to 65535"}} {
		var stderr bytes.Buffer
		if code := run(t.Context(), []string{"serve", "--port", test.port, "app.trace"}, strings.NewReader(""), io.Discard, &stderr); code != exitUsage || !strings.Contains(stderr.String(), test.want) {
			t.Errorf("port %s: exit code %d: %s", test.port, code, &stderr)
		}
	}
	if err := taken.Close(); err != nil {
		t.Fatal(err)
	}
	if address, _ := serving(t, "--port", port); !strings.HasPrefix(address, "http://127.0.0.1:"+port+"/") {
		t.Errorf("it serves at %s, not port %s", address, port)
	}
}
