// Package debugpage shows the reports of a flight recorder's snapshots inside the server
// that took them.
//
//	rec, _ := flight.Start(flight.Config{Dir: dir})
//	http.Handle("/debug/gmptrace/", http.StripPrefix("/debug/gmptrace", debugpage.Handler(rec)))
//
// It stands apart from package flight because it carries the analysis: a server that
// only takes snapshots does without.
package debugpage

import (
	"bytes"
	"errors"
	"net/http"
	"os"

	"gmptrace/analyze"
	"gmptrace/analyze/flight"
	"gmptrace/analyze/replay"
	"gmptrace/render"
)

const (
	slices    = 50_000    // of the timeline: a page of about 1 MB
	maxMemory = 256 << 20 // bytes that reading a snapshot may take
)

// Handler lists the snapshots of rec, has new ones taken, and shows their reports: GET
// report/NAME. The rest is that of flight.Recorder.Handler, and who may use it as well. An
// analysis takes a tenth of a second of one CPU for each 300 kB of trace; only one runs at
// a time.
func Handler(rec *flight.Recorder) http.Handler {
	h := &reports{rec: rec, busy: make(chan struct{}, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /report/{name}", h.report)
	mux.Handle("/", rec.HandlerWith("report/"))
	return rec.Guard(mux)
}

type reports struct {
	rec  *flight.Recorder
	busy chan struct{} // holds one: an analysis that runs
}

func (h *reports) report(w http.ResponseWriter, req *http.Request) {
	name := req.PathValue("name")
	path, err := h.find(name)
	if err != nil {
		http.Error(w, "no snapshot is called so", http.StatusNotFound)
		return
	}
	select {
	case h.busy <- struct{}{}:
		defer func() { <-h.busy }()
	case <-req.Context().Done():
		return
	}
	page, err := analyse(req, name, path)
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write(page)
}

// find is where a snapshot lies: one that is in the list.
func (h *reports) find(name string) (string, error) {
	all, err := h.rec.Snapshots()
	if err != nil {
		return "", err
	}
	for _, s := range all {
		if s.Name == name {
			return s.Path, nil
		}
	}
	return "", errors.New("not found")
}

func analyse(req *http.Request, name, path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rep, err := analyze.Analyze(req.Context(), f, analyze.Options{Options: replay.Options{Name: name, Workers: 1, MaxMemory: maxMemory}, Slices: slices})
	if err != nil {
		return nil, err
	}
	var page bytes.Buffer
	err = render.HTML(&page, rep)
	return page.Bytes(), err
}
