package model

import (
	"math/rand/v2"
	"testing"
)

// TestIDTable does with a table and a map the same, on ids that are dense, that
// move on, and that are far apart.
func TestIDTable(t *testing.T) {
	for name, id := range map[string]func(i int, rnd *rand.Rand) GoID{
		"dense":     func(_ int, rnd *rand.Rand) GoID { return 1 + GoID(rnd.IntN(5000)) },
		"moving on": func(i int, rnd *rand.Rand) GoID { return 1<<40 + GoID(i/8) + GoID(rnd.IntN(300)) },
		"far apart": func(_ int, rnd *rand.Rand) GoID { return GoID(rnd.IntN(20_000)) << 36 },
		"any":       func(_ int, rnd *rand.Rand) GoID { return GoID(rnd.Uint64() >> rnd.IntN(64)) },
	} {
		t.Run(name, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(1, 2))
			table, want := newIDTable(), map[GoID]gref{}
			var ids []GoID
			for i := range 100_000 {
				x := id(i, rnd)
				if got := table.get(x); got != want[x] {
					t.Fatalf("get(%d) = %d, want %d", x, got, want[x])
				}
				if want[x] == 0 {
					want[x] = gref(i + 1)
					table.set(x, want[x])
					ids = append(ids, x)
				}
				if len(ids) > 3000 {
					k := rnd.IntN(len(ids))
					table.remove(ids[k])
					delete(want, ids[k])
					ids[k] = ids[len(ids)-1]
					ids = ids[:len(ids)-1]
				}
				if table.len() != len(want) {
					t.Fatalf("%d ids, want %d", table.len(), len(want))
				}
			}
		})
	}
}

// TestIDTableBounds puts in ids that share no page: most of them must not get one,
// and a crowd of neighbours must have its pages all the same.
func TestIDTableBounds(t *testing.T) {
	const n = 100_000
	table := newIDTable()
	for i := range n {
		table.set(GoID(i)<<20, gref(i+1))
	}
	if most := idPagesFree + n/idPageFill; len(table.pages) > most {
		t.Errorf("%d pages for %d ids that share none, want at most %d", len(table.pages), n, most)
	}
	before := table.paged
	for i := range n {
		table.set(1<<60+GoID(i), gref(i+1))
	}
	if table.paged < before+n-n/20 {
		t.Errorf("%d of %d neighbours are in pages", table.paged-before, n)
	}
}
