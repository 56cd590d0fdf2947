package explain_test

import (
	"bytes"
	"os"
	"testing"
	"time"

	"gmptrace/analyze/explain"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/replay/replaytest"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// served is what AddServed tells of while a trace is read.
func served(t *testing.T, read func(begin func(*replay.Session)) error) (done []explain.Done, x *explain.Served) {
	t.Helper()
	err := read(func(s *replay.Session) {
		x = explain.AddServed(s, func(d *explain.Done) { done = append(done, *d) })
	})
	if err != nil {
		t.Fatal(err)
	}
	return done, x
}

// A task is told of with who ended it, on whatever goroutine it began; one that has not
// ended is not, and of a connection's requests each, with its handler, but not the wait
// that the connection's end ended.
func TestServed(t *testing.T) {
	const serve, handler = "net/http.(*conn).serve", "<net/http.HandlerFunc.ServeHTTP<net/http.serverHandler.ServeHTTP<net/http.(*conn).serve"
	const next = "park g=3 p=0 m=0 reason=network fn=internal/poll.(*FD).Read<bufio.(*Reader).Peek<" + serve + "\n"
	const request = `ready g=3 p=0 m=0 dt=5ms
execute g=3 p=0 m=0
entersyscall g=3 p=0 m=0 fn=syscall.fsync<main.(*shop).store` + handler + `
exitsyscall g=3 p=0 m=0 dt=2ms
`
	const events = `gomaxprocs n=1
status-p q=0 m=0 p=0 state=held
status-g g=1 m=0 p=0 by=1 state=running fn=main.main
newproc g=2 p=0 m=0 by=1 fn=main.worker
newproc g=3 p=0 m=0 by=1 fn=` + serve + `
task-begin task=7 by=1 p=0 m=0 name=job
task-begin task=8 by=1 p=0 m=0 name=never
park g=1 p=0 m=0 reason=sleep fn=main.main
execute g=3 p=0 m=0
` + next + `execute g=2 p=0 m=0
task-end task=7 by=2 p=0 m=0 dt=1ms
goexit g=2 p=0 m=0
` + request + next + request + next + `ready g=3 p=0 m=0 dt=5ms
execute g=3 p=0 m=0
goexit g=3 p=0 m=0
`
	done, x := served(t, func(begin func(*replay.Session)) error {
		_, err := replay.Run(t.Context(), replaytest.Scenario(t, events), replay.Options{Name: "served"}, begin)
		return err
	})
	want := []struct {
		kind report.InstanceKind
		name string
		task int64
		g    model.GoID
		took time.Duration
	}{
		{report.KindTask, "job", 7, 2, time.Millisecond},
		{report.KindRequest, "main.(*shop).store", -1, 3, 2 * time.Millisecond},
		{report.KindRequest, "main.(*shop).store", -1, 3, 2 * time.Millisecond},
	}
	byKind := map[report.InstanceKind][]explain.Done{}
	for _, d := range done {
		byKind[d.Kind] = append(byKind[d.Kind], d)
	}
	if len(done) != len(want) {
		t.Fatalf("%d are told of, want %d: %+v", len(done), len(want), done)
	}
	for i, w := range want {
		if len(byKind[w.kind]) == 0 {
			t.Fatalf("no more of kind %s than %d", w.kind, i)
		}
		d := byKind[w.kind][0]
		byKind[w.kind] = byKind[w.kind][1:]
		name := d.Name
		if d.Kind == report.KindRequest {
			name = x.Handler(d.Key)
		}
		took := time.Duration(d.End - d.Start)
		if name != w.name || d.Task != w.task || d.G != w.g || took < w.took || took > w.took+100*time.Microsecond {
			t.Errorf("%d: %s of %q, task %d, on G%d, %v; want %+v", i, d.Kind, name, d.Task, d.G, took, w)
		}
	}
}

// As many as Explain finds, with the same lengths, are told of a recorded service, and of a
// part of it only what lies in that as a whole.
func TestServedAll(t *testing.T) {
	data, err := os.ReadFile("../../fixtures/traces/real/webshop-go1.26-p4.trace")
	if err != nil {
		t.Fatal(err)
	}
	tell := func(opt replay.Options) []explain.Done {
		done, _ := served(t, func(begin func(*replay.Session)) error {
			_, err := replay.Run(t.Context(), bytes.NewReader(data), opt, begin)
			return err
		})
		return done
	}
	all := tell(replay.Options{})
	for _, sel := range []explain.Selector{
		{Kind: report.KindRequest, G: model.NoG, Task: -1, Pooled: true},
		{Kind: report.KindTask, G: model.NoG, Task: -1, Pooled: true},
	} {
		x, err := explain.Explain(t.Context(), bytes.NewReader(data), replay.Options{}, sel)
		if err != nil {
			t.Fatal(err)
		}
		var n, longest int64
		for _, d := range all {
			if d.Kind == sel.Kind {
				n++
				longest = max(longest, int64(d.End-d.Start))
			}
		}
		if n != x.Durations.Count-x.Unfinished || longest != x.Durations.Max {
			t.Errorf("%s: %d, the longest %d ns; Explain has %d and %d", sel.Kind, n, longest, x.Durations.Count, x.Durations.Max)
		}
	}
	from, to := 200*time.Millisecond, 400*time.Millisecond
	part := tell(replay.Options{From: replay.Bound{Set: true, Offset: from}, To: replay.Bound{Set: true, Offset: to}})
	if len(part) == 0 || len(part) >= len(all) {
		t.Fatalf("%d in a part of it, %d in all", len(part), len(all))
	}
	for _, d := range part {
		if d.End-d.Start > model.Time(to-from) {
			t.Errorf("one of %v is told of in a part of %v", time.Duration(d.End-d.Start), to-from)
		}
	}
}
