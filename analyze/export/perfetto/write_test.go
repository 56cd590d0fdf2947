package perfetto_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/trace"
	"slices"
	"strings"
	"testing"
	"time"

	"gmptrace/analyze/export/perfetto"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/replay/replaytest"
)

const router = "../../../fixtures/traces/real/router-go1.26-p2.trace"

func readRouter(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile(router)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// scenario has a task, regions in each other, wakes and a preemption.
const scenario = `gomaxprocs n=2
status-p q=0 m=0 p=0 state=held
status-p q=1 m=1 p=1 state=idle
status-g g=1 m=0 p=0 by=1 state=running fn=main.main
heap-alloc n=1048576 p=0 m=0 by=1
heap-goal n=4194304 p=0 m=0 by=1
task-begin task=7 by=1 p=0 m=0 name=order
newproc g=2 p=0 m=0 by=1 fn=main.worker
region-begin task=7 by=1 p=0 m=0 name=pay
region-begin by=1 p=0 m=0 name=inner
log task=7 by=1 p=0 m=0 name=charged
region-end by=1 p=0 m=0 name=inner
region-end task=7 by=1 p=0 m=0 name=pay
park g=1 p=0 m=0 reason=chan_receive fn=runtime.chanrecv1<main.wait<main.main
execute g=2 p=0 m=0
entersyscall g=2 p=0 m=0 fn=syscall.Read<main.read<main.worker
exitsyscall g=2 p=0 m=0
gc-begin p=0 m=0
ready g=1 p=0 m=0 by=2
preempt g=2 p=0 m=0 async dt=12ms
execute g=1 p=0 m=0
task-end task=7 by=1 p=0 m=0
gc-end p=0 m=0
task-begin task=8 by=1 p=0 m=0 name=open
region-begin by=1 p=0 m=0 name=open
park g=1 p=0 m=0 reason=sleep fn=time.Sleep<main.main
`

// TestGolden writes a trace whose events are text, and compares all of it, as text, but for
// findings, whose words are those of others.
func TestGolden(t *testing.T) {
	var out bytes.Buffer
	if _, err := perfetto.Write(t.Context(), replaytest.Scenario(t, scenario), &out, perfetto.Options{Plain: true, Tracks: perfetto.AllTracks &^ perfetto.Findings}); err != nil {
		t.Fatal(err)
	}
	d := decode(t, &out)
	d.slices(t)
	got := d.list()
	const golden = "testdata/scenario.txt"
	if *replaytest.Update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// list is what was written as text: tracks in the order told, and events as Perfetto
// takes them.
func (d *decoded) list() string {
	var b strings.Builder
	for _, uuid := range d.order {
		fmt.Fprintf(&b, "track %s\n", d.path(uuid))
	}
	kinds := map[int64]string{1: "begin", 2: "end", 3: "moment", 4: "counter"}
	for _, e := range d.sorted() {
		fmt.Fprintf(&b, "%8d %-7s %s", e.at, kinds[e.kind], d.path(e.track))
		if e.kind == 4 {
			fmt.Fprintf(&b, " = %d", e.value)
		}
		if e.name != "" {
			fmt.Fprintf(&b, ": %s [%s]", e.name, e.category)
		}
		for _, key := range sortedKeys(e.args) {
			fmt.Fprintf(&b, " %s=%q", key, e.args[key])
		}
		for _, id := range e.flows {
			fmt.Fprintf(&b, " flow %d begins", id)
		}
		for _, id := range e.ending {
			fmt.Fprintf(&b, " flow %d ends", id)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// path is a track's name behind those that it is below, but for the process.
func (d *decoded) path(uuid uint64) string {
	parent := d.tracks[uuid].uint("parent_uuid")
	if parent == 0 || d.tracks[parent].uint("parent_uuid") == 0 {
		return d.name(uuid)
	}
	return d.path(parent) + " / " + d.name(uuid)
}

func sortedKeys(m map[string]string) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// TestMarks records tasks, regions and messages with names that nobody should trust, and
// finds them again.
func TestMarks(t *testing.T) {
	var b bytes.Buffer
	if err := trace.Start(&b); err != nil {
		t.Fatal(err)
	}
	const hostile = "a\x1b[31m\u202e\xff<script>\n"
	for range 3 {
		ctx, task := trace.NewTask(context.Background(), hostile)
		trace.WithRegion(ctx, "outer", func() {
			trace.WithRegion(ctx, hostile, func() {
				trace.Log(ctx, "category", hostile)
				time.Sleep(time.Millisecond)
			})
		})
		task.End()
	}
	ctx, _ := trace.NewTask(context.Background(), "never ends")
	trace.StartRegion(ctx, "nor does this")
	trace.Stop()

	d, _ := export(t, b.Bytes(), perfetto.Options{})
	count := map[string]int{}
	for track, slices := range d.slices(t) {
		for _, s := range slices {
			switch {
			case strings.HasSuffix(d.path(track), "User tasks / tasks"):
				count["task "+s.name]++
			case s.category == "region":
				count[fmt.Sprintf("region %s at %d", s.name, s.depth)]++
			}
		}
	}
	for _, e := range d.events {
		if e.category == "message" {
			count["message "+e.name+" on "+d.name(e.track)]++
		}
	}
	const shown = `a\x1b[31m\u202e\xff<script>\x0a`
	for _, want := range []struct {
		what string
		n    int
	}{{"task " + shown, 3}, {"region outer at 0", 3}, {"region " + shown + " at 1", 3}, {"message " + shown + " on tasks", 3},
		{"task never ends", 1}, {"region nor does this at 0", 1}} {
		if count[want.what] != want.n {
			t.Errorf("%s: %d, want %d of %v", want.what, count[want.what], want.n, count)
		}
	}
}

// TestSame: the same trace gives the same bytes, however it is read.
func TestSame(t *testing.T) {
	data := readRouter(t)
	var first []byte
	for workers := range 3 {
		var out bytes.Buffer
		if _, err := perfetto.Write(t.Context(), bytes.NewReader(data), &out, perfetto.Options{Options: replay.Options{Workers: workers}}); err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = out.Bytes()
		}
		if !bytes.Equal(first, out.Bytes()) {
			t.Fatal("the bytes differ")
		}
	}
}

// TestMaxTracks: no more goroutines than asked for have tracks, arrows still have two
// ends, and it is said.
func TestMaxTracks(t *testing.T) {
	d, _ := export(t, readRouter(t), perfetto.Options{MaxTracks: 2})
	d.slices(t)
	if n := len(d.below("Goroutines")); n != 2 {
		t.Errorf("%d goroutines have tracks", n)
	}
	if n := len(d.below("Ms (threads)")); n != 2 {
		t.Errorf("%d threads have tracks", n)
	}
	flows := 0
	for _, e := range d.events {
		flows += len(e.flows) - len(e.ending)
	}
	if flows != 0 {
		t.Errorf("%d flows have one end", flows)
	}
	said := 0
	for _, e := range d.events {
		if e.category == "about" && strings.HasPrefix(e.name, "left out: ") {
			said++
		}
	}
	if said != 2 {
		t.Errorf("%d remarks say what is left out", said)
	}
}

// TestTracks: what was not asked for is not there.
func TestTracks(t *testing.T) {
	data := readRouter(t)
	for i, name := range perfetto.TrackNames() {
		set := perfetto.Tracks(1 << i)
		d, _ := export(t, data, perfetto.Options{Tracks: set})
		d.slices(t)
		got := map[string]bool{}
		for _, e := range d.events {
			got[e.category] = got[e.category] || e.kind != 2
		}
		for category, of := range map[string]perfetto.Tracks{"program": perfetto.Ps, "M": perfetto.Ms, "goroutine": perfetto.Gs, "GC": perfetto.Collections, "finding": perfetto.Findings} {
			if got[category] && of != set {
				t.Errorf("--tracks %s: there is a %s", name, category)
			}
		}
		if back, err := perfetto.ParseTracks([]string{name}); err == nil && back != set {
			t.Errorf("%s is %v", name, back)
		}
	}
	for _, wrong := range []string{"flows", "decisions", "x"} {
		if _, err := perfetto.ParseTracks([]string{wrong}); err == nil {
			t.Errorf("%s alone is taken", wrong)
		}
	}
}

// TestWindow: nothing lies outside of the part that was asked for.
func TestWindow(t *testing.T) {
	opt := perfetto.Options{Options: replay.Options{From: replay.Bound{Set: true, Offset: 30 * time.Millisecond}, To: replay.Bound{Set: true, Offset: 60 * time.Millisecond}}}
	d, _ := export(t, readRouter(t), opt)
	d.slices(t)
	if len(d.events) < 1000 {
		t.Errorf("%d events", len(d.events))
	}
	for _, e := range d.events {
		if e.at < 30e6 || e.at > 60e6 {
			t.Fatalf("%q of %s is at %d", e.name, d.path(e.track), e.at)
		}
	}
}

// TestUnderWay: what is under way when the part begins begins with it.
func TestUnderWay(t *testing.T) {
	var out bytes.Buffer
	opt := perfetto.Options{Plain: true, Options: replay.Options{From: replay.Bound{Set: true, Offset: 9500}}}
	if _, err := perfetto.Write(t.Context(), replaytest.Scenario(t, scenario), &out, opt); err != nil {
		t.Fatal(err)
	}
	d := decode(t, &out)
	ends := map[string]uint64{}
	for _, all := range d.slices(t) {
		for _, s := range all {
			if s.start == 9500 {
				ends[fmt.Sprintf("%s at %d", s.name, s.depth)] = s.end
			}
		}
	}
	for name, end := range map[string]uint64{"order at 0": 12_020_000, "pay at 0": 12_000, "inner at 1": 11_000, "running at 0": 13_000} {
		if ends[name] != end {
			t.Errorf("%s ends at %d, want %d of %v", name, ends[name], end, ends)
		}
	}
}

// TestLost: what a damaged trace lacks is said, and what there is is whole.
func TestLost(t *testing.T) {
	data := readRouter(t)
	d, res := export(t, data[:len(data)*3/4], perfetto.Options{})
	d.slices(t)
	if res.Trace.Complete {
		t.Error("the trace is complete")
	}
	for _, e := range d.events {
		if strings.HasPrefix(e.name, "lost: ") {
			return
		}
	}
	t.Error("nothing says what was lost")
}

// full is a writer that has no room.
type full struct{ room int }

var errFull = errors.New("no room")

func (f *full) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, errFull
	}
	return len(p), nil
}

// TestFull: an error of the output ends the reading, and is the error.
func TestFull(t *testing.T) {
	data := readRouter(t)
	for _, room := range []int{0, 100, 1000, 100_000} {
		if _, err := perfetto.Write(t.Context(), bytes.NewReader(data), &full{room}, perfetto.Options{}); !errors.Is(err, errFull) {
			t.Errorf("room for %d bytes: %v", room, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := perfetto.Write(ctx, bytes.NewReader(data), &full{1 << 30}, perfetto.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
