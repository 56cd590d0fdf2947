package explain

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"gmptrace/analyze/internal/handlers"
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
//   - fasthttp, and fiber, which stands on it: see fastHandled.
//   - gRPC with a fixed number of workers: a worker serves one stream after the
//     other, and waits on a channel between them.
//   - where a goroutine is started for the handler, as http.TimeoutHandler does, that
//     one's stacks tell which it is; the request is still that of who waits for it.
//   - sent by net/http: a wait for the response. What the caller did before it,
//     such as writing a short request, is not in it.
//
// Which handler a request has is told by all stacks of its goroutine: those that it was
// blocked or in a system call with, that it was preempted with, that it let others go on
// with, and those of samples, annotations and collections. See handlers.
type requestFinder struct {
	underWay[model.GoID]
	names  *names.Table
	match  *regexp.Regexp // on handlers; nil for all. Requests are found whose handler may turn out to be one: see wants
	client bool           // those sent, instead of those served
	kinds  []serverKind   // by stack that goroutines start with, 0 while not known
	stacks []requestStack // by stack
	tell   names.Flags    // of stacks: inside of what calls a handler
	window *replay.Window // of requests that are counted; nil for all

	unshown map[model.GoID]*Span // by goroutine of which nothing is known yet

	aside map[model.GoID]*Span // by goroutine that a request has started, and that may run its handler

	handlers *handlers.Handlers // nil until a request shows
	wanted   []int8             // by key of handlers: 1 it may be wanted, -1 not, 0 not known yet
	senders  others             // of requests that were not wanted
	cut      int64              // requests that were told apart without a wait between them
	workers  bool               // gRPC serves with a fixed number of them
	through  bool               // no handler matches, requests are selected that went through a function that does
}

// serverKind is what a goroutine does for a server, by its start function.
type serverKind uint8

const (
	servesNotKnown   serverKind = iota
	servesNothing               // no server's goroutine
	servesConn                  // net/http and fasthttp: an HTTP/1 connection
	servesReadAhead             // net/http: reads ahead while a handler runs
	servesStream                // net/http and gRPC: one stream
	servesGRPCWorker            // gRPC: one stream after the other
	servesAside                 // what may run a handler for another goroutine: http.TimeoutHandler, and closures
)

// requestStack is what a stack says about a request.
type requestStack struct {
	known   bool
	between bool   // the goroutine waits for the next request
	handled bool   // inside of what calls the handler
	trail   uint32 // what it says of the handler, 0 for nothing
	through bool   // has a function of what is selected, further in than the server
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
	case start == httpConn, strings.HasPrefix(start, fastWorker):
		return servesConn
	case start == httpReadAhead:
		return servesReadAhead
	case strings.HasSuffix(start, "erverConn).runHandler"), strings.HasPrefix(start, grpcServer+"serveStreams.func"):
		return servesStream
	case start == grpcWorker:
		return servesGRPCWorker
	case names.IsClosure(start[strings.LastIndexByte(start, '.')+1:]):
		return servesAside
	}
	return servesNothing
}

// runsHandler is the outermost frame with which net/http calls a handler on a goroutine
// that was started for it, -1 for none.
func runsHandler(frames []report.Frame) int {
	last := len(frames) - 1
	if strings.HasPrefix(frames[last].Func, handlers.Timeout+".func") || strings.HasPrefix(frames[last].Func, fastAside) {
		return last
	}
	for i := last; i >= 0; i-- {
		if f := frames[i].Func; f == "net/http.HandlerFunc.ServeHTTP" || f == "net/http.(*ServeMux).ServeHTTP" {
			return i + 1
		}
	}
	return -1
}

func (x *requestFinder) kind(stack uint32) serverKind {
	if int(stack) < len(x.kinds) && x.kinds[stack] != servesNotKnown {
		return x.kinds[stack]
	}
	return x.findKind(stack)
}

func (x *requestFinder) findKind(stack uint32) serverKind {
	for int(stack) >= len(x.kinds) {
		x.kinds = append(x.kinds, servesNotKnown)
	}
	x.kinds[stack] = serverKindOf(x.names.StartFunc(stack))
	return x.kinds[stack]
}

func (x *requestFinder) stack(i uint32) requestStack {
	for int(i) >= len(x.stacks) {
		x.stacks = append(x.stacks, requestStack{})
	}
	if !x.stacks[i].known {
		x.stacks[i] = x.read(x.names.Stacks[i])
	}
	return x.stacks[i]
}

