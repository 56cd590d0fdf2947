package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"gmptrace/analyze/report"
	"gmptrace/render"

	"github.com/spf13/cobra"
)

// Of a served timeline the page holds so many slices at a time: it opens at once,
// and fetches what it shows. Up to keptSlices are kept in memory, some 20 bytes
// each; a trace with more is read again for every window.
const (
	servedSlices = 300_000
	keptSlices   = 4_000_000
)

// cachedWindows is how many answers are kept.
const cachedWindows = 8

type serveCommand struct {
	*analysis
	trace string
	page  []byte
	whole *report.Report  // with every slice; nil if they are too many
	base  []report.Window // what the page is about
	host  string          // address that the browser must have asked for
	token string

	turn    chan struct{} // one reading at a time
	mu      sync.Mutex
	answers map[report.Window][]byte
	order   []report.Window // of answers, oldest first
}

func (a *app) serveCommand() *cobra.Command {
	c := &serveCommand{analysis: newAnalysis(a)}
	cmd := &cobra.Command{
		Use:   "serve TRACE",
		Short: "Show a report in the browser, with every moment in full detail",
		Long: `Serve shows the page of gmptrace report, and lets its timeline fetch any window
in full detail, however large the trace is. A trace of more than some 50 MB is
read again for that: it takes as long as the report did.

It prints an address to open. Only this machine can reach it, and only who knows
the address: it has a token that is new each time. Ctrl-C ends it.

` + traceHelp + `
What is no file is copied to a temporary one, which is deleted at the end.`,
		Example: `  gmptrace serve app.trace
  gmptrace serve --seconds 5 http://localhost:6060/debug/pprof/trace
  gmptrace serve - < app.trace`,
		Args: oneTrace,
		RunE: func(cmd *cobra.Command, args []string) error {
			a.ran = true
			return c.run(cmd.Context(), args[0])
		},
	}
	c.addFlags(cmd.Flags())
	cmd.Flags().IntVar(&c.slices, "slices", keptSlices, "keep up to `N` slices of the timeline in memory; a trace with more is read again for every window")
	c.completions(cmd)
	return cmd
}

func (c *serveCommand) run(ctx context.Context, trace string) error {
	if err := c.check(trace); err != nil {
		return err
	}
	if !c.isFile(trace) {
		copied, err := c.copied(ctx, trace)
		if err != nil {
			return err
		}
		defer os.Remove(copied)
		trace = copied
	}
	c.trace = trace
	rep, err := c.load(ctx, trace)
	if err != nil {
		return err
	}
	if err := c.prepare(rep); err != nil {
		return err
	}
	c.conclude(rep)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("serving: %w", err)
	}
	c.host = listener.Addr().String()
	fmt.Fprintf(c.stdout, "http://%s/%s/\n", c.host, c.token)
	c.remark("open this address in a browser on this machine; Ctrl-C ends it")
	return c.serve(ctx, listener)
}

// copied copies a trace that can be read only once into a temporary file. The page
// still calls it by its own name.
func (c *serveCommand) copied(ctx context.Context, trace string) (string, error) {
	in, err := c.open(ctx, trace)
	if err != nil {
		return "", err
	}
	defer in.Close()
	f, err := os.CreateTemp("", "gmptrace-*.trace")
	if err != nil {
		return "", fmt.Errorf("copying the trace: %w", err)
	}
	_, err = io.Copy(f, in)
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(f.Name())
		return "", fmt.Errorf("copying %s: %w", printableName(in.name), err)
	}
	c.name = in.name
	return f.Name(), nil
}

// prepare writes the page and draws the token.
func (c *serveCommand) prepare(rep *report.Report) error {
	c.base = rep.Moments()
	if rep.Timeline != nil && rep.Timeline.Complete {
		c.whole = rep
	}
	var page bytes.Buffer
	if err := render.Served(&page, shown(rep, c.base)); err != nil {
		return err
	}
	c.page, c.token = page.Bytes(), rand.Text()
	c.turn = make(chan struct{}, 1)
	c.answers = map[report.Window][]byte{}
	return nil
}

// shown is what the page shows at a time of rep: the timeline around these windows.
func shown(rep *report.Report, around []report.Window) *report.Report {
	out := *rep
	out.Timeline = rep.Timeline.Around(around, servedSlices)
	return &out
}

func (c *serveCommand) serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{Handler: c, ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	stopped := make(chan struct{})
	context.AfterFunc(ctx, func() {
		defer close(stopped)
		soon, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if server.Shutdown(soon) != nil {
			server.Close()
		}
	})
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving: %w", err)
	}
	<-stopped
	return nil
}

// ServeHTTP answers this machine's browser, and nobody else: another page that it
// has open knows no token, and a name that someone made point to this machine is
// not the host asked for.
func (c *serveCommand) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	for name, value := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Frame-Options": "DENY",
		"Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
		"Content-Security-Policy": "frame-ancestors 'none'; form-action 'none'; base-uri 'none'", // the page has a stricter one
	} {
		w.Header().Set(name, value)
	}
	token, rest, _ := strings.Cut(strings.TrimPrefix(req.URL.Path, "/"), "/")
	switch site := req.Header.Get("Sec-Fetch-Site"); {
	case req.Host != c.host, subtle.ConstantTimeCompare([]byte(token), []byte(c.token)) != 1:
		http.Error(w, "this is not the address that gmptrace printed", http.StatusForbidden)
	case site == "cross-site" || site == "same-site":
		http.Error(w, "asked for by another page", http.StatusForbidden)
	case req.Method != http.MethodGet && req.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET is answered", http.StatusMethodNotAllowed)
	case rest == "":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(c.page)
	case rest == "window":
		c.window(w, req)
	default:
		http.NotFound(w, req)
	}
}

func (c *serveCommand) window(w http.ResponseWriter, req *http.Request) {
	from, errFrom := strconv.ParseInt(req.URL.Query().Get("from"), 10, 64)
	to, errTo := strconv.ParseInt(req.URL.Query().Get("to"), 10, 64)
	if errFrom != nil || errTo != nil || from < 0 || to <= from {
		http.Error(w, "from and to must be nanoseconds from the trace's start, and from before to", http.StatusBadRequest)
		return
	}
	answer, err := c.answer(req.Context(), report.Window{Start: from, End: to})
	if err != nil {
		http.Error(w, printable(err.Error()), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(answer)
}

// answer is what the page gets for a window: the timeline anew, with the window in
// full detail, and the worst moments as far as there is room beside it.
func (c *serveCommand) answer(ctx context.Context, window report.Window) ([]byte, error) {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if answer, ok := c.cached(window); ok {
		return answer, nil
	}
	around := append([]report.Window{window}, c.base...)
	rep := c.whole
	if rep == nil {
		an := *c.analysis
		an.quiet, an.around, an.slices = true, around, servedSlices
		var err error
		if rep, err = an.load(ctx, c.trace); err != nil {
			return nil, err
		}
	}
	var b bytes.Buffer
	if err := render.Window(&b, shown(rep, around)); err != nil {
		return nil, err
	}
	c.keep(window, b.Bytes())
	return b.Bytes(), nil
}

func (c *serveCommand) cached(window report.Window) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	answer, ok := c.answers[window]
	return answer, ok
}

func (c *serveCommand) keep(window report.Window, answer []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers[window] = answer
	c.order = append(c.order, window)
	if len(c.order) > cachedWindows {
		delete(c.answers, c.order[0])
		c.order = c.order[1:]
	}
}
