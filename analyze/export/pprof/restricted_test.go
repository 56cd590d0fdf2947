package pprof_test

import (
	"bytes"
	"path/filepath"
	"regexp"
	"testing"

	"gmptrace/analyze/explain"
	"gmptrace/analyze/export/pprof"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// TestRestricted: the sums of what is restricted to instances are those that explain has of
// their goroutines, state by state, to the nanosecond.
func TestRestricted(t *testing.T) {
	const shop = "../../../fixtures/traces/real/webshop-go1.26-p4.trace"
	matching := func(kind report.InstanceKind, pattern string) explain.Selector {
		sel := explain.Selector{Kind: kind, G: model.NoG, Task: -1}
		if pattern != "" {
			sel.Pattern = regexp.MustCompile(pattern)
		}
		return sel
	}
	for _, test := range []struct {
		name, trace string
		sel         explain.Selector
	}{
		{"requests", shop, matching(report.KindRequest, "")},
		{"requests of a handler", shop, matching(report.KindRequest, `shop\)\.ServeHTTP$`)},
		{"requests through a function", shop, matching(report.KindRequest, `shop\)\.order$`)},
		{"requests sent", shop, matching(report.KindRequest, `^main\.request$`)},
		{"tasks", shop, matching(report.KindTask, `^request`)},
		{"tasks that end elsewhere", shop, matching(report.KindTask, `^reprice all$`)},
		{"stretches", shop, matching(report.KindAt, `^main\.price$`)},
		{"regions", shop, matching(report.KindRegion, "")},
		{"goroutines", shop, matching(report.KindGoroutine, `repriceEvery`)},
		{"requests of before", "../../../fixtures/traces/real/webshop-go1.22-p2.trace", matching(report.KindRequest, "")},
		{"requests of a router", "../../../fixtures/traces/real/router-go1.26-p2.trace", matching(report.KindRequest, "")},
		{"requests of a handler of several", "../../../fixtures/traces/real/router-go1.26-p2.trace", matching(report.KindRequest, `store\)\.users?$`)},
		{"requests that wait", "../../../fixtures/traces/cases/orders.trace.gz", matching(report.KindRequest, "")},
		{"requests of a gateway", "../../../fixtures/traces/cases/gateway.trace.gz", matching(report.KindRequest, "")},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			data := read(t, test.trace)
			want, length := explained(t, data, test.sel)
			var all int64
			for _, of := range []pprof.Type{pprof.Sched, pprof.Block, pprof.Syscall, pprof.Running, pprof.OffCPU} {
				r, err := pprof.Make(t.Context(), bytes.NewReader(data), pprof.Options{Type: of, Select: &test.sel})
				if err != nil || r.Profile == nil {
					t.Fatalf("%v, %s", err, r.Nothing)
				}
				if r.NS != want[of] {
					t.Errorf("%s: %d ns, explain has %d: %d more", of, r.NS, want[of], r.NS-want[of])
				}
				if of == pprof.Running || of == pprof.OffCPU {
					all += r.NS
				}
			}
			if rest := length - all; rest != want["neither"] {
				t.Errorf("%d ns of %d are in no profile, explain has %d", rest, length, want["neither"])
			}
		})
	}
}

// explained are what goroutines of the instances that are selected did, as explain has it,
// and how long the instances took.
func explained(t *testing.T, data []byte, sel explain.Selector) (map[pprof.Type]int64, int64) {
	t.Helper()
	sel.Pooled, sel.Top = true, 10_000
	x, err := explain.Explain(t.Context(), bytes.NewReader(data), replay.Options{}, sel)
	if err != nil {
		t.Fatal(err)
	}
	if int(x.Durations.Count) != len(x.Slowest) || len(x.Slowest) == 0 {
		t.Fatalf("%d of %d instances", len(x.Slowest), x.Durations.Count)
	}
	by := map[pprof.Type]int64{}
	for i := range x.Slowest {
		for _, s := range x.Slowest[i].States {
			switch s.State {
			case "running":
				by[pprof.Running] += s.NS
				continue
			case "runnable":
				by[pprof.Sched] += s.NS
			case "blocked":
				by[pprof.Block] += s.NS
			case "syscall":
				by[pprof.Syscall] += s.NS
			default:
				by["neither"] += s.NS
				continue
			}
			by[pprof.OffCPU] += s.NS
		}
	}
	return by, x.Durations.Total
}

// TestNothingSelected: it is said what there would have been.
func TestNothingSelected(t *testing.T) {
	sel := explain.Selector{Kind: report.KindRequest, G: model.NoG, Task: -1, Pattern: regexp.MustCompile("nobody")}
	r, err := pprof.Make(t.Context(), bytes.NewReader(read(t, filepath.Join("../../../fixtures/traces/real", "webshop-go1.26-p4.trace"))), pprof.Options{Type: pprof.Sched, Select: &sel})
	if err != nil || r.Profile != nil || !regexp.MustCompile(`matching nobody, but others: main\.\(\*shop\)\.ServeHTTP`).MatchString(r.Nothing) {
		t.Errorf("%v, profile %v, %q", err, r.Profile != nil, r.Nothing)
	}
}
