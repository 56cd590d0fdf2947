package perfetto_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gmptrace/analyze"
	"gmptrace/analyze/export/perfetto"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/replay/replaytest"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// export is what is written of a trace, decompressed and decoded.
func export(t *testing.T, data []byte, opt perfetto.Options) (*decoded, *perfetto.Result) {
	t.Helper()
	var out bytes.Buffer
	res, err := perfetto.Write(t.Context(), bytes.NewReader(data), &out, opt)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(&out)
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, z), res
}

// stateSums are the times of goroutines by state, as the facts have them.
type stateSums struct {
	by    map[model.GoID]map[string]uint64
	wakes int
}

func (s *stateSums) Watch(f *model.Facts) {
	for i := range f.Gs {
		iv := &f.Gs[i]
		if s.by[iv.G] == nil {
			s.by[iv.G] = map[string]uint64{}
		}
		s.by[iv.G][stateOf(iv)] += uint64(iv.End - iv.Start)
	}
	for i := range f.Dispatches {
		if d := &f.Dispatches[i]; d.By > 0 && d.By != d.G && !d.Censored {
			s.wakes++
		}
	}
}

func stateOf(iv *model.GInterval) string {
	switch iv.State {
	case model.GRunning:
		return "running"
	case model.GRunnable:
		return "runnable"
	case model.GSyscall:
		return "system call"
	case model.GWaiting:
		return "blocked"
	}
	return ""
}

// TestRecorded writes every recorded trace, and holds what Perfetto reads to what the
// model and the report say.
func TestRecorded(t *testing.T) {
	replaytest.EachRecorded(t, func(t *testing.T, data []byte) {
		if len(data) > mostDecoded {
			t.Skip("decoding it takes long")
		}
		sums := &stateSums{by: map[model.GoID]map[string]uint64{}}
		var a analyze.Analysis
		tr, err := replay.Run(t.Context(), bytes.NewReader(data), replay.Options{}, func(s *replay.Session) {
			a.Begin(s)
			s.Add(sums)
		})
		if err != nil {
			t.Fatal(err)
		}
		rep := a.Report(tr)
		d, _ := export(t, data, perfetto.Options{})
		on := d.slices(t)
		if got, want := d.tracks[1].message("process").text("process_name"), cmp.Or(rep.Trace.Program, "Go program"); got != want {
			t.Errorf("the process is called %q, want %q", got, want)
		}
		holdGoroutines(t, d, on, sums)
		holdFunctions(t, d, on, rep)
		holdProcs(t, d, on, rep)
		holdThreads(t, d, on)
		holdFlows(t, d, sums.wakes)
		holdDecisions(t, d, rep)
		holdFindings(t, d, rep)
	})
}

// mostDecoded is how large a trace may be whose export is decoded.
const mostDecoded = 250_000

// TestSize: what is written, compressed, is no more than twice as large as the trace.
func TestSize(t *testing.T) {
	replaytest.EachRecorded(t, func(t *testing.T, data []byte) {
		var out bytes.Buffer
		if _, err := perfetto.Write(t.Context(), bytes.NewReader(data), &out, perfetto.Options{}); err != nil {
			t.Fatal(err)
		}
		if out.Len() > 2*len(data) {
			t.Errorf("%d bytes are written of %d", out.Len(), len(data))
		}
	})
}

// stateNamed is the state that a slice of a goroutine's track is of.
func stateNamed(name string) string {
	switch {
	case strings.HasPrefix(name, "blocked: "):
		return "blocked"
	case strings.HasPrefix(name, "running"):
		return "running"
	case strings.HasPrefix(name, "system call"):
		return "system call"
	}
	return name
}

// goroutineOf is the number in a track's name: G12 main.worker.
func goroutineOf(t *testing.T, name string) model.GoID {
	t.Helper()
	number, _, _ := strings.Cut(strings.TrimPrefix(name, "G"), " ")
	g, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		t.Fatalf("track %q is of no goroutine", name)
	}
	return model.GoID(g)
}

// holdGoroutines: each goroutine is in its states for as long as the facts say, and in one
// at a time.
func holdGoroutines(t *testing.T, d *decoded, on map[uint64][]slice, sums *stateSums) {
	t.Helper()
	seen := 0
	for _, uuid := range d.below("Goroutines") {
		g, got := goroutineOf(t, d.name(uuid)), map[string]uint64{}
		for _, s := range on[uuid] {
			if s.depth != 0 {
				t.Fatalf("G%d is in two states at %d", g, s.start)
			}
			got[stateNamed(s.name)] += s.end - s.start
		}
		for _, state := range []string{"running", "runnable", "system call", "blocked"} {
			if got[state] != sums.by[g][state] {
				t.Errorf("G%d is %s for %d ns, want %d", g, state, got[state], sums.by[g][state])
			}
		}
		seen++
	}
	if seen != len(sums.by) {
		t.Errorf("%d goroutines have a track, want %d", seen, len(sums.by))
	}
}

