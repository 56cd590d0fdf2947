package render

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"gmptrace/analyze/report"
)

// The page is tested in a real browser. Without one the tests fail and say what
// to install: a page that nobody looked at is not tested.

// findBrowser is the Chromium to use: $CHROMIUM, or the first of the usual
// names in $PATH.
func findBrowser() (string, error) {
	if path := os.Getenv("CHROMIUM"); path != "" {
		return path, nil
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("no Chromium found: install it (apt-get install chromium) or name one in $CHROMIUM")
}

// browser starts one browser for all tests, with an empty profile of its own.
var browser = sync.OnceValues(func() (context.Context, error) {
	path, err := findBrowser()
	if err != nil {
		return nil, err
	}
	profile, err := os.MkdirTemp("", "gmptrace-chromium-")
	if err != nil {
		return nil, err
	}
	flags := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	allocator, _ := chromedp.NewExecAllocator(context.Background(), flags...)
	ctx, _ := chromedp.NewContext(allocator)
	if err := chromedp.Do(ctx); err != nil {
		return nil, fmt.Errorf("starting %s: %w", path, err)
	}
	closeBrowser = func() {
		_ = chromedp.Cancel(ctx)
		_ = os.RemoveAll(profile)
	}
	return ctx, nil
})

var closeBrowser = func() {}

func TestMain(m *testing.M) {
	code := m.Run()
	closeBrowser()
	os.Exit(code)
}

// tab is a page in the browser, with all that it complained about.
type tab struct {
	testing.TB
	ctx context.Context
	url string

	mu       sync.Mutex
	trouble  []string // console messages, exceptions, violations of the policy
	requests []string
}

// view is how a tab looks at a page.
type view struct {
	width, height int64
	dark          bool
	noScript      bool
	hash          string
}

// open renders r into a file and opens it as a user would.
func open(t testing.TB, r *report.Report, v view) *tab {
	t.Helper()
	p := openWritten(t, func(w io.Writer) error { return HTML(w, r) }, v)
	if !v.noScript {
		p.loaded()
	}
	return p
}

// running is the browser for a test.
func running(t testing.TB) context.Context {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: no browser")
	}
	ctx, err := browser()
	if err != nil {
		t.Fatal(err)
	}
	return ctx
}

// openWritten opens what write writes.
func openWritten(t testing.TB, write func(io.Writer) error, v view) *tab {
	t.Helper()
	parent := running(t)
	path := filepath.Join(t.TempDir(), "report.html")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := write(f); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(parent)
	t.Cleanup(cancel)
	p := &tab{TB: t, ctx: ctx, url: "file://" + path}
	if err := chromedp.Listen(ctx, p.listen); err != nil {
		t.Fatal(err)
	}
	p.look(v)
	p.do(chromedp.Navigate(p.url + v.hash))
	return p
}

// loaded waits for the page's script. One that fails does so at once.
func (p *tab) loaded() {
	p.Helper()
	p.do(wait(`window.gmptrace !== undefined || document.documentElement.dataset.failed`))
	if why := eval[string](p, `document.documentElement.dataset.failed ?? ""`); why != "" {
		p.Fatalf("the page's script failed: %s", why)
	}
}

func (p *tab) look(v view) {
	p.Helper()
	scheme := "light"
	if v.dark {
		scheme = "dark"
	}
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	call(p, emulation.SetEmulatedMedia, media)
	call(p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: v.noScript})
	call(p, network.Enable, network.EnableParams{})
	p.do(chromedp.EmulateViewport(v.width, v.height))
}

// see has an open page shown in another way, and waits until it is.
func (p *tab) see(v view) {
	p.Helper()
	p.look(v)
	p.do(wait(fmt.Sprintf("innerWidth === %d", v.width)))
}

func (p *tab) listen(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		p.trouble = append(p.trouble, fmt.Sprintf("console.%s: %v", e.Type, e.Args))
	case *runtime.EventExceptionThrown:
		what := e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			what += " " + x.Description
		}
		p.trouble = append(p.trouble, "exception: "+what)
	case *log.EventEntryAdded:
		p.trouble = append(p.trouble, "log: "+e.Entry.Text)
	case *network.EventRequestWillBeSent:
		if u := e.Request.URL; !strings.HasPrefix(u, "file://") && !strings.HasPrefix(u, "data:") && !strings.HasPrefix(u, "blob:") {
			p.requests = append(p.requests, u)
		}
	}
}

func call[P, R any](p *tab, cmd cdp.Command[P, R], params P) R {
	p.Helper()
	result, err := chromedp.Call(p.ctx, cmd, params)
	if err != nil {
		p.Fatalf("%s: %v", cmd.Method, err)
	}
	return result
}

func (p *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		p.Fatal(err)
	}
}

// eval runs a script in the page; promises are awaited.
func eval[T any](p *tab, script string) T {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, 30*time.Second)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		p.Fatalf("%.200s: %v", script, err)
	}
	return v
}

// wait polls until a condition holds in the page.
func wait(condition string) chromedp.Action[chromedp.Void] {
	return chromedp.Evaluate[chromedp.Void](`(async () => { while (!(`+condition+`)) await new Promise((f) => setTimeout(f, 10)); })()`, chromedp.EvalAwaitPromise)
}

// troubles are the console messages, exceptions and violations so far.
func (p *tab) troubles() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.trouble)
}

// quiet fails the test if the page asked for anything or complained.
func (p *tab) quiet() {
	p.Helper()
	p.do(chromedp.Evaluate[chromedp.Void](`new Promise((f) => requestAnimationFrame(() => setTimeout(f, 50)))`, chromedp.EvalAwaitPromise))
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.trouble {
		p.Error(s)
	}
	for _, s := range p.requests {
		p.Error("a request left the page: " + s)
	}
}