// read reads a stack, innermost frame first.
func (x *requestFinder) read(frames []report.Frame) requestStack {
	s := requestStack{known: true}
	if len(frames) == 0 {
		return s
	}
	last := frames[len(frames)-1].Func
	if i := slices.IndexFunc(frames, func(f report.Frame) bool { return f.Func == httpSend }); i >= 0 {
		s.sent = caller(frames[i:], "net/http.")
	}
	outer := serverKindOf(last)
	handled, aside := handledBy(frames)
	if aside && !x.client {
		x.trails().LeadsTo(last)
	}
	if handled >= 0 && !x.client {
		s.handled = true
		s.trail = x.trails().TrailOf(frames[:handled])
		s.through = x.match != nil && slices.ContainsFunc(frames[:handled], func(f report.Frame) bool { return x.match.MatchString(f.Func) })
	}
	s.between = handled < 0 && (outer == servesConn || outer == servesGRPCWorker)
	return s
}

// handledBy is the frame that calls the handler, -1 for none, and whether that runs on a
// goroutine which was started for it.
func handledBy(frames []report.Frame) (handled int, aside bool) {
	handled = -1
	for i := range frames {
		if f := frames[i].Func; f == httpHandler || strings.HasSuffix(f, "erverConn).runHandler") || f == grpcHandle {
			handled = i
		}
	}
	start := frames[len(frames)-1].Func
	switch {
	case handled >= 0:
	case serverKindOf(start) == servesAside:
		handled = runsHandler(frames)
		aside = handled >= 0
	case strings.HasPrefix(start, fastWorker):
		handled = fastHandled(frames)
	}
	return handled, aside
}

