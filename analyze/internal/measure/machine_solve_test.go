package measure

import (
	"math/rand/v2"
	"slices"
	"testing"

	"gmptrace/analyze/machine"
)

// TestSettle holds settle and throttle to what they do when they look at all samples
// before, at each.
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

		m := &Machine{}
		sums := make([]sampleSum, r.IntN(30))
		ns := int64(0)
		for k := range sums {
			sums[k].waited = r.Int64N(10) * r.Int64N(2)
			ns += r.Int64N(30) * r.Int64N(2)
			m.sums = append(m.sums, machine.Sample{Throttled: &machine.Throttled{NS: ns}})
			if r.IntN(8) == 0 {
				m.sums[k].Throttled = nil
			}
		}
		plain := slices.Clone(sums)
		m.throttle(sums)
		m.throttlePlainly(plain)
		if !slices.Equal(sums, plain) {
			t.Fatalf("got  %v\nwant %v", sums, plain)
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

func (m *Machine) throttlePlainly(sums []sampleSum) {
	for k := 1; k < len(sums); k++ {
		now, was := m.sums[k].Throttled, m.sums[k-1].Throttled
		if now == nil || was == nil {
			continue
		}
		took := now.NS - was.NS
		for j := k; j >= 0 && took > 0; j-- {
			part := min(took, sums[j].waited-sums[j].quota)
			sums[j].quota += part
			took -= part
		}
	}
}
