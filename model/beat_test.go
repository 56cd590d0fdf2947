package model

import (
	"math/rand"
	"testing"
)

// beaten is the beat of a P whose turn is at a residue, after so many periods in which a
// pull took gap longer, and chance up to as much as noise.
func beaten(n, turn, periods int, gap, noise float64) *beat {
	rnd := rand.New(rand.NewSource(int64(n*100 + turn)))
	b := &beat{n: n}
	for tick := range periods * TickPeriod {
		r := tick % TickPeriod
		d := 100 + float64(rnd.Intn(int(noise)))
		if after := (r - turn + TickPeriod) % TickPeriod; after == 0 || (after-1)%n == 0 {
			d += gap
		}
		b.add(r, d)
	}
	return b
}

// TestBeat: the turn of the global queue is heard where pulls take longer, whatever the
// size of the batches and wherever it is; where they do not, nothing is.
func TestBeat(t *testing.T) {
	for _, n := range []int{2, 3, 4, 5, 6, 10} {
		for turn := 0; turn < TickPeriod; turn += 7 {
			if at, sure := beaten(n, turn, 8, 60, 100).hear(); at != turn || sure < beatSure {
				t.Errorf("batches of %d, turn at %d: heard at %d, sure by %.1f", n, turn, at, sure)
			}
			if at, sure := beaten(n, turn, 300, 25, 100).hear(); at != turn || sure < beatLikely {
				t.Errorf("batches of %d, turn at %d, faint: heard at %d, sure by %.1f", n, turn, at, sure)
			}
			if _, sure := beaten(n, turn, 300, 0, 100).hear(); sure >= beatLikely {
				t.Errorf("batches of %d, no gap: sure by %.1f", n, sure)
			}
		}
	}
}

// TestBeatEmpty: a beat with residues that nothing is known of tells nothing.
func TestBeatEmpty(t *testing.T) {
	b := &beat{n: 2}
	for r := range TickPeriod - 1 {
		b.add(r, float64(100+r))
	}
	if at, sure := b.hear(); at != 0 || sure != 0 {
		t.Errorf("heard at %d, sure by %.1f", at, sure)
	}
}
