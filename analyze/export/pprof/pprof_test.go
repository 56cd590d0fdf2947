package pprof_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gmptrace/analyze"
	"gmptrace/analyze/export/pprof"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/replay/replaytest"
	"gmptrace/analyze/report"

	"github.com/google/pprof/profile"
	"golang.org/x/exp/trace"
)

// realTraces are the recorded traces of real programs and the tiny ones.
func realTraces(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"../../../fixtures/traces/real/*.trace", "../../testdata/traces/*.trace"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("no traces in %s: %v", pattern, err)
		}
		all = append(all, found...)
	}
	return all
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// written makes a profile, and reads it back from what is written.
func written(t *testing.T, data []byte, opt pprof.Options) (*pprof.Result, *profile.Profile) {
	t.Helper()
	r, err := pprof.Make(t.Context(), bytes.NewReader(data), opt)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	p, err := profile.ParseData(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return r, p
}

// sum adds up a profile's values, of those samples that are wanted.
func sum(p *profile.Profile, wanted func(*profile.Sample) bool) (n, ns int64) {
	for _, s := range p.Sample {
		if wanted == nil || wanted(s) {
			n += s.Value[0]
			ns += s.Value[1]
		}
	}
	return n, ns
}

// totals are a report's, by type of profile.
func totals(rep *report.Report) map[pprof.Type]int64 {
	by := map[pprof.Type]int64{}
	for i := range rep.Functions {
		f := &rep.Functions[i]
		by[pprof.Sched] += f.Runnable
		by[pprof.Syscall] += f.Syscall
		by[pprof.Running] += f.Running
		by[pprof.OffCPU] += f.Total - f.Running - f.Unknown
		for _, b := range f.Blocked {
			by[pprof.Block] += b.NS
		}
	}
	return by
}

// byReason are a report's blocked times by reason, less those of a profile.
func byReason(rep *report.Report, p *profile.Profile) map[string]int64 {
	by := map[string]int64{}
	for i := range rep.Functions {
		for _, b := range rep.Functions[i].Blocked {
			by[b.Reason] += b.NS
		}
	}
	for _, s := range p.Sample {
		by[s.Label["reason"][0]] -= s.Value[1]
	}
	return by
}

// TestSums: the sums of each type are those of the report, to the nanosecond, of all of a
// trace and of a part; those of block by reason too.
func TestSums(t *testing.T) {
	for _, name := range realTraces(t) {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".trace"), func(t *testing.T) {
			t.Parallel()
			data := read(t, name)
			for _, part := range []replay.Options{{}, {From: replay.Bound{Set: true, Offset: 3e6}, To: replay.Bound{Set: true, Offset: 9_999_999}}} {
				rep, err := analyze.Analyze(t.Context(), bytes.NewReader(data), analyze.Options{Options: part})
				if err != nil && part.To.Set {
					continue // shorter than that
				}
				if err != nil {
					t.Fatal(err)
				}
				want := totals(rep)
				for _, of := range []pprof.Type{pprof.Sched, pprof.Block, pprof.Syscall, pprof.Running, pprof.OffCPU} {
					r, p := written(t, data, pprof.Options{Options: part, Type: of})
					n, ns := sum(p, nil)
					if ns != want[of] {
						t.Errorf("%s: %d ns, the report has %d: %d more", of, ns, want[of], ns-want[of])
					}
					if n != r.Count || ns != r.NS {
						t.Errorf("%s: said %d, %d; are %d, %d", of, r.Count, r.NS, n, ns)
					}
					if of == pprof.Block {
						for reason, ns := range byReason(rep, p) {
							if ns != 0 {
								t.Errorf("blocked for %q: the report has %d ns more", reason, ns)
							}
						}
					}
					if of == pprof.Sched && n != rep.Latency.Count+rep.Latency.Censored {
						t.Errorf("%d waits, the report has %d and %d", n, rep.Latency.Count, rep.Latency.Censored)
					}
				}
			}
		})
	}
}

// TestSamples: the CPU profiler's samples are those that the trace has, by its reference
// reader.
func TestSamples(t *testing.T) {
	data := read(t, "../../../fixtures/traces/real/webshop-go1.26-p2-cpuprofile.trace")
	rd, err := trace.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	leaves, n := map[string]int64{}, int64(0)
	for {
		ev, err := rd.ReadEvent()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if ev.Kind() != trace.EventStackSample {
			continue
		}
		n++
		for f := range ev.Stack().Frames() {
			leaves[f.Func]++
			break
		}
	}
	r, p := written(t, data, pprof.Options{Type: pprof.CPU})
	if n == 0 || r.Count != n || r.NS != n*p.Period || p.Period != 10_000_000 {
		t.Errorf("%d samples of %d ns in all, the trace has %d", r.Count, r.NS, n)
	}
	for _, s := range p.Sample {
		leaves[s.Location[0].Line[0].Function.Name] -= s.Value[0]
	}
	for fn, n := range leaves {
		if n != 0 && !strings.HasPrefix(fn, "runtime.asyncPreempt") {
			t.Errorf("%s: the trace has %d samples more", fn, n)
		}
	}
}

