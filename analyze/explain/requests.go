package explain

import (
	"fmt"
	"regexp"
	"strings"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// requestFinder finds the requests that a program served or sent, in traces of
// programs that annotate nothing: from the functions that goroutines started
// with, and from the stacks that they were blocked with.
//
//   - net/http, HTTP/1: one goroutine serves a connection. A request begins when
//     a wait for the network ends that the handler is not on the stack of, and
//     ends when the next such wait begins. Each handler's start shows too, as the
//     connection's goroutine then creates one that reads ahead: two of them
//     without a wait between are two requests, cut where the second one starts.
//   - net/http, HTTP/2, and gRPC: a goroutine per stream.
//   - gRPC with a fixed number of workers: a worker serves one stream after the
//     other, and waits on a channel between them.
//   - sent by net/http: a wait for the response. What the caller did before it,
//     such as writing a short request, is not in it.
type requestFinder struct {
	underWay[model.GoID]
	names  *names.Table
	match  *regexp.Regexp // on handlers; nil for all
	client bool           // those sent, instead of those served
	kinds  []serverKind   // by function, 0 while not known
	stacks []requestStack // by stack

	cut     int64 // requests that were told apart without a wait between them
	unnamed int64 // whose handler does not show
	workers bool  // gRPC serves with a fixed number of them
}

// serverKind is what a goroutine does for a server, by its start function.
type serverKind uint8

const (
	servesNotKnown   serverKind = iota
	servesNothing               // no server's goroutine
	servesConn                  // net/http: an HTTP/1 connection
	servesReadAhead             // net/http: reads ahead while a handler runs
	servesStream                // net/http and gRPC: one stream
	servesGRPCWorker            // gRPC: one stream after the other
)

// requestStack is what a stack says about a request.
type requestStack struct {
	known   bool
	between bool   // the goroutine waits for the next request
	handler string // function that handles the request, "" if not on it
	sent    string // function that sent one and waits for the response
}

// Functions of the servers. That of HTTP/2 is bundled into net/http or in a
// module of its own.
const (
	httpConn      = "net/http.(*conn).serve"
	httpReadAhead = "net/http.(*connReader).backgroundRead"
	httpHandler   = "net/http.serverHandler.ServeHTTP"
	httpSend      = "net/http.(*Transport).roundTrip"
	grpcServer    = "google.golang.org/grpc.(*Server)."
	grpcHandle    = "google.golang.org/grpc.(*Server).handleStream"
	grpcWorker    = "google.golang.org/grpc.(*Server).serverWorker"
)

func serverKindOf(start string) serverKind {
	switch {
	case start == httpConn:
		return servesConn
	case start == httpReadAhead:
		return servesReadAhead
	case strings.HasSuffix(start, "erverConn).runHandler"), strings.HasPrefix(start, grpcServer+"serveStreams.func"):
		return servesStream
	case start == grpcWorker:
		return servesGRPCWorker
	}
	return servesNothing
}

func (x *requestFinder) kind(stack uint32) serverKind {
	fn := x.names.Start[stack]
	for int(fn) >= len(x.kinds) {
		x.kinds = append(x.kinds, servesNotKnown)
	}
	if x.kinds[fn] == servesNotKnown {
		x.kinds[fn] = serverKindOf(x.names.Funcs[fn])
	}
	return x.kinds[fn]
}

func (x *requestFinder) stack(i uint32) requestStack {
	for int(i) >= len(x.stacks) {
		x.stacks = append(x.stacks, requestStack{})
	}
	if !x.stacks[i].known {
		x.stacks[i] = requestStackOf(x.names.Stacks[i])
	}
	return x.stacks[i]
}

// requestStackOf reads a stack, innermost frame first.
func requestStackOf(frames []report.Frame) requestStack {
	s := requestStack{known: true}
	if len(frames) == 0 {
		return s
	}
	outer := serverKindOf(frames[len(frames)-1].Func)
	handled := -1 // frame that calls the handler
	for i, f := range frames {
		switch {
		case f.Func == httpHandler, strings.HasSuffix(f.Func, "erverConn).runHandler"), f.Func == grpcHandle:
			handled = i
		case f.Func == httpSend && s.sent == "":
			s.sent = caller(frames[i:], "net/http.")
		}
	}
	if handled >= 0 {
		s.handler = callee(frames[:handled])
	}
	s.between = handled < 0 && (outer == servesConn || outer == servesGRPCWorker)
	return s
}

// caller is the innermost function that is not of these packages.
func caller(frames []report.Frame, prefixes ...string) string {
	for _, f := range frames {
		if !names.HasPrefix(f.Func, prefixes) {
			return f.Func
		}
	}
	return ""
}

// callee is the outermost function that neither a server nor the standard
// library's lower parts have called for themselves.
func callee(frames []report.Frame) string {
	for i := len(frames) - 1; i >= 0; i-- {
		if f := frames[i].Func; !names.HasPrefix(f, servers) && !names.HasPrefix(f, names.Plumbing) {
			return f
		}
	}
	return ""
}

// servers are the packages around handlers.
var servers = []string{"net/http.", "golang.org/x/net/http2.", "google.golang.org/grpc.", "google.golang.org/grpc/"}

func (x *requestFinder) Find(f *model.Facts, ended func(*Span)) {
	if x.client {
		x.findSent(f, ended)
		return
	}
	dispatches := f.Dispatches
	handled := func(until model.Time) {
		for ; len(dispatches) > 0 && dispatches[0].Time <= until; dispatches = dispatches[1:] {
			if d := &dispatches[0]; d.By != model.NoG && x.kind(d.Func) == servesReadAhead {
				x.handled(d, ended)
			}
		}
	}
	defer handled(replay.Forever)
	for i := range f.Gs {
		iv := &f.Gs[i]
		handled(iv.End)
		switch x.kind(iv.Func) {
		case servesConn, servesGRPCWorker:
			x.serves(iv, ended)
		case servesStream:
			x.stream(iv, ended)
		}
	}
}

// starts begins what iv's goroutine may serve: a request as soon as a handler is
// called.
func (x *requestFinder) starts(iv *model.GInterval, at model.Time) {
	if x.open[iv.G] == nil {
		x.attempt(iv.G, &Span{task: -1, g: iv.G, fn: iv.Func, Start: at})
	}
}

// isRequest notes that a handler was called.
func (x *requestFinder) isRequest(in *Span) {
	if in != nil && !in.handled {
		in.handled = true
		x.confirm(in)
	}
}

// serves follows a goroutine that serves one request after the other.
func (x *requestFinder) serves(iv *model.GInterval, ended func(*Span)) {
	if iv.First && iv.Open&model.OpenStart == 0 {
		x.starts(iv, iv.Start)
	}
	x.workers = x.workers || x.kind(iv.Func) == servesGRPCWorker
	s := requestStack{}
	if iv.State == model.GWaiting || iv.State == model.GSyscall {
		s = x.stack(iv.Stack)
	}
	if in := x.open[iv.G]; in != nil && s.handler != "" {
		in.Name = s.handler
		x.isRequest(in)
	}
	if s.between && iv.State == model.GWaiting {
		x.over(iv.G, iv.Start, ended)
		if iv.Open&model.OpenEnd == 0 {
			x.starts(iv, iv.End)
		}
	}
	if iv.Exit {
		x.over(iv.G, iv.End, ended)
	}
}

// handled notes that a connection's goroutine has begun to run a handler.
func (x *requestFinder) handled(d *model.Dispatch, ended func(*Span)) {
	in := x.open[d.By]
	if in == nil || in.ahead == d.G {
		return
	}
	if in.ahead != 0 { // another one than before
		x.cut++
		fn := in.fn
		x.over(d.By, d.Ready, ended)
		in = &Span{task: -1, g: d.By, fn: fn, Start: d.Ready}
		x.attempt(d.By, in)
	}
	in.ahead = d.G
	x.isRequest(in)
}

// over ends what a goroutine served. It was no request if no handler was called:
// a handshake, or the end of a connection.
func (x *requestFinder) over(g model.GoID, at model.Time, ended func(*Span)) {
	in := x.end(g, at)
	if in == nil || !in.handled {
		return
	}
	x.done(in, ended)
}

// done passes a request on, if it is wanted.
func (x *requestFinder) done(in *Span, ended func(*Span)) {
	if in.Name == "" {
		x.unnamed++
	}
	if x.match == nil || x.match.MatchString(in.Name) {
		ended(in)
	}
}

// stream follows a goroutine that serves one stream.
func (x *requestFinder) stream(iv *model.GInterval, ended func(*Span)) {
	if iv.First {
		x.starts(iv, iv.Start)
		x.isRequest(x.open[iv.G])
	}
	if in := x.open[iv.G]; in != nil && (iv.State == model.GWaiting || iv.State == model.GSyscall) {
		if s := x.stack(iv.Stack); s.handler != "" {
			in.Name = s.handler
		}
	}
	if iv.Exit {
		if in := x.end(iv.G, iv.End); in != nil {
			x.done(in, ended)
		}
	}
}

// findSent finds waits for responses.
func (x *requestFinder) findSent(f *model.Facts, ended func(*Span)) {
	for i := range f.Gs {
		iv := &f.Gs[i]
		if iv.State != model.GWaiting {
			continue
		}
		s := x.stack(iv.Stack)
		if s.sent != "" && (x.match == nil || x.match.MatchString(s.sent)) {
			ended(&Span{Name: s.sent, task: -1, g: iv.G, fn: iv.Func, Start: iv.Start, End: iv.End, unfinished: iv.Open&model.OpenEnd != 0})
		}
	}
}

// close ends what the trace leaves unfinished.
func (x *requestFinder) close(now model.Time, ended func(*Span)) {
	x.underWay.close(now, func(in *Span) { x.done(in, ended) })
}

// notes say what could not be told.
func (x *requestFinder) notes() []string {
	var notes []string
	if x.cut > 0 {
		notes = append(notes, fmt.Sprintf("%s came so soon after the one before on the same connection that no wait shows between them: they were cut apart where the second handler started", words.Plural(x.cut, "request")))
	}
	if x.unnamed > 0 {
		notes = append(notes, fmt.Sprintf("the handlers of %s do not show: they were never blocked, and running goroutines have no stack in a trace", words.Plural(x.unnamed, "request")))
	}
	if x.workers {
		notes = append(notes, "a gRPC worker that finds the next stream waiting does not show where one request ends: those count as one")
	}
	if !x.client {
		notes = append(notes, "a trace has no URLs: requests are told by their handlers' functions, and begin when the connection becomes readable")
	}
	return notes
}
