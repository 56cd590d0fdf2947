package debugpage_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gmptrace/analyze/flight"
	"gmptrace/render/debugpage"
)

// TestHandler: the list leads to a snapshot's report, and nobody from elsewhere sees it.
func TestHandler(t *testing.T) {
	rec, err := flight.Start(flight.Config{Dir: t.TempDir(), Log: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Close()
	time.Sleep(20 * time.Millisecond)
	s, err := rec.Snap("look")
	if err != nil {
		t.Fatal(err)
	}
	h := http.StripPrefix("/debug/gmptrace", debugpage.Handler(rec))
	get := func(path, peer string) *httptest.ResponseRecorder {
		req := httptest.NewRequest("GET", "/debug/gmptrace"+path, nil)
		req.RemoteAddr, req.Host = peer+":1", "localhost"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		return w
	}
	if w := get("/", "127.0.0.1"); w.Code != 200 || !strings.Contains(w.Body.String(), "report/"+s.Name) {
		t.Errorf("the list: code %d\n%s", w.Code, w.Body)
	}
	w := get("/report/"+s.Name, "127.0.0.1")
	if w.Code != 200 || !strings.HasPrefix(strings.ToLower(w.Body.String()), "<!doctype html>") || !strings.Contains(w.Body.String(), "Findings") {
		t.Errorf("the report: code %d, %d bytes", w.Code, w.Body.Len())
	}
	if w := get("/report/other.trace", "127.0.0.1"); w.Code != 404 {
		t.Errorf("another file: code %d", w.Code)
	}
	if w := get("/report/"+s.Name, "10.0.0.1"); w.Code != 403 {
		t.Errorf("somebody else: code %d", w.Code)
	}
}
