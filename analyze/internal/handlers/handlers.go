// Package handlers tells which handler served a request, from the stacks that a trace has of
// it. Functions and where their source is tell most of that; few routers need to be known by
// name.
package handlers

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
	"strings"

	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
)

// Handlers tells which handler served a request, from all the stacks that the trace has
// of it. Between the server and the handler stand routers and middleware, of modules
// and of the program itself, which are the same for many handlers. What is of modules
// shows by its source file. For the program's own functions there are two signs that
// they only lead to a handler:
//
//   - A function further in was called by the server's or the router's package, which
//     also stands further out: middleware calls a net/http.Handler, or gin's Next. One
//     stack tells that.
//   - One line calls different functions, in different requests: middleware calls the
//     function that it was given. That takes all of the trace. The compiler may have a copy
//     of the middleware for each handler, with a name of its own, so the source tells.
//   - Code of another package calls a function of package main, which it can't name.
//   - One line is in several functions: the compiler has copied a closure to where its
//     maker is called, once for each handler that it wraps. What a copy was seen to call
//     time and again is the handler of all that only show the copy; where none was, the
//     handler is one behind the maker. See copies.
//
// Whatever is of the program and does neither is a handler, the outermost one on a
// stack. So a name is known when all has been read, not while requests end: until then
// a request has a number, the same for all whose stacks say the same.
type Handlers struct {
	trails  []trail // by number; 0 is none
	byTrail map[string]uint32
	keys    [][]uint32 // trails of requests alike, by number; 0 is of those without any
	byKey   map[string]uint32
	counts  []int64         // requests, by key
	leads   map[string]bool // functions of the program further out than a handler, on some stack
	around  map[string]bool // packages, true for those further out than any function of the program

	byName []string        // by key, once all has been read
	behind map[string]bool // of those names, of functions that handlers are wrapped in, of which no more shows
}

// trail is what a stack says of a handler.
type trail struct {
	// calls are functions of the program from the outermost one on that may be the
	// handler, each with the line in which it calls the next one.
	calls []call
	// foreign is the innermost handler that is not the program's, where calls is empty.
	foreign string
	// method is the generated function that gRPC calls for a method, "" for none: it
	// has one handler.
	method string
}

type call struct {
	fn   string
	file string
	line uint64
}

// spot is a line of the source, of a function where its file is not known.
type spot struct {
	in   string
	line uint64
}

func (c call) spot() spot { return spot{cmp.Or(c.file, c.fn), c.line} }

// given reports whether a function calls one that it can only have been given.
func (c call) given(to call) bool {
	return names.Package(to.fn) == "main" && !names.SamePackage(&report.Frame{Func: c.fn, File: c.file}, &report.Frame{Func: to.fn, File: to.file})
}

// MaxTrails is how many trails of a request need be told of: more say nothing new.
const MaxTrails = 6

const (
	maxCalls = 6       // of a trail: handlers that are wrapped in more functions are told by these
	maxKeys  = 1 << 12 // requests that come later, and are like none before, go by their first trail
)

// generated reports whether gRPC's compiler wrote a function, which calls the handler of
// one method.
func generated(fn string) bool {
	fn = strings.TrimSuffix(fn, ".func1")
	return strings.HasSuffix(fn, "_Handler") && strings.HasPrefix(fn[len(names.Package(fn)):], "._")
}

// Servers are the packages around handlers.
var Servers = []string{"net/http.", "golang.org/x/net/http2.", "google.golang.org/grpc.", "google.golang.org/grpc/", "github.com/valyala/fasthttp."}

// Timeout is the handler that runs another one on a goroutine of its own.
const Timeout = "net/http.(*timeoutHandler).ServeHTTP"

