package flight

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	rtrace "runtime/trace"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/exp/trace"

	"gmptrace/analyze/machine"
)

// start begins to record for a test, with errors kept.
func start(t *testing.T, c Config) *Recorder {
	t.Helper()
	if c.Dir == "" {
		c.Dir = t.TempDir()
	}
	if c.Log == nil {
		c.Log = t.Logf
	}
	r, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// logs are the messages of a category in a trace.
func logs(t *testing.T, file, category string) (all []string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	in, err := trace.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	for {
		ev, err := in.ReadEvent()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if ev.Kind() == trace.EventLog && ev.Log().Category == category {
			all = append(all, ev.Log().Message)
		}
	}
}

// wait waits for a snapshot that a trigger has asked for.
func wait(t *testing.T, r *Recorder) Snapshot {
	t.Helper()
	for { // however busy the machine is: the test's own time limit ends it
		if all, err := r.Snapshots(); err == nil && len(all) > 0 {
			return all[0]
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestSlow: a slow request is in the snapshot that it made the recorder take, which
// names its pattern and trace, and nothing that its sender chose; a quick one makes none.
//
// Nothing in it depends on how busy the machine is: each request is slow by its limit, or
// is quick by it, however long it takes.
func TestSlow(t *testing.T) {
	r := start(t, Config{Name: "web-3", MinAge: time.Hour, Every: time.Hour})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /orders/{id}", func(w http.ResponseWriter, req *http.Request) {
		rtrace.Log(req.Context(), "test", "in the handler")
		time.Sleep(time.Millisecond)
	})
	mux.HandleFunc("GET /quick", func(http.ResponseWriter, *http.Request) {})
	slow, quick := r.Slow(mux, 1), r.Slow(mux, time.Hour)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/quick" {
			quick.ServeHTTP(w, req)
			return
		}
		slow.ServeHTTP(w, req)
	}))
	defer server.Close()
	get := func(path string) {
		req, _ := http.NewRequest("GET", server.URL+path, nil)
		req.Header.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
		resp, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	get("/orders/secret?token=secret")
	s := wait(t, r)
	for _, part := range []string{"-slow-GET__orders__id-4bf92f3577b34da6a3ce929d0e0e4736.trace", "-web_3-"} {
		if !strings.Contains(s.Name, part) {
			t.Errorf("the snapshot is called %s, without %s", s.Name, part)
		}
	}
	if strings.Contains(s.Name, "secret") {
		t.Errorf("the name %s tells what the sender chose", s.Name)
	}
	if got := logs(t, s.Path, "test"); len(got) == 0 {
		t.Error("the snapshot does not hold the request")
	}
	why := slices.DeleteFunc(logs(t, s.Path, machine.Category), func(m string) bool { return !strings.HasPrefix(m, "snapshot ") })
	if len(why) != 1 || !strings.Contains(why[0], "trigger=slow name=GET__orders__id took=") || !strings.Contains(why[0], "span=00f067aa0ba902b7") {
		t.Errorf("it says %q of itself", why)
	}
	get("/quick")
	get("/orders/2") // too soon; it is counted before the answer is sent
	if all, _ := r.Snapshots(); len(all) != 1 || r.Dropped() != 1 {
		t.Errorf("%d snapshots, %d dropped, want one of each", len(all), r.Dropped())
	}
}

// TestUnfinished: a request that does not end is not waited for.
func TestUnfinished(t *testing.T) {
	r := start(t, Config{MinAge: 20 * time.Millisecond})
	end := make(chan bool)
	server := httptest.NewServer(r.Slow(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-end }), time.Millisecond))
	defer server.Close()
	done := make(chan bool)
	go func() {
		defer close(done)
		if resp, err := http.Get(server.URL); err == nil {
			resp.Body.Close()
		}
	}()
	if s := wait(t, r); !strings.Contains(s.Name, "GET_unfinished") {
		t.Errorf("the snapshot is called %s", s.Name)
	}
	close(end)
	<-done
}

