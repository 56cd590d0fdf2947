package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"sync"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/whatif"
	"gmptrace/analyze/words"
	"gmptrace/render"
)

// Slices is how many the page holds of a timeline at a time: it opens at once, and fetches
// what it shows.
const Slices = 300_000

// keptAnswers is how many answers are kept of each trace.
const keptAnswers = 8

// Trace is one that is served: its report, and how to ask it for more. Everything that asks
// reads the trace anew, tells how far that is where it is given a function for that, and
// ends when its context does.
type Trace struct {
	Report  *report.Report
	Detail  func(ctx context.Context, around []report.Window) (*report.Report, error) // with at most Slices; nil where Report has every slice
	Explain func(ctx context.Context, asked url.Values, progress func(replay.Progress)) (*report.Explanation, error)
	WhatIf  func(ctx context.Context, asked url.Values, progress func(replay.Progress)) (*whatif.Result, error)
}

// BadRequest is what nobody can answer, such as a regular expression that is none.
type BadRequest struct{ Err error }

func (e BadRequest) Error() string { return e.Err.Error() }
func (e BadRequest) Unwrap() error { return e.Err }

// site is a trace's pages.
type site struct {
	*Trace
	page  []byte
	pages []render.PageLink // others beside these
	base  []report.Window   // what the page is about
	turn  chan struct{}     // one reading at a time, of all sites

	mu    sync.Mutex
	kept  map[string][]byte
	order []string // of kept, oldest first
}

func newSite(t *Trace, pages ...render.PageLink) (*site, error) {
	s := &site{Trace: t, pages: pages, base: t.Report.Moments(), kept: map[string][]byte{}}
	var page bytes.Buffer
	err := render.Served(&page, shown(t.Report, s.base), pages...)
	s.page = page.Bytes()
	return s, err
}

// shown is what the page shows at a time of a report: the timeline around these windows.
func shown(rep *report.Report, around []report.Window) *report.Report {
	out := *rep
	out.Timeline = rep.Timeline.Around(around, Slices)
	return &out
}

// question is how an answer is made: a reading of the trace, in general.
type question func(ctx context.Context, progress func(replay.Progress)) ([]byte, error)

// answer is what is kept for a key, or made when it is this request's turn. began is called
// before it is made.
func (s *site) answer(ctx context.Context, key string, began func(), ask func(context.Context) ([]byte, error)) ([]byte, error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if answer, ok := s.find(key); ok {
		return answer, nil
	}
	began()
	answer, err := ask(ctx)
	if err == nil {
		s.keep(key, answer)
	}
	return answer, err
}

func (s *site) find(key string) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer, ok := s.kept[key]
	return answer, ok
}

func (s *site) keep(key string, answer []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept[key] = answer
	s.order = append(s.order, key)
	if len(s.order) > keptAnswers {
		delete(s.kept, s.order[0])
		s.order = s.order[1:]
	}
}

func (s *site) window(w http.ResponseWriter, req *http.Request) {
	from, errFrom := strconv.ParseInt(req.URL.Query().Get("from"), 10, 64)
	to, errTo := strconv.ParseInt(req.URL.Query().Get("to"), 10, 64)
	if errFrom != nil || errTo != nil || from < 0 || to <= from {
		http.Error(w, "from and to must be nanoseconds from the trace's start, and from before to", http.StatusBadRequest)
		return
	}
	window := report.Window{Start: from, End: to}
	answer, err := s.answer(req.Context(), keyOf(req), func() {}, func(ctx context.Context) ([]byte, error) { return s.detail(ctx, window) })
	if err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(answer)
}

// detail is what the page gets for a window: the timeline anew, with the window in
// full detail, and the worst moments as far as there is room beside it.
func (s *site) detail(ctx context.Context, window report.Window) ([]byte, error) {
	around := append([]report.Window{window}, s.base...)
	rep := s.Report
	if s.Detail != nil {
		var err error
		if rep, err = s.Detail(ctx, around); err != nil {
			return nil, err
		}
	}
	var b bytes.Buffer
	err := render.Window(&b, shown(rep, around))
	return b.Bytes(), err
}

// keyOf is what answers are kept by: what was asked for, in one order.
func keyOf(req *http.Request) string { return req.URL.Path + "?" + req.URL.Query().Encode() }