// TestNoSamples: it is said what to do.
func TestNoSamples(t *testing.T) {
	_, err := pprof.Make(t.Context(), bytes.NewReader(read(t, "../../../fixtures/traces/real/webshop-go1.26-p4.trace")), pprof.Options{Options: replay.Options{Name: "x"}, Type: pprof.CPU})
	var in *report.InputError
	if !errors.As(err, &in) || in.Kind != "no-samples" || !strings.Contains(in.Hint, "StartCPUProfile") {
		t.Errorf("%v", err)
	}
}

// TestSameBytes: of the same trace come the same bytes, whoever reads it.
func TestSameBytes(t *testing.T) {
	data := read(t, "../../../fixtures/traces/real/router-go1.26-p2.trace")
	for _, of := range pprof.Types {
		if of == pprof.CPU {
			continue
		}
		var first []byte
		for _, opt := range []replay.Options{{Workers: 1}, {Workers: 4}, {Reader: replay.ReferenceReader}} {
			r, err := pprof.Make(t.Context(), bytes.NewReader(data), pprof.Options{Options: opt, Type: of})
			if err != nil {
				t.Fatal(err)
			}
			r.Profile.Comments = nil // which say who read it
			var b bytes.Buffer
			if err := r.Write(&b); err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = b.Bytes()
			} else if !bytes.Equal(b.Bytes(), first) {
				t.Errorf("%s: other bytes with %+v", of, opt)
			}
		}
	}
}

// TestStrings: the format's strings are UTF-8 and end nowhere, whatever a trace calls
// things.
func TestStrings(t *testing.T) {
	const name = "a\xff\x00b\x1b[31m\u202e>\"';$(id)"
	r, err := pprof.Make(t.Context(), replaytest.Scenario(t, strings.ReplaceAll(hostile, "NAME", name)), pprof.Options{Type: pprof.Running})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := r.Profile.WriteUncompressed(&b); err != nil {
		t.Fatal(err)
	}
	p, err := profile.ParseUncompressed(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	want := strings.ToValidUTF8(name, "\uFFFD")
	found := map[string]bool{}
	for _, s := range p.Sample {
		for label, values := range s.Label {
			found[label] = found[label] || values[0] == want
		}
		for _, l := range s.Location {
			found["function"] = found["function"] || l.Line[0].Function.Name == want
			found["file"] = found["file"] || l.Line[0].Function.Filename == want+".go"
		}
	}
	for _, of := range []string{"task", "func", "function", "file"} {
		if !found[of] {
			t.Errorf("no %s is called %q", of, want)
		}
	}
}

const hostile = `gomaxprocs n=1
status-p q=0 m=0 p=0 state=held
status-g g=1 m=0 p=0 by=1 state=running fn=main.main
newproc g=2 p=0 m=0 by=1 fn=NAME
park g=1 p=0 m=0 reason=sleep fn=main.main
execute g=2 p=0 m=0
task-begin task=1 by=2 p=0 m=0 name=NAME
park g=2 p=0 m=0 reason=sleep fn=NAME dt=1ms
`

// TestGoTool: go tool pprof reads what is written, and adds it up to the same.
func TestGoTool(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("go is not installed: ", err)
	}
	data := read(t, "../../../fixtures/traces/real/webshop-go1.26-p2-cpuprofile.trace")
	for _, of := range pprof.Types {
		t.Run(string(of), func(t *testing.T) {
			t.Parallel()
			r, err := pprof.Make(t.Context(), bytes.NewReader(data), pprof.Options{Type: of})
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "profile.pb.gz")
			f, err := os.Create(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(r.Write(f), f.Close()); err != nil {
				t.Fatal(err)
			}
			for i, total := range []int64{r.Count, r.NS} {
				out := top(t, file, r.Profile.SampleType[i].Type, []string{"count", "ns"}[i])
				if want := fmt.Sprintf("of %d%s total", total, []string{"", "ns"}[i]); !strings.Contains(out, want) || !strings.Contains(out, "File: webshop") {
					t.Errorf("not %q in:\n%s", want, out)
				}
			}
		})
	}
}

// top is what go tool pprof says of a profile's functions.
func top(t *testing.T, file, index, unit string) string {
	t.Helper()
	cmd := exec.Command("go", "tool", "pprof", "-top", "-nodefraction=0", "-nodecount=100000", "-sample_index="+index, "-unit="+unit, file)
	cmd.Env = append(os.Environ(), "PPROF_TMPDIR="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}
