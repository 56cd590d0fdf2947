package explain

import (
	"testing"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/replay/replaytest"
	"gmptrace/model"
)

// What happens from the moment on that a connection becomes readable is kept, though it
// shows only later that a handler is called; what happens while it waits for the next
// request is not, though it shows only later that it did.
func TestUnderWay(t *testing.T) {
	const g, ahead = 7, 8
	n := names.NewNumbering()
	stack := func(calls string) uint32 {
		return n.Stack(names.StackFrames{Key: calls, Frames: replaytest.Stack(calls)})
	}
	serve, readAhead := stack("net/http.(*conn).serve"), stack("net/http.(*connReader).backgroundRead")
	next := stack("net/http.(*conn).serve internal/poll.(*FD).Read")
	waits := func(from, to model.Time) model.Facts {
		return model.Facts{Gs: []model.GInterval{{G: g, Func: serve, Stack: next, State: model.GWaiting, Reason: model.ReasonNetwork, Start: from, End: to}}}
	}
	parks := func(at model.Time) model.Facts {
		return model.Facts{Ps: []model.PInterval{{G: g, Func: serve, Stack: next, Does: model.PDoesRun, Stopped: model.OpPark, Reason: model.ReasonNetwork, Start: at - 10, End: at}}}
	}
	handles := model.Facts{Dispatches: []model.Dispatch{{G: ahead, By: g, Func: readAhead, Ready: 500, Time: 510}}}
	ended := 0
	x := &requestFinder{names: &n.Table}
	for i, step := range []struct {
		facts  model.Facts
		oldest model.Time
		ended  int
	}{
		{waits(0, 100), 100, 0},
		{handles, 100, 0},
		{parks(600), replay.Forever, 1},
		{waits(600, 700), 700, 1},
		{parks(750), replay.Forever, 1}, // it began to read, and nothing was there
		{waits(750, 800), 800, 1},
	} {
		x.Find(&step.facts, func(*Span) { ended++ })
		if got := x.oldest(); got != step.oldest || ended != step.ended {
			t.Errorf("step %d: the oldest began at %d, want %d; %d have ended, want %d", i, got, step.oldest, ended, step.ended)
		}
	}
}

// The oldest instance is the one that began first, in whatever order they showed; and what
// has ended takes no memory, however long the oldest one goes on.
func TestOldest(t *testing.T) {
	var u underWay[int]
	u.begin(0, &Span{Start: 20})
	u.begin(1, &Span{Start: 10})
	if got := u.oldest(); got != 10 {
		t.Errorf("the oldest began at %d", got)
	}
	for i := range 10_000 {
		u.begin(2, &Span{Start: model.Time(30 + i)})
		u.end(2, model.Time(31+i))
	}
	if len(u.began) > 3000 || len(u.since.list) > 3000 {
		t.Errorf("%d are listed, and %d by their beginnings", len(u.began), len(u.since.list))
	}
	u.end(1, 50_000)
	if got := u.oldest(); got != 20 {
		t.Errorf("then the oldest began at %d", got)
	}
}

// Who waits for a P may have been started for something that is explained.
func TestBacklog(t *testing.T) {
	var b backlog
	for i, x := range []struct {
		d    model.Dispatch
		want model.Time
	}{
		{model.Dispatch{Time: 100, Ready: 20, WaitedOn: 0, Queue: 3, Runnable: 2}, 20},
		{model.Dispatch{Time: 110, Ready: 60, WaitedOn: 1, Queue: 1, Runnable: 2}, 20},
		{model.Dispatch{Time: 120, Ready: 30, WaitedOn: 0, Queue: 2, Runnable: 1}, 30},
		{model.Dispatch{Time: 130, Ready: 90, WaitedOn: model.NoP, Queue: 2, Runnable: 1}, 30},
		{model.Dispatch{Time: 140, Ready: 139, WaitedOn: 1, Runnable: 1, Idle: 1}, 140}, // a P is idle
	} {
		b.watch(&model.Facts{Dispatches: []model.Dispatch{x.d}})
		if got := b.oldest(); got != x.want {
			t.Errorf("after dispatch %d they wait since %d, want %d", i, got, x.want)
		}
	}
}