func (s *site) explain(asked url.Values) question {
	return func(ctx context.Context, progress func(replay.Progress)) ([]byte, error) {
		x, err := s.Explain(ctx, asked, progress)
		if err != nil {
			return nil, err
		}
		var b bytes.Buffer
		err = render.ExplainServed(&b, x, s.Report, s.beside()...)
		return b.Bytes(), err
	}
}

func (s *site) whatIf(asked url.Values) question {
	return func(ctx context.Context, progress func(replay.Progress)) ([]byte, error) {
		x, err := s.WhatIf(ctx, asked, progress)
		if err != nil {
			return nil, err
		}
		var b bytes.Buffer
		err = render.WhatIfServed(&b, x, s.beside()...)
		return b.Bytes(), err
	}
}

// beside are the pages beside an answer: the report and what is beside that.
func (s *site) beside() []render.PageLink {
	return append([]render.PageLink{{Address: "./", Text: "Report"}}, s.pages...)
}

// ask answers with a page: as such, for which a browser waits, and which it cancels by
// going away; or as lines of JSON, of which all but the last say how far it is.
func (s *site) ask(w http.ResponseWriter, req *http.Request, about func(url.Values) question) {
	ask, key := about(req.URL.Query()), keyOf(req)
	if req.Header.Get("Accept") == linesType {
		s.tell(w, req, key, ask)
		return
	}
	page, err := s.answer(req.Context(), key, func() {}, func(ctx context.Context) ([]byte, error) { return ask(ctx, nil) })
	if err != nil {
		fail(w, err)
		return
	}
	writePage(w, page)
}

// linesType is what the page's script asks for.
const linesType = "application/x-ndjson"

// line is one of an answer that takes a while.
type line struct {
	Text  string  `json:"text,omitempty"` // what is being done
	Part  float64 `json:"part,omitempty"` // of the reading; 0 where that is not known
	Page  string  `json:"page,omitempty"`
	Error string  `json:"error,omitempty"`
}

// tell answers in lines. Nobody who went away is read for any longer.
func (s *site) tell(w http.ResponseWriter, req *http.Request, key string, ask question) {
	ctx, cancel := context.WithCancel(req.Context())
	defer cancel()
	lines := newLines(w)
	steps, done := make(latest, 1), make(chan result, 1)
	go func() {
		page, err := s.answer(ctx, key, func() { steps.put(line{Text: "Reading the trace"}) },
			func(ctx context.Context) ([]byte, error) {
				return ask(ctx, func(p replay.Progress) { steps.put(progressLine(p)) })
			})
		done <- result{page, err}
	}()
	lines.write(line{Text: "Waiting for another reading to end"})
	for {
		select {
		case l := <-steps:
			if lines.write(l) != nil {
				cancel()
			}
		case r := <-done:
			if r.err != nil {
				lines.write(line{Error: words.Printable(r.err.Error())})
			} else {
				lines.write(line{Page: string(r.page)})
			}
			return
		}
	}
}

// result is how a question was answered.
type result struct {
	page []byte
	err  error
}

// latest holds the newest line alone: a reading never waits for who is told of it.
type latest chan line

func (c latest) put(l line) {
	for {
		select {
		case c <- l:
			return
		default:
		}
		select {
		case <-c:
		default:
		}
	}
}

// progressLine says how far a reading is. What follows one, such as simulating, tells
// nothing of itself.
func progressLine(p replay.Progress) line {
	if p.Size <= 0 {
		return line{Text: "Reading the trace: " + words.Plural(p.Events, "event")}
	}
	part := min(1, float64(p.Bytes)/float64(p.Size))
	if part == 1 {
		return line{Text: "Working it out of " + words.Plural(p.Events, "event"), Part: part}
	}
	return line{Text: "Reading the trace: " + words.Share(part) + ", " + words.Plural(p.Events, "event"), Part: part}
}

// lineWriter writes lines that are not kept back.
type lineWriter struct {
	out   *json.Encoder
	flush func() error
}

func newLines(w http.ResponseWriter) lineWriter {
	w.Header().Set("Content-Type", linesType)
	return lineWriter{json.NewEncoder(w), http.NewResponseController(w).Flush}
}

func (l lineWriter) write(x line) error {
	return errors.Join(l.out.Encode(x), l.flush())
}

func fail(w http.ResponseWriter, err error) {
	code := http.StatusInternalServerError
	var bad BadRequest
	if errors.As(err, &bad) {
		code = http.StatusBadRequest
	}
	http.Error(w, words.Printable(err.Error()), code)
}
