package measure

import (
	"math/rand/v2"
	"slices"
	"testing"
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
