package model_test

import (
	"fmt"
	"math/rand"
	"testing"

	"gmptrace/fixtures/scenario"
	"gmptrace/model"
)

// TestWalks steps the model through random, lawful schedules of two Ps: mostly
// Gosched, with goroutines taken from anywhere near the front of what is queued,
// as threads that stall make it look. It reaches corners of the queues (runs of
// holes, batches seen late, suppositions refuted) that neither recordings nor
// FuzzSched, whose events are mostly unlawful, come to soon. Nothing panics, and
// the invariants hold.
func TestWalks(t *testing.T) {
	for seed := range int64(5000) {
		events := walk(rand.New(rand.NewSource(seed)))
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) { replay(t, events) }) {
			t.Fatalf("events:\n%q", events)
		}
	}
}

// walk is a random schedule, as lines of a scenario.
func walk(rnd *rand.Rand) []string {
	lines := []string{"gomaxprocs n=2"}
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	running := [2]int{1, 2}
	for p, g := range running {
		add("status-p q=%d m=%d p=%d state=held", p, p, p)
		add("status-g g=%d m=%d p=%d by=%d state=running", g, p, p, g)
	}
	var queued []int
	for g := 3; g < 7+rnd.Intn(6); g++ {
		add("newproc g=%d p=0 m=0 by=1", g)
		queued = append(queued, g)
	}
	for range 8 + rnd.Intn(30) {
		p := rnd.Intn(2)
		if g := running[p]; g != 0 {
			stop, dt := "gosched", []int{10, 100, 3000, 100000, 1000, 1000, 1000, 1000}[rnd.Intn(8)]
			if rnd.Intn(8) == 0 {
				stop = "goyield"
			}
			add("%s g=%d p=%d m=%d dt=%d", stop, g, p, p, dt)
			queued = append(queued, g)
			running[p] = 0
			continue
		}
		k := min(len(queued)-1, rnd.Intn(4)*rnd.Intn(2))
		running[p] = queued[k]
		queued = append(queued[:k], queued[k+1:]...)
		add("execute g=%d p=%d m=%d", running[p], p, p)
	}
	return lines
}

// replay steps the model through events and holds it to the validator.
func replay(t *testing.T, lines []string) {
	var in scenario.Reader
	s := model.New(model.RulesFor(26), 0)
	v := model.NewValidator(t)
	for _, line := range lines {
		ev, err := in.Parse(line)
		if err != nil {
			t.Fatal(err)
		}
		v.Before(&ev)
		s.Step(&ev)
	}
	for s.DecideOne() {
		v.State(s)
	}
	s.Close()
	v.After(s)
	v.Lives()
}
