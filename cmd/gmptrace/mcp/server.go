package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"gmptrace/analyze/fleet"
	"gmptrace/analyze/machine"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/render"
)

const (
	// Width is that of all text, in columns.
	Width = 100

	atOnce      = 2        // analyses: the rest wait for their turn
	mostReports = 16 << 20 // bytes of JSON of the reports that are kept
	mostRows    = 16 << 20 // bytes that the rows that are kept would have as files
	mostRequest = 1 << 20  // bytes of a message to the server
)

// Host is what stands around a command in the place of a process.
type Host struct {
	Out      io.Writer
	Open     func(name string) (*os.File, error) // instead of os.Open
	Progress func(replay.Progress)

	// Rows are rows of a trace that were kept, or what read makes.
	Rows func(name string, read func() (*fleet.Rows, error)) (*fleet.Rows, error)

	// Report is a report that was kept, or what read makes.
	Report func(read func() (*report.Report, error)) (*report.Report, error)
}

// Command runs a command line of gmptrace, and returns what it says on standard error
// though it has not failed.
type Command func(ctx context.Context, h Host, args []string) (remarks string, err error)

// Server answers assistants.
type Server struct {
	run      Command
	folder   *folder
	protocol *sdk.Server
	turn     chan struct{}
	texts    kept[string, *excerpt]
	reports  kept[string, *report.Report]
	rows     kept[string, *fleet.Rows]
}

// New is a server for the traces below a folder.
func New(dir, version string, run Command) (*Server, error) {
	f, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	s := &Server{run: run, folder: f, turn: make(chan struct{}, atOnce)}
	s.texts.most, s.reports.most, s.rows.most = mostKept, mostReports, mostRows
	s.protocol = sdk.NewServer(&sdk.Implementation{Name: "gmptrace", Title: "gmptrace", Version: version},
		&sdk.ServerOptions{Instructions: instructions, Capabilities: &sdk.ServerCapabilities{
			Tools: &sdk.ToolCapabilities{}, Resources: &sdk.ResourceCapabilities{}, Prompts: &sdk.PromptCapabilities{}, // none of which ever changes
		}})
	s.protocol.AddReceivingMiddleware(legible)
	for _, add := range tools {
		add(s)
	}
	s.addResources()
	s.addPrompt()
	return s, nil
}

// Serve answers until in ends or ctx is done; the latter is no error.
func (s *Server) Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	return s.serve(ctx, &sdk.IOTransport{Reader: io.NopCloser(in), Writer: unclosed{out}, MaxLineLength: mostRequest})
}

func (s *Server) serve(ctx context.Context, t sdk.Transport) error {
	defer s.folder.root.Close()
	err := s.protocol.Run(ctx, t)
	if ctx.Err() != nil || errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// unclosed is a writer that the protocol does not close: standard output is not its own.
type unclosed struct{ io.Writer }

func (unclosed) Close() error { return nil }

// legible makes errors of tools safe to show and short enough, those of the protocol's
// own checks too, which repeat what they were given.
func legible(next sdk.MethodHandler) sdk.MethodHandler {
	return func(ctx context.Context, method string, req sdk.Request) (sdk.Result, error) {
		res, err := next(ctx, method, req)
		call, ok := res.(*sdk.CallToolResult)
		if err != nil || !ok || !call.IsError {
			return res, err
		}
		for _, c := range call.Content {
			if text, ok := c.(*sdk.TextContent); ok {
				text.Text = printable(text.Text)
				if len(text.Text) > mostText {
					text.Text = strings.ToValidUTF8(text.Text[:mostText-len("…")], "") + "…"
				}
			}
		}
		return res, err
	}
}

// printable is words.Printable for a text of several lines.
func printable(s string) string {
	lines := strings.Split(words.Text(s), "\n")
	for i, line := range lines {
		lines[i] = words.Printable(line)
	}
	return strings.Join(lines, "\n")
}

// answering is a tool's handler.
func answering[A asker](s *Server) sdk.ToolHandlerFor[A, any] {
	return func(ctx context.Context, req *sdk.CallToolRequest, args A) (*sdk.CallToolResult, any, error) {
		q, err := args.asks()
		if err != nil {
			return nil, nil, err
		}
		result, err := s.answer(ctx, req, &q)
		return result, nil, err
	}
}

// answer is a page of what the command of a question prints.
func (s *Server) answer(ctx context.Context, req *sdk.CallToolRequest, q *question) (*sdk.CallToolResult, error) {
	if q.folders {
		below, err := s.folder.below(ctx, q.traces)
		if err != nil {
			return nil, err
		}
		q.traces = below
	}
	those, err := s.folder.of(q.files())
	if err != nil {
		return nil, err
	}
	at := cursor{Question: hash(q.args()...), Files: those.hash()}
	if q.cursor != "" {
		is := at
		if at, err = parseCursor(q.cursor); err != nil {
			return nil, err
		}
		switch {
		case at.Question != is.Question:
			return nil, errors.New("cursor: is of another question: give the arguments that the answer it comes from was to, or no cursor")
		case at.Files != is.Files:
			return nil, changed(strings.Join(q.files(), ", "))
		}
	}
	e, err := s.text(ctx, req, q, those, int64(at.Offset))
	if err != nil {
		return nil, err
	}
	if !e.covers(int64(at.Offset)) {
		return nil, errors.New("cursor: is of a place behind the answer's end: ask again without it")
	}
	return page(e, at), nil
}

// page is the answer at a cursor.
func page(e *excerpt, at cursor) *sdk.CallToolResult {
	text, last := e.page(int64(at.Offset))
	result := &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: text}}}
	if at.Offset == 0 && e.brief != nil {
		result.StructuredContent = e.brief
	}
	if !last {
		at.Offset += uint64(len(text))
		size := ""
		if !e.more {
			size = " of " + words.Text(words.Bytes(e.end()))
		}
		result.Content = append(result.Content, &sdk.TextContent{Text: fmt.Sprintf(
			"There is more, from byte %d on%s: ask again with the same arguments and \"cursor\": %q", at.Offset, size, at.String())})
		result.Meta = sdk.Meta{"gmptrace/cursor": at.String()}
	}
	return result
}