// TestMachine: the machine's side is in the snapshot, and says from where it counts.
func TestMachine(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("machines are sampled on Linux only")
	}
	r := start(t, Config{Sample: time.Millisecond})
	var host *machine.Machine
	var set *machine.Go
	samples := 0
	for try := 0; try < 100 && samples < 3; try++ { // on a busy machine they come late
		time.Sleep(50 * time.Millisecond)
		s, err := r.Snap("test")
		if err != nil {
			t.Fatal(err)
		}
		var d machine.Decoder
		samples = 0
		for _, line := range logs(t, s.Path, machine.Category) {
			rec, ok := d.Line(line)
			if !ok {
				t.Errorf("not read: %q", line)
			}
			if rec.Machine != nil {
				host = rec.Machine
			}
			if rec.Go != nil {
				set = rec.Go
			}
			if rec.Sample != nil {
				samples++
			}
		}
		if d.Losses.Any() {
			t.Errorf("losses %+v", d.Losses)
		}
	}
	if samples < 3 || host == nil || host.PID != int64(os.Getpid()) || set == nil || set.GOMAXPROCS != int64(runtime.GOMAXPROCS(0)) {
		t.Errorf("%d samples, machine %+v, go %+v", samples, host, set)
	}
}

// TestSource: where GOMAXPROCS comes from is told by what leads to it, and not where a quota
// may be unseen.
func TestSource(t *testing.T) {
	none, half, three := &machine.Quota{Period: 1e8}, &machine.Quota{CPU: 5e7, Period: 1e8}, &machine.Quota{CPU: 25e7, Period: 1e8}
	for _, test := range []struct {
		procs, cpus int64
		env         string
		quota       *machine.Quota
		want        string
	}{
		{4, 8, "4", none, "env"},
		{8, 8, "", none, "cpus"},
		{8, 8, "4", three, "cpus"},
		{3, 8, "", three, "quota"},
		{2, 8, "", half, "quota"},
		{1, 8, "", half, "set"},
		{4, 8, "", none, "set"},
		{4, 8, "", three, "set"},
		{16, 8, "", nil, "set"},
		{4, 8, "", nil, ""},
	} {
		if got := source(test.procs, test.cpus, test.env, test.quota); got != test.want {
			t.Errorf("%d Ps on %d CPUs, GOMAXPROCS=%q, quota %v: %q, want %q", test.procs, test.cpus, test.env, test.quota, got, test.want)
		}
	}
}

// TestCollapse: snapshots that are asked for at once are one.
func TestCollapse(t *testing.T) {
	r := start(t, Config{})
	names := make([]string, 20)
	var all sync.WaitGroup
	release := make(chan bool)
	for i := range names {
		all.Go(func() {
			<-release
			s, err := r.Snap("at once")
			if err != nil {
				t.Error(err)
			}
			names[i] = s.Name
		})
	}
	close(release)
	all.Wait()
	list, _ := r.Snapshots()
	if len(list) == len(names) {
		t.Errorf("%d snapshots of %d that were asked for at once", len(list), len(names))
	}
	seen := map[string]bool{}
	for _, n := range names {
		seen[n] = true
	}
	if len(seen) != len(list) {
		t.Errorf("%d were told of, %d are there", len(seen), len(list))
	}
}

// TestTriggersAtOnce: of triggers at once one takes a snapshot; the others are counted.
func TestTriggersAtOnce(t *testing.T) {
	r := start(t, Config{Slow: time.Second, Every: time.Hour})
	const n = 20
	var all sync.WaitGroup
	for range n {
		all.Go(func() { r.Observe("job", time.Minute) })
	}
	all.Wait()
	wait(t, r)
	if list, _ := r.Snapshots(); len(list) != 1 || r.Dropped() != n-1 {
		t.Errorf("%d snapshots, %d dropped, of %d triggers", len(list), r.Dropped(), n)
	}
}

