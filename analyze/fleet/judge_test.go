package fleet

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"gmptrace/analyze/stat"
)

// made are rows of a trace that nobody recorded: its requests take about ms milliseconds,
// and it has a finding if that is told.
func made(n int, host, build, trigger string, ms float64, finding bool) *Rows {
	random := rand.New(rand.NewPCG(uint64(n), 7))
	b := builder{in: Input{Host: host, Build: build, Trigger: trigger}, key: fmt.Sprintf("%064d", n)}
	b.begin(QualityComplete)
	x := b.row(RowTrace)
	x.Start, x.Events, x.Duration = ref(fmt.Sprintf("2026-01-%02dT00:00:00Z", 1+n%28)), ref(int64(5)), ref(int64(1e9))
	if finding {
		x := b.row(RowFinding)
		x.ID, x.Severity, x.Cost, x.Title = ref("lock"), ref("warning"), ref(int64(n)), ref("a lock")
		x.Func, x.File, x.Line = ref("main.f"), ref("f.go"), ref(int64(7))
	}
	s := &stat.Sketch{}
	about := ms * (.9 + .2*random.Float64()) // of the trace
	for range 200 {
		s.Add(int64(about * 1e6 * (.5 + random.Float64())))
	}
	b.series(OfRequest, "main.serve", s)
	return &b.out
}

// fleetOf adds what of each of n traces is made.
func fleetOf(n int, of func(i int) *Rows) *Result {
	var f Fleet
	for i := range n {
		f.Add(of(i))
	}
	return f.Result()
}

func hostOf(i int) string { return fmt.Sprintf("h%d", i%10) }

// TestOutliers: a host that is slower, or has a finding that others have not, stands out,
// and nobody does where all are alike.
func TestOutliers(t *testing.T) {
	alike := fleetOf(200, func(i int) *Rows { return made(i, hostOf(i), "v1", "baseline", 10, i%7 == 0) })
	if len(alike.Outliers) > 0 {
		t.Errorf("of hosts that are alike: %+v", alike.Outliers)
	}
	r := fleetOf(200, func(i int) *Rows {
		ms := 10.0
		if hostOf(i) == "h3" {
			ms = 40
		}
		return made(i, hostOf(i), "v1", "baseline", ms, hostOf(i) == "h4")
	})
	var got []string
	for _, o := range r.Outliers {
		got = append(got, o.Host+" "+o.What+" "+o.Of)
	}
	if want := "h4 finding lock, h3 p99 request"; strings.Join(got, ", ") != want {
		t.Errorf("%q stand out, want %q", got, want)
	}
}

// TestChanges: what a build changed is told, and nothing between builds that are alike; v10
// comes after v9 where their times tell nothing else.
func TestChanges(t *testing.T) {
	build := func(i int) string { return []string{"v9", "v10"}[i%2] }
	if r := fleetOf(100, func(i int) *Rows { return made(i, hostOf(i), build(i), "baseline", 10, i%7 == 0) }); len(r.Changes) > 0 {
		t.Errorf("of builds that are alike: %+v", r.Changes)
	}
	r := fleetOf(100, func(i int) *Rows {
		x := made(i, hostOf(i), build(i), "baseline", []float64{10, 20}[i%2], i%2 == 1)
		x.rows[0].Start = nil
		return x
	})
	var got []string
	for _, c := range r.Changes {
		got = append(got, fmt.Sprint(c.Old, " ", c.New, " ", c.What, " ", c.Worse))
	}
	if want := "v9 v10 finding true, v9 v10 p50 true"; strings.Join(got, ", ") != want {
		t.Errorf("changes %q, want %q", got, want)
	}
	if slow := fleetOf(100, func(i int) *Rows { return made(i, hostOf(i), build(i), "slow", []float64{10, 20}[i%2], false) }); len(slow.Changes) > 0 {
		t.Errorf("of how long things take in slow snapshots: %+v", slow.Changes)
	}
}

// TestInterval: of fleets whose traces differ, the interval of the median holds the true
// one about as often as it says, where one that counts requests alone would be far too
// narrow.
func TestInterval(t *testing.T) {
	held, rounds := 0, 200
	for round := range rounds {
		r := fleetOf(20, func(i int) *Rows { return made(1000*round+i, "h", "v1", "baseline", 10, false) })
		if q := r.Quantiles[0].P50; *q.Lo <= 10e6 && 10e6 <= *q.Hi {
			held++
		}
	}
	if share := float64(held) / float64(rounds); share < .88 {
		t.Errorf("the interval holds the median in %.0f %% of fleets, want about 95 %%", 100*share)
	}
}

// TestTable: which names are told apart of too many depends neither on the order nor on
// the portions, and what is told of them is whole.
func TestTable(t *testing.T) {
	const most, names = 50, 1000
	random := rand.New(rand.NewPCG(5, 6))
	var want []label
	for round := range 20 {
		parts := make([]table[count, *count], 3)
		for _, i := range random.Perm(3 * names) {
			parts[random.IntN(3)].at(label{fmt.Sprint(i % names)}, most).N[0]++
		}
		all := &parts[0]
		all.merge(&parts[1], most)
		all.merge(&parts[2], most)
		keys := all.keys(most)
		if round == 0 {
			want = keys
		}
		if len(keys) != most || fmt.Sprint(keys) != fmt.Sprint(want) {
			t.Fatalf("round %d: %v told apart, before %v", round, keys, want)
		}
		for _, k := range keys {
			if all.By[k].N[0] != 3 {
				t.Errorf("round %d: %v is counted %d times, want 3", round, k, all.By[k].N[0])
			}
		}
		if all.Rest.N[0] != 3*(names-most) {
			t.Errorf("round %d: %d for all others, want %d", round, all.Rest.N[0], 3*(names-most))
		}
	}
}
