package flight

import (
	"net/http"
	"strings"
	"time"
)

// trigger is why a snapshot is taken.
type trigger struct {
	kind   string // slow, observed, metric, baseline, asked
	name   string // what was slow
	took   time.Duration
	trace  string // of a W3C traceparent: the trace's and the span's id
	span   string
	always bool // however soon after another
}

// Slow hands requests on to next, and takes a snapshot when one has taken longer than
// limit. One that has not ended when half of what the recorder holds has passed since
// its limit is not waited for: its beginning would be lost. The snapshot is named by the
// pattern that next, or a mux in it, has found for the request, never by its path.
func (r *Recorder) Slow(next http.Handler, limit time.Duration) http.Handler {
	if r == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		began := time.Now()
		id, span := traceparent(req.Header.Get("Traceparent"))
		method := req.Method
		stuck := time.AfterFunc(limit+r.config.MinAge/2, func() {
			r.ask(trigger{kind: "slow", name: method + " unfinished", took: time.Since(began), trace: id, span: span})
		})
		defer func() {
			stuck.Stop()
			if took := time.Since(began); took >= limit {
				r.ask(trigger{kind: "slow", name: route(req), took: took, trace: id, span: span})
			}
		}()
		next.ServeHTTP(w, req)
	})
}

// route names a request without what its sender chose: the method and the pattern.
func route(req *http.Request) string {
	switch {
	case req.Pattern == "":
		return req.Method
	case strings.Contains(req.Pattern, " "):
		return req.Pattern
	}
	return req.Method + " " + req.Pattern
}

// Observe tells how long something took: a job, a message, a request that is not
// net/http's. From Config.Slow on it takes a snapshot, which has this name.
func (r *Recorder) Observe(name string, took time.Duration) {
	if r != nil && r.config.Slow > 0 && took >= r.config.Slow {
		r.ask(trigger{kind: "observed", name: name, took: took})
	}
}

// Snap takes a snapshot now, and waits for it. Snapshots that are asked for at once are
// one. The reason stands in its name.
func (r *Recorder) Snap(reason string) (Snapshot, error) {
	if r == nil {
		return Snapshot{}, errClosed
	}
	p := r.ask(trigger{kind: "asked", name: reason, always: true})
	if p == nil {
		return Snapshot{}, errClosed
	}
	<-p.done
	return p.snapshot, p.err
}

// ask has a snapshot taken, and is not held up by that. It is nil where none is to be:
// when closed, and when a trigger comes too soon.
func (r *Recorder) ask(t trigger) *pending {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return nil
	case r.pending != nil:
		if !t.always {
			r.dropped.Add(1)
		}
		return r.pending
	case !t.always && !r.last.IsZero() && time.Since(r.last) < r.config.Every:
		r.dropped.Add(1)
		return nil
	}
	if !t.always {
		r.last = time.Now()
	}
	r.pending = &pending{trigger: t, done: make(chan struct{})}
	r.work <- r.pending // there is room: only one is pending
	return r.pending
}

// traceparent takes the ids of trace and span out of a header of W3C Trace Context;
// empty where it is none.
func traceparent(h string) (id, span string) {
	p := strings.Split(h, "-")
	if len(p) < 4 || !hex(p[1], 32) || !hex(p[2], 16) {
		return "", ""
	}
	return p[1], p[2]
}

func hex(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "0123456789abcdef") == "" && strings.Trim(s, "0") != ""
}