// holdFunctions: all goroutines together were in their states for as long as the report
// says.
func holdFunctions(t *testing.T, d *decoded, on map[uint64][]slice, rep *report.Report) {
	t.Helper()
	got, want := map[string]int64{}, map[string]int64{}
	for _, uuid := range d.below("Goroutines") {
		for _, s := range on[uuid] {
			state := stateNamed(s.name)
			if strings.HasPrefix(s.name, "system call (") {
				state = "running" // as the report has calls without an end
			}
			got[state] += int64(s.end - s.start)
		}
	}
	for i := range rep.Functions {
		f := &rep.Functions[i]
		want["running"] += f.Running
		want["runnable"] += f.Runnable
		want["system call"] += f.Syscall
		for _, b := range f.Blocked {
			want["blocked"] += b.NS
		}
	}
	for state, ns := range want {
		if got[state] != ns {
			t.Errorf("all goroutines are %s for %d ns, want %d", state, got[state], ns)
		}
	}
}

// holdProcs: each P ran goroutines for as long as the report says.
func holdProcs(t *testing.T, d *decoded, on map[uint64][]slice, rep *report.Report) {
	t.Helper()
	got, calls := map[string]int64{}, map[string]int64{}
	for _, uuid := range d.below("Ps") {
		for _, s := range on[uuid] {
			switch s.depth {
			case 0:
				got[d.name(uuid)] += int64(s.end - s.start)
			case 1:
				calls[d.name(uuid)] += int64(s.end - s.start)
			default:
				t.Fatalf("%s: %q lies in two others", d.name(uuid), s.name)
			}
		}
	}
	for _, p := range rep.Procs {
		name := fmt.Sprintf("P%d", p.P)
		if got[name] != p.Running+p.Syscall || calls[name] != p.Syscall {
			t.Errorf("%s ran goroutines for %d ns, %d of it in system calls; want %d and %d", name, got[name], calls[name], p.Running+p.Syscall, p.Syscall)
		}
	}
}

// holdThreads: a thread holds one P at a time, and no P is held by two.
func holdThreads(t *testing.T, d *decoded, on map[uint64][]slice) {
	t.Helper()
	held := map[string][]slice{}
	for _, uuid := range d.below("Ms (threads)") {
		for _, s := range on[uuid] {
			isP := strings.HasPrefix(s.name, "P")
			if s.depth > 1 || isP && s.depth != 0 {
				t.Fatalf("%s: %q lies in another", d.name(uuid), s.name)
			}
			if isP {
				held[s.name] = append(held[s.name], s)
			}
		}
	}
	if len(held) == 0 {
		t.Error("no thread holds a P")
	}
	for p, all := range held {
		sortSlices(all)
		for i := 1; i < len(all); i++ {
			if all[i].start < all[i-1].end {
				t.Errorf("%s is held by two threads at %d", p, all[i].start)
			}
		}
	}
}

// holdFlows: every arrow begins once and ends once, in the moment in which it begins. What
// has ended may begin again, and only then.
func holdFlows(t *testing.T, d *decoded, want int) {
	t.Helper()
	open, ended := map[uint64]uint64{}, 0
	for _, e := range d.sorted() {
		for _, id := range e.flows {
			if _, twice := open[id]; twice || e.kind != 3 {
				t.Fatalf("flow %d begins twice, or at no moment", id)
			}
			open[id] = e.at
		}
		for _, id := range e.ending {
			if at, ok := open[id]; !ok || at != e.at || e.name != "runnable" {
				t.Fatalf("flow %d ends at %d, %q; it began at %d (%v)", id, e.at, e.name, at, ok)
			}
			delete(open, id)
			ended++
		}
	}
	if len(open) > 0 || ended != want {
		t.Errorf("%d flows do not end and %d do, want %d", len(open), ended, want)
	}
}

// holdDecisions: every dispatch is told with its source.
func holdDecisions(t *testing.T, d *decoded, rep *report.Report) {
	t.Helper()
	got, certain := map[string]int64{}, int64(0)
	for _, e := range d.events {
		if e.args["source"] == "" {
			continue
		}
		got[e.args["source"]]++
		if e.args["certain"] == "true" {
			certain++
		} else if e.args["candidates"] == "" {
			t.Fatalf("%q is not certain, and nothing else fits", e.name)
		}
	}
	for _, src := range rep.Dispatches.Sources {
		if got[src.Source] != src.Count {
			t.Errorf("%d dispatches are from %s, want %d", got[src.Source], src.Source, src.Count)
		}
	}
	if certain != rep.Dispatches.Certain {
		t.Errorf("%d dispatches are certain, want %d", certain, rep.Dispatches.Certain)
	}
}

// holdFindings: every finding is there, the first moment of each with what to do.
func holdFindings(t *testing.T, d *decoded, rep *report.Report) {
	t.Helper()
	moments, said := 0, 0
	for _, e := range d.events {
		if d.name(e.track) == "Findings" {
			moments++
			if e.args["advice"] != "" {
				said++
			}
		}
	}
	want := 0
	for i := range rep.Findings {
		want += max(1, len(rep.Findings[i].Moments))
	}
	if moments != want || said != len(rep.Findings) {
		t.Errorf("findings have %d moments, %d with advice; want %d and %d", moments, said, want, len(rep.Findings))
	}
}

func sortSlices(all []slice) {
	slices.SortFunc(all, func(a, b slice) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end)) })
}
