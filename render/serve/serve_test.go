package serve

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/whatif"
	"gmptrace/analyze/words"
)

// long is more than any step of these tests takes, on any machine.
const long = 30 * time.Second

// start serves a trace that explain explains.
func start(t *testing.T, explain func(ctx context.Context, asked url.Values, progress func(replay.Progress)) (*report.Explanation, error)) string {
	t.Helper()
	s, err := One(&Trace{
		Report: &report.Report{Timeline: &report.Timeline{Complete: true}}, Explain: explain,
		WhatIf: func(context.Context, url.Values, func(replay.Progress)) (*whatif.Result, error) {
			return nil, errors.New("no\x1b[31m luck")
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := s.Listen(0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s.Address()
}

// get asks as the page's script does.
func get(t *testing.T, ctx context.Context, address string) (*http.Response, *json.Decoder) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", linesType)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res, json.NewDecoder(bufio.NewReader(res.Body))
}

// next is an answer's next line but those that repeat what was said.
func next(t *testing.T, lines *json.Decoder) line {
	t.Helper()
	var l line
	if err := lines.Decode(&l); err != nil {
		t.Fatal(err)
	}
	return l
}

// TestAsk: an answer tells how far it is, comes as a page, and is made once.
func TestAsk(t *testing.T) {
	step := make(chan bool)
	made := 0
	address := start(t, func(_ context.Context, asked url.Values, progress func(replay.Progress)) (*report.Explanation, error) {
		made++
		for range step {
			progress(replay.Progress{Bytes: 40, Size: 100, Events: 1234})
		}
		progress(replay.Progress{Bytes: 100, Size: 100, Events: 3000})
		return &report.Explanation{Headline: "asked for " + asked.Get("http")}, nil
	})
	_, lines := get(t, t.Context(), address+"explain?http=Checkout")
	step <- true
	l := next(t, lines)
	for l.Part == 0 {
		l = next(t, lines)
	}
	if words.Text(l.Text) != "Reading the trace: 40 %, 1234 events" || l.Part != .4 {
		t.Errorf("it is told to be at %+v", l)
	}
	close(step)
	for l.Page == "" {
		l = next(t, lines)
	}
	if !strings.Contains(l.Page, "asked for Checkout") || !strings.Contains(l.Page, `href="./"`) {
		t.Errorf("the answer is %.400s", l.Page)
	}
	res, err := http.Get(address + "explain?http=Checkout")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil || string(page) != l.Page || made != 1 {
		t.Errorf("as a page it is another one, or was made %d times (%v)", made, err)
	}
}

// TestAskCancelled: who goes away ends the reading, and who waits for that gets a turn.
func TestAskCancelled(t *testing.T) {
	begun, ended := make(chan bool, 1), make(chan bool, 1)
	address := start(t, func(ctx context.Context, asked url.Values, progress func(replay.Progress)) (*report.Explanation, error) {
		if asked.Has("http") {
			begun <- true
			<-ctx.Done()
			ended <- true
			return nil, ctx.Err()
		}
		return &report.Explanation{}, nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	get(t, ctx, address+"explain?http=.")
	<-begun
	_, waiting := get(t, t.Context(), address+"explain")
	if l := next(t, waiting); !strings.Contains(l.Text, "Waiting for another reading") {
		t.Errorf("who waits is told %+v", l)
	}
	cancel()
	select {
	case <-ended:
	case <-time.After(long):
		t.Fatal("it reads on")
	}
	for l := next(t, waiting); l.Page == ""; l = next(t, waiting) {
		if l.Error != "" {
			t.Fatal(l.Error)
		}
	}
}

// TestAskFails: what goes wrong is told, and nothing in it acts in a terminal or a page.
func TestAskFails(t *testing.T) {
	address := start(t, func(context.Context, url.Values, func(replay.Progress)) (*report.Explanation, error) {
		return nil, BadRequest{errors.New("--http: missing )")}
	})
	_, lines := get(t, t.Context(), address+"whatif")
	l := next(t, lines)
	for l.Error == "" {
		l = next(t, lines)
	}
	if strings.Contains(l.Error, "\x1b") || !strings.Contains(l.Error, "luck") {
		t.Errorf("it is told %q", l.Error)
	}
	res, err := http.Get(address + "explain?http=(")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), "missing )") {
		t.Errorf("%s: %s", res.Status, text)
	}
}

// TestAskedElsewhere: a link may be followed from anywhere, but nothing fetched.
func TestAskedElsewhere(t *testing.T) {
	for _, test := range []struct {
		site, mode, dest string
		want             bool
	}{
		{"", "", "", false},
		{"none", "navigate", "document", false},
		{"same-origin", "cors", "empty", false},
		{"cross-site", "navigate", "document", false},
		{"cross-site", "navigate", "iframe", true},
		{"cross-site", "no-cors", "script", true},
		{"same-site", "cors", "empty", true},
	} {
		req := httptest.NewRequest(http.MethodGet, "/", nil)
		for name, value := range map[string]string{"Site": test.site, "Mode": test.mode, "Dest": test.dest} {
			req.Header.Set("Sec-Fetch-"+name, value)
		}
		if got := askedElsewhere(req); got != test.want {
			t.Errorf("%+v: %v", test, got)
		}
	}
}

// TestOpen: the browser gets a file that leads to the address and that nobody else can
// read, and not the address itself.
func TestOpen(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("xdg-open is Linux's")
	}
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	told := filepath.Join(bin, "told")
	script := "#!" + sh + "\nprintf '%s' \"$*\" > " + told + ".part && PATH=/bin:/usr/bin mv " + told + ".part " + told + "\n"
	if err := os.WriteFile(filepath.Join(bin, "xdg-open"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	end, err := Open("http://127.0.0.1:1/TOKEN/")
	if err != nil {
		t.Fatal(err)
	}
	var file []byte
	for begun := time.Now(); file == nil && time.Since(begun) < long; time.Sleep(time.Millisecond) {
		file, _ = os.ReadFile(told)
	}
	page, err := os.ReadFile(string(file))
	if err != nil || strings.Contains(string(file), "TOKEN") || !strings.Contains(string(page), `url=http://127.0.0.1:1/TOKEN/"`) {
		t.Errorf("%q holds %s (%v)", file, page, err)
	}
	if info, err := os.Stat(string(file)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others can read it: %v (%v)", info, err)
	}
	end()
	if _, err := os.Stat(string(file)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is left behind (%v)", err)
	}
	t.Setenv("PATH", t.TempDir())
	end, err = Open("http://127.0.0.1:1/TOKEN/")
	defer end()
	if err == nil {
		t.Error("without a browser it says nothing")
	}
}
