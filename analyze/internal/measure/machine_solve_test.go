package measure

import (
	"math/rand/v2"
	"slices"
	"testing"

	"gmptrace/model"
)

// TestSettle holds settle to what it does when it looks at all samples before, at each.
func TestSettle(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var list []account
		var counts []cpuCount
		for k := range int32(r.IntN(30)) {
			if r.IntN(4) > 0 {
				list = append(list, account{k: k, held: r.Int64N(20)})
			}
			if r.IntN(3) > 0 {
				counts = append(counts, cpuCount{k, r.Int64N(8) * r.Int64N(3), r.Int64N(50) * r.Int64N(2)})
			}
		}
		got, want := slices.Clone(list), slices.Clone(list)
		settle(got, counts)
		settlePlainly(want, counts)
		if !slices.Equal(got, want) {
			t.Fatalf("of %v with %v:\ngot  %v\nwant %v", list, counts, got, want)
		}
	}
}

func settlePlainly(list []account, counts []cpuCount) {
	i := 0
	for _, c := range counts {
		for i < len(list) && list[i].k < c.k {
			i++
		}
		at := i - 1
		if i < len(list) && list[i].k == c.k {
			at = i
		}
		run := c.run
		for j := at; j >= 0 && j >= at-1; j-- {
			part := min(run, list[j].spare())
			list[j].ran += part
			run -= part
		}
		for j, wait := at, c.wait; j >= 0 && wait > 0; j-- {
			wait -= list[j].wait(wait)
			if list[j].ran > 0 && j < at {
				break
			}
		}
	}
}

// TestWanted: what threads waited for lies where it does if each wait is followed back
// sample by sample, and a wait takes as many steps in twice as many samples.
func TestWanted(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		m := &Machine{}
		for at := r.Int64N(5); len(m.bounds) < 2+r.IntN(30); at += 1 + r.Int64N(9) {
			m.bounds = append(m.bounds, model.Time(at))
		}
		got, want, whole := make([]sampleSum, len(m.bounds)), make([]sampleSum, len(m.bounds)), make([]int64, len(m.bounds)+1)
		for range r.IntN(20) {
			c := cpuCount{k: int32(r.IntN(len(m.bounds))), wait: r.Int64N(60)}
			m.wanted(got, whole, c)
			for k, wait := int(c.k), c.wait; k > 0 && wait > 0; k-- {
				part := min(wait, int64(m.bounds[k]-m.bounds[k-1]))
				want[k].wants += part
				wait -= part
			}
		}
		m.wantedWhole(got, whole)
		if !slices.Equal(got, want) {
			t.Fatalf("samples at %v:\ngot  %v\nwant %v", m.bounds, got, want)
		}
	}
	if once, twice := wantedSteps(1000), wantedSteps(2000); once == 0 || twice > once {
		t.Errorf("a wait changes %d sums of 1000 samples, %d of 2000", once, twice)
	}
}

// wantedSteps is how many sums a wait changes that began before all of n samples.
func wantedSteps(n int) (steps int) {
	m := &Machine{}
	for k := range n {
		m.bounds = append(m.bounds, model.Time(k))
	}
	sums, whole := make([]sampleSum, n), make([]int64, n+1)
	m.wanted(sums, whole, cpuCount{k: int32(n - 1), wait: maxCounts})
	for k := range n {
		if sums[k].wants != 0 || whole[k] != 0 {
			steps++
		}
	}
	return steps
}

// TestWantedHostile: waits beyond all measure are no negative ones.
func TestWantedHostile(t *testing.T) {
	m := &Machine{bounds: []model.Time{0, 1 << 61}}
	sums, whole := make([]sampleSum, 2), make([]int64, 3)
	for range 100 {
		m.wanted(sums, whole, cpuCount{k: 1, wait: 1 << 62})
	}
	if m.wantedWhole(sums, whole); sums[1].wants <= 0 {
		t.Errorf("%d ns", sums[1].wants)
	}
}
