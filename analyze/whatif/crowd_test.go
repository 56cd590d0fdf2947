package whatif

import (
	"math"
	"testing"

	"gmptrace/model"
)

// crowdOf are a goroutine that computes a piece 40 times, every second time beside another one,
// by what each takes alone and beside it.
func crowdOf(alone, amid func(i int) int64) *workloads {
	c := &workloads{}
	own, other := &gWork{fn: 1}, &gWork{fn: 2}
	at := model.Time(0)
	for i := range 40 {
		took := model.Time(alone(i))
		if i%2 == 1 {
			took = model.Time(amid(i))
			other.step(ownRun, at, at+took)
			other.stand(ownBlock, 9, at+took, at+took+1)
		}
		own.step(ownRun, at, at+took)
		own.stand(ownBlock, 7, at+took, at+took+1_000)
		at += took + 1_000
	}
	c.order = []*gWork{own, other}
	return c
}

// TestCrowd: what a piece takes beside others and alone tells what others cost it, unless it is
// of several kinds.
func TestCrowd(t *testing.T) {
	length := func(s ownAt) int64 { return int64(s.to - s.from) }
	is := func(ns int64) func(int) int64 { return func(i int) int64 { return ns + int64(i%5)*1_000 } }
	x := crowdOf(is(400_000), is(600_000)).crowded(length)
	if x == nil || math.Abs(x.more-.5) > .02 {
		t.Fatalf("%+v, want that computing beside others takes half as long again", x)
	}
	if got := x.alone(0, 400_000, 400_000); got != 400_000 {
		t.Errorf("what was alone takes %d alone, want as long", got)
	}
	if from := model.Time(401_000); x.alone(from, from+600_000, 600_000) > 405_000 {
		t.Errorf("what took 600 µs beside another takes %d alone, want about 400 µs", x.alone(from, from+600_000, 600_000))
	}
	kinds := func(i int) int64 { return 200_000 + int64(i%4/2)*800_000 }
	for name, c := range map[string]*workloads{"no longer beside others": crowdOf(is(400_000), is(400_000)), "of several kinds": crowdOf(kinds, is(600_000))} {
		if x := c.crowded(length); x != nil && x.more > .02 {
			t.Errorf("%s: others cost %.2f", name, x.more)
		}
	}
}