// Routers are known to call handlers, where their source files do not show that they are
// of a module.
var Routers = []string{"github.com/go-chi/chi/", "github.com/gin-gonic/", "github.com/gin-contrib/", "github.com/labstack/", "github.com/gorilla/",
	"github.com/julienschmidt/httprouter.", "github.com/urfave/negroni", "github.com/rs/cors.", "connectrpc.com/", "go.opentelemetry.io/",
	"github.com/grpc-ecosystem/", "github.com/justinas/alice.", "github.com/emicklei/go-restful", "github.com/gofiber/", "github.com/fasthttp/"}

func foreign(f *report.Frame) bool {
	return names.Foreign(f) || names.HasPrefix(f.Func, Servers) || names.HasPrefix(f.Func, Routers) || generated(f.Func)
}

// leadsOn reports whether a function may do no more than call the handler that it was
// given: a closure, or a method that makes a function a net/http.Handler.
func leadsOn(fn string) bool {
	last := fn[strings.LastIndexByte(fn, '.')+1:]
	return names.IsClosure(last) || last == "ServeHTTP"
}

// trailOf reads the frames of a stack that are further in than the server, innermost
// first, and takes in what they say of all requests.
func (h *Handlers) TrailOf(frames []report.Frame) uint32 {
	t := trail{}
	if i := slices.IndexFunc(frames, func(f report.Frame) bool { return f.Func == Timeout }); i >= 0 {
		for k := i + 1; k < len(frames); k++ { // the handler runs on another goroutine
			if !foreign(&frames[k]) {
				h.leads[frames[k].Func] = true
			}
		}
		frames = frames[:i]
	}
	first, own := -1, -1 // frames of the program: the outermost one, and the innermost that was called as a handler
	outside := map[string]bool{}
	for i := len(frames) - 1; i >= 0; i-- {
		f := &frames[i]
		switch {
		case foreign(f):
			if generated(f.Func) {
				t.method = strings.TrimSuffix(f.Func, ".func1")
			}
			if own < 0 {
				outside[names.Base(f.Func)] = true
			}
		case own < 0 && (i+1 == len(frames) || !callback(f.Func) || handsOn(frames[i:], nil)):
			first, own = i, i
		case own >= 0 && handsOn(frames[i:], outside) && !strings.HasPrefix(f.Func, frames[own].Func+"."):
			own = i
		}
	}
	if own < 0 {
		t.foreign = foreignHandler(frames)
		return h.trail(&t)
	}
	for i := len(frames) - 1; i > own; i-- {
		if f := &frames[i]; foreign(f) {
			h.around[names.Package(f.Func)] = h.around[names.Package(f.Func)] || i > first
		} else {
			h.leads[f.Func] = true
		}
	}
	for i := own; i >= 0 && !foreign(&frames[i]) && len(t.calls) < maxCalls; i-- {
		t.calls = append(t.calls, call{frames[i].Func, frames[i].File, frames[i].Line})
		if !leadsOn(frames[i].Func) {
			break
		}
	}
	return h.trail(&t)
}

// LeadsTo notes that a handler was seen on a goroutine of its own, that started with a
// function: those around it only lead to handlers.
func (h *Handlers) LeadsTo(start string) {
	for strings.Count(start, ".") > 1 {
		start = start[:strings.LastIndexByte(start, '.')]
		if names.IsClosure(start[strings.LastIndexByte(start, '.')+1:]) || names.Base(start) == start {
			h.leads[start] = true
		}
		if names.Base(start) == start {
			return
		}
	}
}

// handsOn reports whether the first frame, of the program, was called as a handler: by
// what calls handlers, which is known or stands further out too.
func handsOn(frames []report.Frame, outside map[string]bool) bool {
	if strings.HasSuffix(frames[0].Func, ".ServeHTTP") {
		return true
	}
	by := &frames[1]
	switch {
	case !foreign(by):
		return false
	case strings.HasPrefix(by.Func, "net/http."):
		return strings.HasSuffix(by.Func, ".ServeHTTP")
	case names.Sends(by.Func):
		return false
	}
	return outside[names.Base(by.Func)] || generated(by.Func) || names.HasPrefix(by.Func, Servers) || names.HasPrefix(by.Func, Routers)
}

