package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"gmptrace/analyze"
	"gmptrace/render"

	"github.com/spf13/cobra"
)

// Of a served timeline the page holds so many slices at a time: it opens at once,
// and fetches what it shows.
const servedSlices = 300_000

// cachedWindows is how many answers are kept.
const cachedWindows = 8

type serveCommand struct {
	*analysis
	trace string
	page  []byte
	base  []analyze.Window // what the page is about
	host  string           // address that the browser must have asked for
	token string

	turn    chan struct{} // one reading at a time
	mu      sync.Mutex
	answers map[analyze.Window][]byte
	order   []analyze.Window // of answers, oldest first
}

func (a *app) serveCommand() *cobra.Command {
	c := &serveCommand{analysis: newAnalysis(a)}
	cmd := &cobra.Command{
		Use:   "serve TRACE",
		Short: "Show a report in the browser, with every moment in full detail",
		Long: `Serve shows the page of gmptrace report, and lets its timeline fetch any window
in full detail, however large the trace is. It reads the trace again for that.

It prints an address to open. Only this machine can reach it, and only who knows
the address: it has a token that is new each time. Ctrl-C ends it.

TRACE is a file. Traces compressed with gzip or zstd are recognised by their content.`,
		Example: `  gmptrace serve app.trace`,
		Args:    oneTrace,
		RunE: func(cmd *cobra.Command, args []string) error {
			a.ran = true
			return c.run(cmd.Context(), args[0])
		},
	}
	c.explain = true
	c.slices = servedSlices
	c.addFlags(cmd.Flags())
	c.completions(cmd)
	return cmd
}

func (c *serveCommand) run(ctx context.Context, trace string) error {
	if err := c.check(trace); err != nil {
		return err
	}
	if trace == "-" || isURL(trace) {
		return usagef("serve reads the trace again for what the page asks for: save it to a file first")
	}
	c.trace = trace
	rep, err := c.loadAround(ctx, trace)
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

// prepare writes the page and draws the token.
func (c *serveCommand) prepare(rep *analyze.Report) error {
	var page bytes.Buffer
	if err := render.Served(&page, rep); err != nil {
		return err
	}
	c.page, c.base, c.token = page.Bytes(), rep.Moments(), rand.Text()
	c.turn = make(chan struct{}, 1)
	c.answers = map[analyze.Window][]byte{}
	return nil
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
	answer, err := c.answer(req.Context(), analyze.Window{Start: from, End: to})
	if err != nil {
		http.Error(w, printable(err.Error()), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(answer)
}

// answer is what the page gets for a window: the timeline anew, with the window in
// full detail, and the worst moments as far as there is room beside it.
func (c *serveCommand) answer(ctx context.Context, window analyze.Window) ([]byte, error) {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if answer, ok := c.cached(window); ok {
		return answer, nil
	}
	an := *c.analysis
	an.quiet, an.explain, an.around = true, false, append([]analyze.Window{window}, c.base...)
	rep, err := an.load(ctx, c.trace)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := render.Window(&b, rep); err != nil {
		return nil, err
	}
	c.keep(window, b.Bytes())
	return b.Bytes(), nil
}

func (c *serveCommand) cached(window analyze.Window) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	answer, ok := c.answers[window]
	return answer, ok
}

func (c *serveCommand) keep(window analyze.Window, answer []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers[window] = answer
	c.order = append(c.order, window)
	if len(c.order) > cachedWindows {
		delete(c.answers, c.order[0])
		c.order = c.order[1:]
	}
}