// text is a part of what a command prints, which has the page at an offset: one that was
// kept, or what it prints now.
func (s *Server) text(ctx context.Context, req *sdk.CallToolRequest, q *question, those *files, from int64) (*excerpt, error) {
	key := strings.Join(append(q.args(), fmt.Sprint(those.hash())), "\x00")
	if e, ok := s.texts.get(key, func(e *excerpt) bool { return e.covers(from) }); ok {
		return e, nil
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	e, err := s.printed(ctx, req, q, those, from)
	if err != nil {
		return nil, err
	}
	s.texts.put(key, e, cap(e.text)+len(e.brief)+len(key))
	return e, nil
}

// printed is a part of what a command prints now: its output, and behind it what it has to
// say about it.
func (s *Server) printed(ctx context.Context, req *sdk.CallToolRequest, q *question, those *files, from int64) (*excerpt, error) {
	running, stop := context.WithCancel(ctx)
	defer stop()
	e := &excerpt{from: from, stop: stop}
	told := newProgress(ctx, req)
	defer told.end()
	var rep *report.Report
	remarks, err := s.run(running, Host{
		Out: e,
		Open: func(name string) (*os.File, error) {
			file, err := those.open(name)
			if size, ok := those.traces[name]; ok && err == nil {
				told.next(size)
			}
			return file, err
		},
		Progress: told.update,
		Rows: func(name string, read func() (*fleet.Rows, error)) (*fleet.Rows, error) {
			return s.rowsOf(q, those, name, read)
		},
		Report: func(read func() (*report.Report, error)) (*report.Report, error) {
			made, err := s.report(q, those, read)
			rep = made
			return made, err
		},
	}, q.args())
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case e.more:
		return e, nil
	case err != nil:
		return nil, err
	}
	if remarks != "" {
		_, _ = io.WriteString(e, "\n"+remarks) // if it does not fit it is for the next page
	}
	if q.brief && rep != nil && from == 0 {
		e.brief, err = brief(rep)
	}
	return e, err
}

// report is that of a trace, or of a part of it: it is kept, for other tools ask for
// the same.
func (s *Server) report(q *question, those *files, read func() (*report.Report, error)) (*report.Report, error) {
	key := strings.Join(slices.Concat(q.files(), []string{q.from, q.to, fmt.Sprint(those.hash())}), "\x00")
	if rep, ok := s.reports.get(key, func(*report.Report) bool { return true }); ok {
		return rep, nil
	}
	rep, err := read()
	if err != nil {
		return nil, err
	}
	var size counter
	if err := render.JSON(&size, rep); err != nil {
		return nil, err
	}
	s.reports.put(key, rep, int(size))
	return rep, nil
}

// rowsOf are the rows of a trace that a question names: they are kept, for the next question
// may be of the same traces and some more.
func (s *Server) rowsOf(q *question, those *files, name string, read func() (*fleet.Rows, error)) (*fleet.Rows, error) {
	key := strings.Join(slices.Concat(q.flags, []string{name, those.versions[name], those.versions[name+machine.Suffix]}), "\x00")
	if r, ok := s.rows.get(key, func(*fleet.Rows) bool { return true }); ok {
		return r, nil
	}
	r, err := read()
	if err != nil {
		return nil, err
	}
	var size counter
	if err := r.Write(&size); err != nil {
		return nil, err
	}
	s.rows.put(key, r, int(size)+len(key))
	return r, nil
}

// counter counts what is written.
type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// brief is a report in short, as JSON, with nothing that is not safe to show.
func brief(rep *report.Report) (json.RawMessage, error) {
	var b bytes.Buffer
	if err := render.Brief(&b, rep); err != nil {
		return nil, err
	}
	dec := json.NewDecoder(&b)
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	return json.Marshal(shown(v))
}

// shown is a value of JSON with its texts made printable.
func shown(v any) any {
	switch v := v.(type) {
	case string:
		return printable(v)
	case []any:
		for i := range v {
			v[i] = shown(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = shown(v[k])
		}
	}
	return v
}

// progress tells a client how far the reading is, if it wants to know.
type progress struct {
	ctx     context.Context
	session *sdk.ServerSession
	token   any

	mu          sync.Mutex // update is called from another goroutine, perhaps once more after the end
	ended       bool
	before, all int64 // bytes of the traces before this one, and with it
	last        int64 // bytes that were told
}

func newProgress(ctx context.Context, req *sdk.CallToolRequest) *progress {
	return &progress{ctx: ctx, session: req.Session, token: req.Params.GetProgressToken()}
}

// next is told that another trace is read, of so many bytes.
func (p *progress) next(size int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.before, p.all = p.all, p.all+size
}

func (p *progress) update(at replay.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	read := p.before + at.Bytes
	if p.token == nil || p.ended || read <= p.last { // the protocol wants it to grow
		return
	}
	p.last = read
	// Whom it can't reach it does not matter to.
	_ = p.session.NotifyProgress(p.ctx, &sdk.ProgressNotificationParams{
		ProgressToken: p.token, Progress: float64(read), Total: float64(max(p.all, read)),
		Message: words.Text("read " + words.Bytes(read) + ", " + words.Plural(at.Events, "event")),
	})
}

// end is the moment from which on the answer is on its way: nothing is told after it.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
}