// TestLoaded: while others are served at the same time, the snapshot that a slow request
// has made the recorder take holds it from its beginning to its end.
func TestLoaded(t *testing.T) {
	r := start(t, Config{MinAge: time.Hour, MaxBytes: 64 << 20, Every: time.Hour})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /slow", func(_ http.ResponseWriter, req *http.Request) {
		rtrace.Log(req.Context(), "slow", "begins")
		time.Sleep(100 * time.Millisecond)
		rtrace.Log(req.Context(), "slow", "ends")
	})
	mux.HandleFunc("GET /quick", func(_ http.ResponseWriter, req *http.Request) { rtrace.Log(req.Context(), "quick", "") })
	slow := r.Slow(mux, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/quick" {
			mux.ServeHTTP(w, req) // however busy the machine is, it is none that is slow
			return
		}
		slow.ServeHTTP(w, req)
	}))
	defer server.Close()
	get := func(path string) {
		if resp, err := server.Client().Get(server.URL + path); err != nil {
			t.Error(err)
		} else {
			resp.Body.Close()
		}
	}
	stop := make(chan bool)
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					get("/quick")
				}
			}
		})
	}
	get("/slow")
	s := wait(t, r)
	close(stop)
	clients.Wait()
	if got := logs(t, s.Path, "slow"); !slices.Equal(got, []string{"begins", "ends"}) {
		t.Errorf("the snapshot holds of the slow request: %q", got)
	}
	if len(logs(t, s.Path, "quick")) == 0 {
		t.Error("no other request was served meanwhile")
	}
}

// TestQuota: the oldest go first, the newest stays, files of others are left alone.
func TestQuota(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, n int) {
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, n), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write("gmptrace-20200101T000000.000Z-a-1-slow.trace", 1<<20)
	write("gmptrace-20210101T000000.000Z-a-1-slow.trace", 10)
	write("mine.trace", 2<<20)
	r := start(t, Config{Dir: dir, Quota: 1 << 20})
	s, err := r.Snap("")
	if err != nil {
		t.Fatal(err)
	}
	list, _ := r.Snapshots()
	if len(list) != 2 || list[0].Name != s.Name {
		t.Errorf("left are %v", list)
	}
	if _, err := os.Stat(filepath.Join(dir, "mine.trace")); err != nil {
		t.Error(err)
	}
}

