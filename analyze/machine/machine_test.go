package machine

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// TestRoundTrip: what is written is read back, in lines that Go's tracer takes whole.
func TestRoundTrip(t *testing.T) {
	many := &Sample{At: 30, Steal: -1, Stall: 5, Asleep: 0, Throttled: &Throttled{3, 2, 1}}
	for i := range 100 {
		many.Threads = append(many.Threads, Thread{ID: int64(100000 + i), Run: 1 << 50, Wait: 1 << 49})
	}
	all := []Record{
		{Machine: &Machine{PID: 4711, CPUs: 8, Online: 16, SMT: 2, Host: "web-3"}},
		{Quota: &Quota{CPU: 50_000_000, Period: 100_000_000}},
		{Go: &Go{GOMAXPROCS: 2, Source: "quota", GOGC: -1, GOMEMLIMIT: 1 << 28}},
		{Snapshot: &Snapshot{Trigger: "slow", Name: "GET__x", Took: 5, Time: "20261129T091501.123Z", Host: "a", Build: "b", Trace: "c", Span: "d"}},
		{Sample: &Sample{At: 10, Steal: 0, Stall: -1, Asleep: -1, Threads: []Thread{{4711, 5, 0}, {4712, 9, 4}}}},
		{Sample: many},
	}
	var text []byte
	for _, r := range all {
		text = Append(text, r)
	}
	var got []Record
	losses, err := Read(strings.NewReader(Header+"\n"+string(text)), func(r Record) {
		if last := len(got) - 1; last >= 0 && r.Sample != nil && got[last].Sample != nil && got[last].Sample.At == r.Sample.At {
			got[last].Sample.Threads = append(got[last].Sample.Threads, r.Sample.Threads...)
			return
		}
		got = append(got, r)
	})
	if err != nil || losses.Any() {
		t.Fatal(losses, err)
	}
	if !reflect.DeepEqual(got, all) {
		t.Errorf("read %+v, want %+v", got, all)
	}
	for line := range strings.Lines(string(text)) {
		if len(line) > MaxLine+1 {
			t.Errorf("a line has %d bytes", len(line))
		}
	}
}

// TestHostile: whatever stands in the lines, nothing falls and nothing goes back.
func TestHostile(t *testing.T) {
	for _, test := range []struct {
		lines string
		want  Losses
		n     int // records that are of use
	}{
		{"at 10 1=5,5\nat 9 1=6,6\nat 11 1=4,5", Losses{Backs: 2}, 2},
		{"at 10 1=5,5 steal=9\nat 11 steal=8", Losses{Backs: 1}, 2},
		{"at 10 throttled=3,2,1\nat 11 throttled=2,2,1", Losses{Backs: 1}, 2},
		{"at ten\nat -1\nat 1 1=2\nat 1 x\nat 99999999999999999999 1=1,1", Losses{Bad: 5}, 0},
		{"at 1 new=7 1=1,1\nweather wet=1\nmachine pid=1 moon=full", Losses{Unknown: 3}, 2},
		{"quota cpu=1 period=0\nquota cpu=-1 period=1", Losses{Bad: 2}, 0},
		{"machine pid=1 host=<b>\x1b[31m\r\n\r\n", Losses{}, 1},
	} {
		n := 0
		losses, err := Read(strings.NewReader(Header+"\n"+test.lines), func(Record) { n++ })
		if err != nil || losses != test.want || n != test.n {
			t.Errorf("%q: %+v, %d records, %v; want %+v, %d", test.lines, losses, n, err, test.want, test.n)
		}
	}
	if _, err := Read(strings.NewReader("gmptrace.machine 2\n"), nil); err == nil {
		t.Error("another version is read")
	}
}

