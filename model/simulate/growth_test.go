package simulate

import (
	"reflect"
	"runtime"
	"testing"
)

// TestRoom: a simulation in the room of another finds the same, and takes hardly any memory
// by the number of goroutines.
func TestRoom(t *testing.T) {
	const n = 20_000
	w, other := large(n), large(n+5000)
	cfg := DefaultConfig(4)
	want := Run(w, cfg)
	cfg.Room = &Room{}
	Run(other, cfg)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := Run(w, cfg)
	runtime.ReadMemStats(&after)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("in the room of another: %+v, want %+v", got, want)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 24*n {
		t.Errorf("%d bytes for %d goroutines", took, n)
	}
}

// TestWokenInVain: who finds the mutex taken that it was woken for is next again, however many
// others wait, without their being moved.
func TestWokenInVain(t *testing.T) {
	x := mutex{holder: 1}
	for gi := range int32(10_000) {
		x.takes(gi+2, 0, 0)
	}
	if moved := testing.AllocsPerRun(10, func() {
		if next := x.frees(); next != 2 {
			t.Fatalf("G%d is next, want G2", next)
		}
		if !x.takes(1, 0, 0) || x.takes(2, 0, 0) {
			t.Fatal("G1 did not pass G2 by")
		}
	}); moved > 0 {
		t.Errorf("%v allocations", moved)
	}
	if x.frees(); x.awoken != 2 {
		t.Errorf("G%d is woken, want G2", x.awoken)
	}
	x.takes(2, 0, 0)
	if next := x.frees(); next != 3 {
		t.Errorf("then G%d, want G3", next)
	}
}

// TestOthersTimers: a P does not look again and again through timers that are due on others.
func TestOthersTimers(t *testing.T) {
	s := newSim(large(4), DefaultConfig(2))
	for gi := range int32(3) {
		s.gs[gi+1].state, s.gs[gi+1].p = gWaiting, 1
		s.slept(gi + 1)
	}
	s.due[0].p = 0 // had it looked, it would run this one
	if took := s.runTimers(0, 0); took != 0 || len(s.due) != 3 {
		t.Errorf("it took %d ns, and left %d", took, len(s.due))
	}
}
