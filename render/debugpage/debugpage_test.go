package debugpage_test

import (
	"net/http"
	"net/http/httptest"
	"runtime/trace"
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

// TestCut: where the recorder's size limit wins over the age, so that the beginning of the
// slow request is not held, the report says so.
func TestCut(t *testing.T) {
	const says, most = "a larger MinAge or MaxBytes would hold more", 24 * time.Second
	for length := 3 * time.Second; ; length *= 2 { // when the recorder lets go of what is older than a second or two hangs on the machine
		code, page := reportOfSlow(t, length)
		if strings.Contains(page, says) {
			return
		}
		if length >= most {
			t.Fatalf("code %d: the report of a request of %v does not say that its beginning was let go", code, length)
		}
	}
}

// reportOfSlow is the report of a request that takes so long, under a recorder that keeps as
// little as one can.
func reportOfSlow(t *testing.T, length time.Duration) (code int, page string) {
	t.Helper()
	rec, err := flight.Start(flight.Config{Dir: t.TempDir(), Log: t.Logf, MinAge: time.Hour, MaxBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Close()
	began := time.Now()
	slow := rec.Slow(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		for time.Since(began) < length {
			trace.Log(req.Context(), "work", "a step of it")
			time.Sleep(time.Millisecond)
		}
	}), time.Second)
	slow.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/slow", nil))
	var all []flight.Snapshot
	for len(all) == 0 { // however busy the machine is: the test's own time limit ends it
		time.Sleep(10 * time.Millisecond)
		if all, err = rec.Snapshots(); err != nil {
			t.Fatal(err)
		}
	}
	req := httptest.NewRequest("GET", "/report/"+all[0].Name, nil)
	req.RemoteAddr, req.Host = "127.0.0.1:1", "localhost"
	w := httptest.NewRecorder()
	debugpage.Handler(rec).ServeHTTP(w, req)
	return w.Code, w.Body.String()
}
