// Package serve shows reports to a browser on this machine, and answers what their pages
// ask: windows of the timeline in full detail, explanations, predictions.
//
// It reads nothing itself: a Trace says how to.
package serve

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"gmptrace/analyze/compare"
	"gmptrace/render"
)

// Server serves one report, or two and their comparison.
type Server struct {
	host  string // address that the browser must have asked for
	token string
	front []byte // page of the comparison; nil where there is one report
	sites map[string]*site
}

// One is a server of one report.
func One(t *Trace) (*Server, error) {
	s, err := newSite(t)
	return newServer(nil, map[string]*site{"": s}), err
}

// Where the reports of two traces are, beside their comparison.
const (
	oldPlace = "old/"
	newPlace = "new/"
)

// Two is a server of the reports of two traces, and of what changed between them.
func Two(before, after *Trace, changed *compare.Result) (*Server, error) {
	comparison := render.PageLink{Address: "../", Text: "What changed"}
	a, err := newSite(before, comparison, render.PageLink{Address: "../" + newPlace, Text: "Report of the new trace"})
	if err != nil {
		return nil, err
	}
	b, err := newSite(after, comparison, render.PageLink{Address: "../" + oldPlace, Text: "Report of the old trace"})
	if err != nil {
		return nil, err
	}
	var front bytes.Buffer
	err = render.DiffServed(&front, changed, newPlace, render.PageLink{Address: oldPlace, Text: "Report of the old trace"}, render.PageLink{Address: newPlace, Text: "Report of the new trace"})
	return newServer(front.Bytes(), map[string]*site{oldPlace: a, newPlace: b}), err
}

func newServer(front []byte, sites map[string]*site) *Server {
	turn := make(chan struct{}, 1)
	for _, s := range sites {
		s.turn = turn
	}
	return &Server{token: rand.Text(), front: front, sites: sites}
}

// Listen is what Serve is to listen on: a port of this machine alone, any for 0.
func (s *Server) Listen(port int) (net.Listener, error) {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err == nil {
		s.host = listener.Addr().String()
	}
	return listener, err
}

// Address is where to look, once there is a listener.
func (s *Server) Address() string { return fmt.Sprintf("http://%s/%s/", s.host, s.token) }

// Serve answers until ctx is done.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
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
func (s *Server) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	for name, value := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Frame-Options": "DENY",
		"Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
		"Content-Security-Policy": "frame-ancestors 'none'; form-action 'none'; base-uri 'none'", // the page has a stricter one
	} {
		w.Header().Set(name, value)
	}
	token, rest, _ := strings.Cut(strings.TrimPrefix(req.URL.Path, "/"), "/")
	switch {
	case req.Host != s.host, subtle.ConstantTimeCompare([]byte(token), []byte(s.token)) != 1:
		http.Error(w, "this is not the address that gmptrace printed", http.StatusForbidden)
	case askedElsewhere(req):
		http.Error(w, "asked for by another page", http.StatusForbidden)
	case req.Method != http.MethodGet && req.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET is answered", http.StatusMethodNotAllowed)
	default:
		s.answer(w, req, rest)
	}
}

// askedElsewhere tells whether another page asked. A link that was followed is none of its
// doing: it could not know the address.
func askedElsewhere(req *http.Request) bool {
	site := req.Header.Get("Sec-Fetch-Site")
	followed := req.Header.Get("Sec-Fetch-Mode") == "navigate" && req.Header.Get("Sec-Fetch-Dest") == "document"
	return (site == "cross-site" || site == "same-site") && !followed
}

func (s *Server) answer(w http.ResponseWriter, req *http.Request, path string) {
	if path == "" && s.front != nil {
		writePage(w, s.front)
		return
	}
	at := strings.LastIndexByte(path, '/') + 1
	site, ok := s.sites[path[:at]]
	if !ok {
		http.NotFound(w, req)
		return
	}
	switch what := path[at:]; what {
	case "":
		writePage(w, site.page)
	case "window":
		site.window(w, req)
	case render.ExplainPath:
		site.ask(w, req, site.explain)
	case render.WhatIfPath:
		site.ask(w, req, site.whatIf)
	default:
		http.NotFound(w, req)
	}
}

func writePage(w http.ResponseWriter, page []byte) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(page) // an error is the browser's, which is gone then
}