// callback reports whether a function of the program is one that the standard library and
// others call for their own ends: to write a response, to encode a value.
func callback(fn string) bool {
	return slices.Contains(Callbacks, fn[strings.LastIndexByte(fn, '.')+1:])
}

// Callbacks are the methods by which it is told.
var Callbacks = strings.Fields("Write WriteHeader WriteString Flush Read ReadFrom WriteTo Close RoundTrip MarshalJSON UnmarshalJSON MarshalText UnmarshalText MarshalBinary UnmarshalBinary String Error Format Scan Value Len Less Swap")

// foreignHandler is the innermost function that was called as a handler, such as that of
// net/http/pprof. "" for none.
func foreignHandler(frames []report.Frame) string {
	for i := range frames {
		f := frames[i].Func
		if names.HasPrefix(f, Servers) || names.HasPrefix(f, names.Plumbing) || generated(f) {
			continue
		}
		if i+1 == len(frames) || strings.HasSuffix(f, ".ServeHTTP") || strings.HasSuffix(frames[i+1].Func, ".ServeHTTP") {
			return f
		}
	}
	return ""
}

// trail is the number of a trail, 0 if it says nothing.
func (h *Handlers) trail(t *trail) uint32 {
	if len(t.calls) == 0 && t.foreign == "" && t.method == "" {
		return 0
	}
	key := []byte(t.foreign + "\x00" + t.method)
	for _, c := range t.calls {
		key = binary.AppendUvarint(append(append(key, 0), c.fn...), c.line)
	}
	return numbered(h.byTrail, string(key), &h.trails, *t)
}

// numbered is the number of a key, which x gets if it is new.
func numbered[T any](by map[string]uint32, key string, list *[]T, x T) uint32 {
	n, ok := by[key]
	if !ok {
		n = uint32(len(*list))
		by[key] = n
		*list = append(*list, x)
	}
	return n
}

// New knows of none yet.
func New() *Handlers {
	return &Handlers{trails: make([]trail, 1), byTrail: map[string]uint32{}, keys: make([][]uint32, 1), byKey: map[string]uint32{"": 0},
		leads: map[string]bool{}, around: map[string]bool{}}
}

// Key is the number of requests that were seen on these trails, in this order; 0 stands for
// none.
func (h *Handlers) Key(seen []uint32) uint32 {
	var key []byte
	var trails []uint32
	for _, t := range seen {
		if t != 0 && !slices.Contains(trails, t) {
			trails = append(trails, t)
			key = binary.AppendUvarint(key, uint64(t))
		}
	}
	if _, ok := h.byKey[string(key)]; !ok && len(h.keys) >= maxKeys {
		trails = trails[:1]
		key = binary.AppendUvarint(key[:0], uint64(trails[0]))
	}
	return numbered(h.byKey, string(key), &h.keys, trails)
}

// Count counts a request.
func (h *Handlers) Count(key uint32) {
	for int(key) >= len(h.counts) {
		h.counts = append(h.counts, 0)
	}
	h.counts[key]++
}

// MayBe reports whether requests of a key may turn out to have a handler that is wanted.
func (h *Handlers) MayBe(key uint32, wanted func(string) bool) bool {
	for _, k := range h.keys[key] {
		t := &h.trails[k]
		if t.method != "" || t.foreign != "" && wanted(t.foreign) || slices.ContainsFunc(t.calls, func(c call) bool { return wanted(c.fn) }) {
			return true
		}
		if n := len(t.calls); n > 0 && leadsOn(t.calls[n-1].fn) { // it may be one of many copies: other requests tell
			return true
		}
	}
	return false
}

// Name is the handler of requests with a key, "" where it does not show: to be asked
// when all has been read.
func (h *Handlers) Name(key uint32) string {
	if h.byName == nil {
		h.learn()
	}
	return h.byName[key]
}