// tells reports whether a stack says something of a request, as few do: what was seen with
// another one need not be looked at.
func (x *requestFinder) tells(stack uint32) bool {
	return x.tell.Of(x.names, stack, func(frames []report.Frame) bool {
		if len(frames) == 0 {
			return false
		}
		handled, _ := handledBy(frames)
		return handled >= 0
	})
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

func (x *requestFinder) Find(f *model.Facts, ended func(*Span)) {
	if x.client {
		x.findSent(f, ended)
		return
	}
	rest := *f
	next := x.skip(&rest)
	until := func(t model.Time) {
		if next <= t {
			next = x.until(t, &rest, ended)
		}
	}
	for i := range f.Gs {
		iv := &f.Gs[i]
		if len(x.unshown) > 0 {
			x.firstShows(iv)
		}
		if wakesUnshown(iv) {
			x.wakes(iv)
			continue
		}
		if iv.By != model.NoG && x.tells(iv.ByStack) { // where a request let another goroutine go on
			until(iv.End)
			x.seen(iv.By, iv.End, iv.ByStack)
		}
		switch x.kind(iv.Func) {
		case servesConn, servesGRPCWorker:
			until(iv.End)
			x.serves(iv, ended)
		case servesStream:
			until(iv.End)
			x.stream(iv, ended)
		case servesAside:
			if iv.Exit || x.tells(iv.Stack) { // most are closures that have nothing to do with a server
				until(iv.End)
				x.besides(iv)
			}
		}
	}
	until(replay.Forever - 1)
}

// skip takes out what tells nothing of a request, as nearly all does, until the next of
// each kind that does, and returns when the first of those was: Forever is for none.
func (x *requestFinder) skip(rest *model.Facts) (next model.Time) {
	ps, events, dispatches := rest.Ps, rest.Events, rest.Dispatches // to change rest each time takes as long as to look
	for len(ps) > 0 && !x.shows(&ps[0]) {
		ps = ps[1:]
	}
	for len(events) > 0 && (events[0].G <= 0 || !x.tells(events[0].Stack)) {
		events = events[1:]
	}
	for len(dispatches) > 0 && (dispatches[0].By == model.NoG || !begins(x.kind(dispatches[0].Func))) {
		dispatches = dispatches[1:]
	}
	rest.Ps, rest.Events, rest.Dispatches = ps, events, dispatches
	next = replay.Forever
	if len(ps) > 0 {
		next = ps[0].End
	}
	if len(events) > 0 {
		next = min(next, events[0].Time)
	}
	if len(dispatches) > 0 {
		next = min(next, dispatches[0].Time)
	}
	return next
}

// shows reports whether a P's stretch tells something of a request.
func (x *requestFinder) shows(iv *model.PInterval) bool {
	return x.kind(iv.Func) >= servesConn && iv.Does == model.PDoesRun && (x.tells(iv.Stack) || x.goesIdle(iv))
}

// goesIdle reports whether a stretch ended as its goroutine began to wait for the next
// request. That the wait ends, and who serves has another one, may show long after. A
// connection waits for what reads ahead too, before that shows.
func (x *requestFinder) goesIdle(iv *model.PInterval) bool {
	k := x.kind(iv.Func)
	return (k == servesConn && iv.Reason == model.ReasonNetwork || k == servesGRPCWorker) && iv.Stopped == model.OpPark && x.stack(iv.Stack).between
}

// begins reports whether a goroutine of this kind, as it begins, tells of who started it.
func begins(k serverKind) bool { return k == servesReadAhead || k == servesAside }

// until takes in what happened by a time, in order: where goroutines that serve were
// stopped or sampled, and handlers that began. It returns when the next of that is.
func (x *requestFinder) until(t model.Time, rest *model.Facts, ended func(*Span)) (next model.Time) {
	for next = x.skip(rest); next <= t; next = x.skip(rest) {
		at, which := t, 0
		if len(rest.Ps) > 0 && rest.Ps[0].End <= at {
			at, which = rest.Ps[0].End-1, 1
		}
		if len(rest.Events) > 0 && rest.Events[0].Time <= at {
			at, which = rest.Events[0].Time-1, 2
		}
		if len(rest.Dispatches) > 0 && rest.Dispatches[0].Time <= at {
			which = 3
		}
		switch which {
		case 1:
			if iv := &rest.Ps[0]; x.goesIdle(iv) {
				x.idles(iv.G, iv.End, ended)
			} else {
				x.seen(iv.G, iv.End, iv.Stack)
			}
			rest.Ps = rest.Ps[1:]
		case 2:
			ev := &rest.Events[0]
			x.seen(ev.G, ev.Time, ev.Stack)
			rest.Events = rest.Events[1:]
		case 3:
			x.started(&rest.Dispatches[0], ended)
			rest.Dispatches = rest.Dispatches[1:]
		}
	}
	return next
}

// started follows goroutines that a connection's has started.
func (x *requestFinder) started(d *model.Dispatch, ended func(*Span)) {
	switch x.kind(d.Func) {
	case servesReadAhead:
		x.handled(d, ended)
	case servesAside:
		in := x.open[d.By]
		if in == nil || len(x.aside) >= maxOpen {
			return
		}
		if x.aside == nil {
			x.aside = map[model.GoID]*Span{}
		}
		x.aside[d.G] = in
	}
}

// besides follows a goroutine that may run a handler for another one.
func (x *requestFinder) besides(iv *model.GInterval) {
	if len(x.aside) == 0 {
		return
	}
	if iv.State == model.GWaiting || iv.State == model.GSyscall {
		x.stops(iv)
	}
	if iv.Exit {
		delete(x.aside, iv.G)
	}
}

// stops notes where a goroutine waits, or makes a system call.
func (x *requestFinder) stops(iv *model.GInterval) {
	x.seen(iv.G, iv.Start, iv.Stack)
	in := x.open[iv.G]
	if in == nil {
		in = x.aside[iv.G]
	}
	if in != nil && !in.stopped && x.tells(iv.Stack) {
		in.stopped = true
	}
}

// seen notes with which stack a goroutine was seen.
func (x *requestFinder) seen(g model.GoID, at model.Time, stack uint32) {
	if !x.tells(stack) {
		return
	}
	in := x.open[g]
	if in == nil {
		if in = x.aside[g]; in == nil || in.ended {
			return
		}
	}
	s := x.stack(stack)
	if s.trail != 0 || s.through {
		in.sees(sighting{s.trail, s.through, at, at})
	}
	if s.handled {
		x.isRequest(in)
	}
}

// starts begins what iv's goroutine may serve: a request as soon as a handler is
// called.
func (x *requestFinder) starts(iv *model.GInterval, at model.Time) {
	if x.open[iv.G] == nil {
		x.maybe(&Span{task: -1, g: iv.G, fn: iv.Func, Start: at})
	}
}

// maybe begins what its goroutine may serve. Until its handler is called it may wait for a
// P for longer than anything else, and what happens meanwhile is kept as for any request.
func (x *requestFinder) maybe(in *Span) {
	if x.attempt(in.g, in) {
		x.since.add(in, len(x.open))
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
	if iv.State == model.GWaiting || iv.State == model.GSyscall {
		x.stops(iv)
	}
	if iv.State == model.GWaiting && x.stack(iv.Stack).between {
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
		next := &Span{task: -1, g: d.By, fn: in.fn, Start: d.Ready}
		in.seen = next.takes(in.seen)
		x.over(d.By, d.Ready, ended)
		in = next
		x.maybe(in)
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

// idles ends what a goroutine served that begins to wait for more. If no handler shows by
// then it is left to the end of that wait, for which nothing need be kept.
func (x *requestFinder) idles(g model.GoID, at model.Time, ended func(*Span)) {
	switch in := x.open[g]; {
	case in == nil:
	case in.handled:
		x.over(g, at, ended)
	default:
		in.idle = true
	}
}

// takes takes what was seen since a request began, which counted as the one before so
// far, and returns what was seen before.
func (in *Span) takes(seen []sighting) (before []sighting) {
	for _, s := range seen {
		if s.last >= in.Start {
			in.sees(sighting{s.trail, s.through, max(s.first, in.Start), s.last})
		}
		if s.first < in.Start {
			before = append(before, s)
		}
	}
	return before
}

// done passes a request on, if it may be wanted.
func (x *requestFinder) done(in *Span, ended func(*Span)) {
	in.Key = x.trails().Key(in.trails())
	in.through = slices.ContainsFunc(in.seen, func(s sighting) bool { return s.through })
	in.seen = nil
	if x.window == nil || in.End > max(in.Start, x.window.From) && in.Start < x.window.To {
		x.handlers.Count(in.Key)
	}
	if in.through || x.wants(in.Key) {
		ended(in)
	}
}

// wants reports whether requests of a key may turn out to have a handler that is
// selected: what they are called shows only at the end.
func (x *requestFinder) wants(key uint32) bool {
	if x.match == nil {
		return true
	}
	for int(key) >= len(x.wanted) {
		x.wanted = append(x.wanted, 0)
	}
	if x.wanted[key] == 0 {
		x.wanted[key] = -1
		if x.handlers.MayBe(key, x.match.MatchString) {
			x.wanted[key] = 1
		}
	}
	return x.wanted[key] > 0
}

func (x *requestFinder) trails() *handlers.Handlers {
	if x.handlers == nil {
		x.handlers = handlers.New()
	}
	return x.handlers
}

// Called is the handler of the requests with a key, "" where none shows. All must have
// been read.
func (x *requestFinder) Called(key uint32) string { return x.trails().Name(key) }

// selects reports whether requests with a key have a handler that matches. All must have
// been read.
func (x *requestFinder) selects(key uint32) bool {
	name := x.Called(key)
	return name != "" && x.match.MatchString(name)
}

// stream follows a goroutine that serves one stream.
func (x *requestFinder) stream(iv *model.GInterval, ended func(*Span)) {
	if iv.First {
		x.starts(iv, iv.Start)
		x.isRequest(x.open[iv.G])
	}
	if iv.State == model.GWaiting || iv.State == model.GSyscall {
		x.stops(iv)
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
		switch s := x.stack(iv.Stack); {
		case s.sent == "":
		case x.match == nil || x.match.MatchString(s.sent):
			ended(&Span{Name: s.sent, task: -1, g: iv.G, fn: iv.Func, Start: iv.Start, End: iv.End, unfinished: iv.Open&model.OpenEnd != 0})
		default:
			x.senders.add(s.sent)
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
	if !x.client {
		notes = append(notes, x.unnamed()...)
	}
	if x.workers {
		notes = append(notes, "a gRPC worker that finds the next stream waiting does not show where one request ends: those count as one")
	}
	if !x.client {
		notes = append(notes, "a trace has no URLs: requests are told by their handlers' functions, and begin when the connection becomes readable")
	}
	return notes
}

// unnamed notes of how many requests the handler does not show.
func (x *requestFinder) unnamed() []string {
	named, n := x.trails().Names()
	switch {
	case x.through:
		note := "no handler that shows is called like that: these are the requests that were seen in a function which is; others may have gone through it unseen"
		if len(named) > 0 {
			note += ". The handlers: " + strings.Join(named[:min(len(named), maxOthers)], ", ")
		}
		return []string{note}
	case n == 0:
		return nil
	case x.match != nil:
		return []string{fmt.Sprintf("of all %s, the handler of %s does not show: they may be of these as well, and are not among them", words.Plural(x.handlers.Total(), "request"), words.Count(n))}
	}
	note := fmt.Sprintf("the handlers of %s do not show: a trace has stacks only of goroutines that were blocked, preempted or sampled", words.Plural(n, "request"))
	if len(named) == 1 {
		note += "; those of all others are " + words.Function(named[0])
	}
	return []string{note}
}

// others are handlers, or functions that sent requests, where none was selected.
func (x *requestFinder) others() []string {
	if x.client {
		return x.senders
	}
	named, _ := x.trails().Names()
	return named[:min(len(named), maxOthers)]
}

// sighting is what stacks of a request said of its handler.
type sighting struct {
	trail       uint32 // 0 for none
	through     bool   // a function of what is selected was on it, whatever the handler
	first, last model.Time
}

// sees notes what a stack of a request says.
func (in *Span) sees(x sighting) {
	for i := range in.seen {
		if s := &in.seen[i]; s.trail == x.trail && s.through == x.through {
			s.last = max(s.last, x.last)
			return
		}
	}
	if len(in.seen) < handlers.MaxTrails {
		in.seen = append(in.seen, x)
	}
}

// trails are those of the sightings.
func (in *Span) trails() []uint32 {
	trails := make([]uint32, len(in.seen))
	for i := range in.seen {
		trails[i] = in.seen[i].trail
	}
	return trails
}