// FuzzDecoder: no line panics, counters never fall, and what was read is written so
// that it is read again.
func FuzzDecoder(f *testing.F) {
	f.Add("at 10 1=5,5 steal=9 throttled=1,1,1\nat 11 1=6,5")
	f.Add("machine pid=1 cpus=2 host=x\nquota cpu=1 period=2\ngo gogc=off")
	f.Fuzz(func(t *testing.T, text string) {
		var d, again Decoder
		last := map[int64]Thread{}
		var at int64
		for line := range strings.SplitSeq(text, "\n") {
			r, ok := d.Line(line)
			if !ok {
				continue
			}
			if s := r.Sample; s != nil {
				if s.At < at {
					t.Fatalf("time goes back to %d", s.At)
				}
				at = s.At
				for _, x := range s.Threads {
					if was := last[x.ID]; d.Losses.Backs == 0 && (x.Run < was.Run || x.Wait < was.Wait) {
						t.Fatalf("thread %d fell from %+v to %+v", x.ID, was, x)
					}
					last[x.ID] = x
				}
			}
			for written := range strings.Lines(string(Append(nil, r))) {
				if _, ok := again.Line(strings.TrimSuffix(written, "\n")); !ok {
					t.Fatalf("%q was written as %q, which is not read", line, written)
				}
			}
		}
	})
}

// TestTrees samples recorded trees of files: cgroup version 1 and 2, a quota of a group
// above, a container whose own path is the host's, hardware threads.
func TestTrees(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no trees", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			if runtime.GOOS == "windows" {
				t.Skip("its files may not have such names")
			}
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			root, want := t.TempDir(), ""
			for _, f := range ar.Files {
				if f.Name == "want" {
					want = string(f.Data)
					continue
				}
				name := filepath.Join(root, f.Name)
				if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(name, f.Data, 0o666); err != nil {
					t.Fatal(err)
				}
			}
			if got := sampleTree(t, root); got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}

func sampleTree(t *testing.T, root string) string {
	s, err := openSampler(root, 7, func() (int64, int64) { return 1000, 50_001_000 })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var text []byte
	for _, r := range s.Begin() {
		if r.Machine != nil {
			r.Machine.Host = ""
		}
		text = Append(text, r)
	}
	x, err := s.Sample(false)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.Sample(false); err != nil || len(again.Threads) > 0 {
		t.Errorf("nothing has run, and it tells of %v, %v", again.Threads, err)
	}
	if full, err := s.Sample(true); err != nil || !reflect.DeepEqual(full, x) {
		t.Errorf("a full sample is %v, %v, want %v", full, err, x)
	}
	return string(Append(text, Record{Sample: x}))
}