// Behind reports whether a name is that of a function that handlers are wrapped in, of which
// no more shows. Name must have been asked for.
func (h *Handlers) Behind(name string) bool { return h.behind[name] }

// learn finds the names of all keys.
func (h *Handlers) learn() {
	lines := h.dispatching()
	copies := h.copies(lines)
	own, methods := make([]string, len(h.trails)), map[string]string{}
	for i := range h.trails {
		t := &h.trails[i]
		own[i] = h.called(t.calls, lines)
		if t.method != "" && own[i] != "" && methods[t.method] == "" {
			methods[t.method] = own[i]
		}
	}
	given := h.given(copies, own)
	h.behind = map[string]bool{}
	h.byName = make([]string, len(h.keys))
	for key, trails := range h.keys {
		for _, of := range []func(k uint32) string{
			func(k uint32) string { return own[k] },
			func(k uint32) string { return cmp.Or(methods[h.trails[k].method], h.trails[k].method) },
			func(k uint32) string { return h.ofModule(h.trails[k].foreign) },
			func(k uint32) string { return given[copyOn(&h.trails[k], copies)] },
		} {
			for _, k := range trails {
				if h.byName[key] == "" {
					h.byName[key] = of(k)
				}
			}
		}
		for _, k := range trails {
			if c := copyOn(&h.trails[k], copies); c != "" && h.byName[key] == "" {
				h.byName[key] = maker(c)
				h.behind[maker(c)] = true
			}
		}
	}
}

// copies are the closures of which there are several, each a copy for what it wraps: all are
// in one line. The lines in which they call what they were given are added to those: the ones
// that call different functions or, where no line of theirs does, all in which not several
// call the same. Some function that only one happened to be seen in is taken for what it was
// given.
func (h *Handlers) copies(lines map[spot]bool) map[string]bool {
	at, calls := map[spot]map[string]bool{}, map[spot]map[string]map[string]bool{}
	for i := range h.trails {
		t := &h.trails[i]
		for k, c := range t.calls {
			if !leadsOn(c.fn) || c.file == "" {
				continue
			}
			put(at, c.spot(), c.fn)
			if k+1 < len(t.calls) && !strings.HasPrefix(t.calls[k+1].fn, c.fn+".") {
				if calls[c.spot()] == nil {
					calls[c.spot()] = map[string]map[string]bool{}
				}
				put(calls[c.spot()], t.calls[k+1].fn, c.fn)
			}
		}
	}
	copies, dispatch := map[string]bool{}, map[string]bool{}
	for s, fns := range at {
		for fn := range fns {
			if len(fns) > 1 {
				copies[fn], h.leads[fn] = true, true
				dispatch[maker(fn)] = dispatch[maker(fn)] || lines[s]
			}
		}
	}
	for s, to := range calls {
		for _, by := range to {
			for fn := range by {
				if copies[fn] && len(by) == 1 && !dispatch[maker(fn)] {
					lines[s] = true
				}
			}
		}
	}
	return copies
}

func put[K comparable](in map[K]map[string]bool, k K, s string) {
	if in[k] == nil {
		in[k] = map[string]bool{}
	}
	in[k][s] = true
}

// maker is the function that a closure is of: of a copy, the one that was called where the
// copy was made.
func maker(closure string) string {
	pkg, rest := names.Package(closure), names.Base(closure)
	rest = rest[len(pkg)+1:]
	if i := strings.LastIndex(rest, ".("); i >= 0 {
		return pkg + rest[i:]
	}
	if i := strings.LastIndexByte(rest, '.'); i >= 0 && rest[0] != '(' {
		return pkg + rest[i:]
	}
	return pkg + "." + rest
}

// copyOn is the innermost copy on a trail, "" for none.
func copyOn(t *trail, copies map[string]bool) string {
	for i := len(t.calls) - 1; i >= 0; i-- {
		if copies[t.calls[i].fn] {
			return t.calls[i].fn
		}
	}
	return ""
}