// TestLost: a snapshot that cannot be written is lost with a word, and nothing else is.
func TestLost(t *testing.T) {
	dir := t.TempDir()
	var said []string
	var mu sync.Mutex
	logged := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		said = append(said, format)
	}
	small := start(t, Config{Dir: dir, Quota: 1, Log: logged})
	if _, err := small.Snap("too large"); err == nil || !strings.Contains(err.Error(), "more than all may have") {
		t.Errorf("a snapshot beyond the quota: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%v is left over", left)
	}
	small.Close()
	r := start(t, Config{Dir: dir, Log: logged})
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Snap("no folder"); err == nil {
		t.Error("a snapshot was written nowhere")
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Snap("there again"); err != nil {
		t.Error(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(said) != 2 {
		t.Errorf("%d failures were logged, want 2", len(said))
	}
}

// TestRunning: another recorder in the process is an error that says what to do, and can
// be used.
func TestRunning(t *testing.T) {
	fr := rtrace.NewFlightRecorder(rtrace.FlightRecorderConfig{})
	if _, err := Start(Config{Dir: t.TempDir(), Recorder: fr}); err == nil {
		t.Error("one that was not started is taken")
	}
	if err := fr.Start(); err != nil {
		t.Fatal(err)
	}
	defer fr.Stop()
	if _, err := Start(Config{Dir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "Config.Recorder") {
		t.Errorf("beside another one: %v", err)
	}
	r := start(t, Config{Recorder: fr})
	if _, err := r.Snap("theirs"); err != nil {
		t.Error(err)
	}
	r.Close()
	if !fr.Enabled() {
		t.Error("Close has stopped a recorder that is not its own")
	}
}

// TestClose: no goroutine is left, and who still asks is told.
func TestClose(t *testing.T) {
	r := start(t, Config{Baseline: time.Hour})
	r.Close()
	r.Close()
	if _, err := r.Snap("late"); err != errClosed {
		t.Errorf("after Close: %v", err)
	}
	buf := make([]byte, 1<<20)
	if stacks := string(buf[:runtime.Stack(buf, true)]); strings.Contains(stacks, "flight.(*Recorder).w") {
		t.Errorf("goroutines are left:\n%s", stacks)
	}
}

// TestNil: a server that could not start one does without.
func TestNil(t *testing.T) {
	var r *Recorder
	r.Observe("job", time.Hour)
	if _, err := r.Snap("x"); err == nil {
		t.Error("no error")
	}
	if r.Close() != nil || r.Dropped() != 0 {
		t.Error("a nil Recorder does something")
	}
	w := httptest.NewRecorder()
	r.Slow(http.NotFoundHandler(), 0).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != 404 {
		t.Errorf("code %d", w.Code)
	}
	w = httptest.NewRecorder()
	r.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != 503 {
		t.Errorf("code %d", w.Code)
	}
}

// TestTriggers: what is observed, the runtime's metrics and chance take snapshots.
func TestTriggers(t *testing.T) {
	for _, test := range []struct {
		want   string
		config Config
	}{
		{"-observed-import_job.trace", Config{Slow: time.Second}},
		{"-metric-gc.trace", Config{GCShare: 1e-9}},
		{"-metric-sched_latency.trace", Config{SchedLatency: 1}},
		{"-baseline.trace", Config{Baseline: time.Millisecond}},
	} {
		r := start(t, test.config)
		r.Observe("import job", 2*time.Second)
		stop := make(chan bool)
		go func() { // something for the metrics to show
			for {
				select {
				case <-stop:
					return
				default:
					runtime.GC()
				}
			}
		}()
		if s := wait(t, r); !strings.HasSuffix(s.Name, test.want) {
			t.Errorf("a snapshot is called %s, want …%s", s.Name, test.want)
		}
		close(stop)
		r.Close()
	}
}

// TestHandler: it lists, downloads and takes, for those who may.
func TestHandler(t *testing.T) {
	r := start(t, Config{Allow: func(peer string) bool { return peer == "10.1.1.1" }})
	h := http.StripPrefix("/debug/flight", r.Handler())
	do := func(method, path, peer, host string, header ...string) *httptest.ResponseRecorder {
		req := httptest.NewRequest(method, "/debug/flight"+path, nil)
		req.RemoteAddr, req.Host = peer+":1", host
		for i := 0; i+1 < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		return w
	}
	for _, test := range []struct {
		code   int
		peer   string
		host   string
		header []string
	}{
		{200, "127.0.0.1", "localhost:6060", nil},
		{200, "10.1.1.1", "shop.example", nil},
		{403, "10.1.1.2", "localhost", nil},
		{403, "127.0.0.1", "evil.example", nil}, // a name that was made to resolve to it
		{403, "127.0.0.1", "localhost", []string{"X-Forwarded-For", "1.2.3.4"}},
		{403, "127.0.0.1", "localhost", []string{"Origin", "https://evil.example"}},
	} {
		if w := do("GET", "/", test.peer, test.host, test.header...); w.Code != test.code {
			t.Errorf("%+v: code %d", test, w.Code)
		}
	}
	w := do("POST", "/snap?reason=%3Cb%3E%22x", "127.0.0.1", "localhost")
	var s Snapshot
	if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil || w.Code != 200 {
		t.Fatal(w.Code, w.Body, err)
	}
	if w := do("GET", "/snap", "127.0.0.1", "localhost"); w.Code == 200 {
		t.Error("a link can take a snapshot")
	}
	if w := do("GET", "/", "127.0.0.1", "localhost"); !strings.Contains(w.Body.String(), s.Name) || strings.Contains(w.Body.String(), "<b>") {
		t.Errorf("the list is\n%s", w.Body)
	}
	if w := do("GET", "/"+s.Name, "127.0.0.1", "localhost"); w.Code != 200 || int64(w.Body.Len()) != s.Bytes {
		t.Errorf("download: code %d, %d bytes, want %d", w.Code, w.Body.Len(), s.Bytes)
	}
	for _, name := range []string{"/..%2f..%2fetc%2fpasswd", "/other.txt", "/gmptrace-20200101T000000.000Z-a-1-..%2f.trace"} {
		if w := do("GET", name, "127.0.0.1", "localhost"); w.Code != 404 {
			t.Errorf("%s: code %d", name, w.Code)
		}
	}
}