// TestSampler samples this process: who computes has had a CPU for longer.
func TestSampler(t *testing.T) {
	s, err := NewSampler(0)
	if err == ErrUnsupported {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	first, err := s.Sample(false)
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 { // until the kernel has counted it, which it does by its own clock
		for i, x := 0, 0; i < 1_000_000; i++ {
			x += i * x
		}
		next, err := s.Sample(false)
		if err != nil {
			t.Fatal(err)
		}
		if next.At <= first.At {
			t.Fatalf("the clock stands at %d after %d", next.At, first.At)
		}
		if len(next.Threads) > 0 {
			return
		}
	}
	t.Error("no thread has run")
}

// TestLimits: no more threads are sampled than may take descriptors, which is told in the
// end; and that a process can be sampled no more is told, unless it has ended.
func TestLimits(t *testing.T) {
	root := t.TempDir()
	tasks := filepath.Join(root, "proc/7/task")
	for i := range maxOpen + 3 {
		if err := os.MkdirAll(filepath.Join(tasks, strconv.Itoa(100+i)), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(tasks, strconv.Itoa(100+i), "schedstat"), []byte("1 2 3\n"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	s, err := openSampler(root, 7, func() (int64, int64) { return 1000, 0 })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.follow(done, io.Discard, DefaultEvery); err == nil || !strings.Contains(err.Error(), "3 of its threads were not sampled") || len(s.threads) != maxOpen {
		t.Errorf("%d of %d threads are sampled, %v", len(s.threads), maxOpen+3, err)
	}
	threads := s.threads
	s.threads = nil // all have ended
	if err := s.follow(t.Context(), io.Discard, DefaultEvery); err == nil || !strings.HasSuffix(err.Error(), strconv.Itoa(maxOpen)+" may be open") {
		t.Errorf("once the process has ended it says %v", err)
	}
	s.threads = threads
	s.left, s.samples = 0, 0
	if err := os.RemoveAll(tasks); err != nil {
		t.Fatal(err)
	}
	if err := s.follow(t.Context(), io.Discard, DefaultEvery); err != nil {
		t.Errorf("the process has ended, and that is an error: %v", err)
	}
	if err := os.WriteFile(tasks, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := s.follow(t.Context(), io.Discard, DefaultEvery); err == nil {
		t.Error("the process can be sampled no more, and nothing says so")
	}
}

// TestListening: the process behind a port is found by its socket; one whose files may not
// be read is told apart from none, as without root all of other users' are.
func TestListening(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("its files may not have such names")
	}
	root := t.TempDir()
	table := "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n" +
		"   0: 0100007F:17AC 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1\n" +
		"   1: 0100007F:17AD 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4712 1\n" +
		"   2: 0100007F:17AE 0100007F:17AC 01 00000000:00000000 00:00000000 00000000     0        0 4713 1\n"
	for _, dir := range []string{"proc/net", "proc/7/fd", "proc/8"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "proc/net/tcp"), []byte(table), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("socket:[4711]", filepath.Join(root, "proc/7/fd/3")); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		port, pid int
		problem   string
	}{
		{6060, 7, ""},
		{6061, 0, "is another user's, or in another container"},
		{6062, 0, "no process of this machine listens on port 6062"},
	} {
		pid, err := listensOn(root, test.port)
		if pid != test.pid || (err == nil) != (test.problem == "") || err != nil && !strings.Contains(err.Error(), test.problem) {
			t.Errorf("port %d: process %d, %v; want %d, %q", test.port, pid, err, test.pid, test.problem)
		}
	}
}

// TestSamplerGone: a process that is not there is an error.
func TestSamplerGone(t *testing.T) {
	if _, err := NewSampler(1 << 30); err == nil {
		t.Error("no error")
	}
}

func BenchmarkSample(b *testing.B) {
	s, err := NewSampler(0)
	if err != nil {
		b.Skip(err)
	}
	defer s.Close()
	stop := make(chan bool)
	defer close(stop)
	for range 50 {
		go func() {
			runtime.LockOSThread()
			<-stop
		}()
	}
	var buf []byte
	for b.Loop() {
		x, err := s.Sample(false)
		if err != nil {
			b.Fatal(err)
		}
		buf = Append(buf[:0], Record{Sample: x})
	}
	b.ReportMetric(float64(len(s.threads)), "threads")
}

// TestEnvironment: what a process's environment says of its runtime is told, and nothing
// that it does not say.
func TestEnvironment(t *testing.T) {
	for environ, want := range map[string]*Go{
		"GOGC=off\x00GOMAXPROCS=3\x00GOMEMLIMIT=2GiB\x00":  {GOMAXPROCS: 3, GOGC: -1, GOMEMLIMIT: 2 << 30},
		"HOME=/\x00GOGC=50\x00":                            {GOGC: 50},
		"GOGC=-5\x00":                                      {GOGC: -1},
		"GOMEMLIMIT=1000B\x00":                             {GOMEMLIMIT: 1000},
		"GOGC=x\x00GOMAXPROCS=-1\x00GOMEMLIMIT=9999999TiB": nil,
		"XGOGC=5\x00GOGC":                                  nil,
		"":                                                 nil,
	} {
		s := &Sampler{root: t.TempDir(), pid: "7"}
		if err := os.MkdirAll(s.path("/proc/7"), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(s.path("/proc/7/environ"), []byte(environ), 0o666); err != nil {
			t.Fatal(err)
		}
		if got := s.environment(); !reflect.DeepEqual(got, want) {
			t.Errorf("%q says %+v, want %+v", environ, got, want)
		}
	}
}
