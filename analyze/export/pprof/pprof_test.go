package pprof_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gmptrace/analyze"
	"gmptrace/analyze/export/pprof"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"

	"github.com/google/pprof/profile"
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

// make makes a profile, and reads it back from what is written.
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

// TestSums: the sums of each type are those of the report, to the nanosecond, of all of a
// trace and of a part.
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
					if of == pprof.Sched && n != rep.Latency.Count+rep.Latency.Censored {
						t.Errorf("%d waits, the report has %d and %d", n, rep.Latency.Count, rep.Latency.Censored)
					}
				}
			}
		})
	}
}
