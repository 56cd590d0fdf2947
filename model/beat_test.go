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
			b := beaten(n, turn, 30, 25, 100) // too faint to be sure, but nearer than nothing
			at, sure := b.hear()
			if off := min((at-turn+TickPeriod)%TickPeriod, (turn-at+TickPeriod)%TickPeriod); off > TickPeriod/6 || b.votes(sure, false) == 0 {
				t.Errorf("batches of %d, turn at %d, very faint: heard at %d, sure by %.1f", n, turn, at, sure)
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

// TestBeatVotes: the likeliest phase is supposed where none is known, after a while; another one
// than is known has to be likely.
func TestBeatVotes(t *testing.T) {
	early, late := &beat{n: 2, all: beatLeast}, &beat{n: 2, all: beatGuess}
	for _, x := range []struct {
		of    *beat
		sure  float64
		known bool
		want  int
	}{
		{early, 0, false, 0}, {early, beatLikely, true, votesKnown - 1}, {early, beatSure, true, votesKnown},
		{late, 0, false, 1}, {late, 0, true, 0}, {late, beatLikely, false, votesKnown - 1},
	} {
		if got := x.of.votes(x.sure, x.known); got != x.want {
			t.Errorf("%d dispatches, sure by %v, known %v: %d votes, want %d", x.of.all, x.sure, x.known, got, x.want)
		}
	}
}