// givenFrom is how many requests must show the handler of a copy for those that do not to be
// taken for its as well: a copy may stand in a loop over many.
const givenFrom = 3

// given are the handlers of copies that were seen with no other.
func (h *Handlers) given(copies map[string]bool, own []string) map[string]string {
	given, seen := map[string]string{}, map[string]int64{}
	for key, trails := range h.keys {
		if key >= len(h.counts) {
			break
		}
		for _, k := range trails {
			c, name := copyOn(&h.trails[k], copies), own[k]
			if c == "" || name == "" {
				continue
			}
			if was, ok := given[c]; ok && was != name {
				name = "" // it wraps several
			}
			given[c] = name
			seen[c] += h.counts[key]
		}
	}
	for c, n := range seen {
		if n < givenFrom {
			delete(given, c)
		}
	}
	return given
}

// called is the handler among functions that call each other: the first one that does
// not only lead to one.
func (h *Handlers) called(calls []call, lines map[spot]bool) string {
	for i, c := range calls {
		switch {
		case i+1 < len(calls) && lines[c.spot()]: // to the next one
		case h.leads[c.fn]:
			return ""
		default:
			return c.fn
		}
	}
	return ""
}

// ofModule is a handler of a module, "" if its package is one that leads to others.
func (h *Handlers) ofModule(fn string) string {
	if h.around[names.Package(fn)] || names.HasPrefix(fn, Routers) {
		return ""
	}
	return fn
}

// dispatching are the lines that call different functions in different requests, or a
// function that has such a line. One that calls several in one request calls each of
// them by name. Functions with such a line only lead to handlers.
func (h *Handlers) dispatching() map[spot]bool {
	next, of, all, several := map[spot]map[string]bool{}, map[spot]map[string]bool{}, map[spot]int64{}, map[spot]int64{}
	lines := map[spot]bool{}
	leads := func(at spot) {
		lines[at] = true
		for fn := range of[at] {
			h.leads[fn] = true
		}
	}
	var given []spot
	for key, trails := range h.keys {
		if key >= len(h.counts) || h.counts[key] == 0 {
			continue
		}
		called := map[spot]string{}
		for _, k := range trails {
			calls := h.trails[k].calls
			for i := 0; i+1 < len(calls); i++ {
				c, to := calls[i], calls[i+1]
				if strings.HasPrefix(to.fn, c.fn+".") { // a closure of its own
					continue
				}
				at := c.spot()
				if next[at] == nil {
					next[at], of[at] = map[string]bool{}, map[string]bool{}
				}
				next[at][to.fn], of[at][c.fn] = true, true
				if c.given(to) {
					given = append(given, at)
				}
				if called[at] != "" && called[at] != to.fn {
					several[at] += h.counts[key]
				}
				called[at] = to.fn
			}
		}
		for at := range called {
			all[at] += h.counts[key]
		}
	}
	for _, at := range given {
		leads(at)
	}
	for at, fns := range next {
		if len(fns) > 1 && several[at]*5 <= all[at] {
			leads(at)
		}
	}
	for range maxCalls { // what calls nothing but one of those is no handler either
		for at, fns := range next {
			for fn := range fns {
				if len(fns) == 1 && h.leads[fn] {
					leads(at)
				}
			}
		}
	}
	return lines
}

// Names are the handlers that show, those of most requests first, and how many
// requests have none.
func (h *Handlers) Names() (named []string, unnamed int64) {
	by := map[string]int64{}
	for key, n := range h.counts {
		if name := h.Name(uint32(key)); name != "" {
			by[name] += n
		} else {
			unnamed += n
		}
	}
	named = slices.SortedFunc(maps.Keys(by), func(a, b string) int { return cmp.Or(cmp.Compare(by[b], by[a]), cmp.Compare(a, b)) })
	return named, unnamed
}

// Total is how many requests there were.
func (h *Handlers) Total() (n int64) {
	for _, c := range h.counts {
		n += c
	}
	return n
}
