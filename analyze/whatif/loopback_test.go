package whatif

import (
	"slices"
	"testing"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/model"
	"gmptrace/model/simulate"
)

// sending are names with stack 1 in a system call that sends, and 2 in one that does
// not.
func sending() *names.Table {
	return &names.Table{Stacks: [][]report.Frame{nil, {{Func: "syscall.write"}, {Func: "internal/poll.(*FD).Write"}}, {{Func: "syscall.read"}}}}
}

const us = model.Time(1000)

// matchOf matches and returns who is taken to have ended each wait: -1 for nobody.
func matchOf(l *loopback) []int {
	l.match()
	var by []int
	for i := range l.waits {
		if k := l.waits[i].by; k < 0 {
			by = append(by, -1)
		} else {
			by = append(by, int(l.sends[k].g))
		}
	}
	return by
}

// TestLoopbackOrder: goroutines 1, 2 and 3 send to 11, 12 and 13, which one look at
// the network finds ready. The poller's list is a stack: the last one is run first,
// and readied after the others, which come in reverse order.
func TestLoopbackOrder(t *testing.T) {
	l := &loopback{names: sending()}
	for round := range model.Time(3) {
		at := round * 1000 * us
		for g := range model.Time(3) {
			l.sends = append(l.sends, sent{from: at + (10+g*10)*us, to: at + (15+g*10)*us, g: uint32(1 + g)})
		}
		for i, g := range []uint32{12, 11, 13} {
			l.waits = append(l.waits, netWait{from: at, to: at + 50*us + model.Time(i)*200, idle: noTime, g: g})
		}
	}
	if got, want := matchOf(l), []int{2, 1, 3, 2, 1, 3, 2, 1, 3}; !slices.Equal(got, want) {
		t.Errorf("matched %v, want %v", got, want)
	}
}

// TestLoopbackOutside: what ended these waits did not come from goroutine 1, which
// sends now and then: a thread had waited for the network long after that, or nothing
// was sent while the wait lasted.
func TestLoopbackOutside(t *testing.T) {
	l := &loopback{names: sending()}
	for round := range model.Time(4) {
		at := round * 10_000 * us
		l.sends = append(l.sends, sent{from: at + 10*us, to: at + 15*us, g: 1})
		l.waits = append(l.waits,
			netWait{from: at, to: at + 900*us, idle: at + 400*us, g: 11},
			netWait{from: at + 20*us, to: at + 5_000*us, idle: noTime, g: 12})
	}
	if got := matchOf(l); slices.ContainsFunc(got, func(g int) bool { return g >= 0 }) {
		t.Errorf("matched %v, want nothing", got)
	}
}

// TestLoopbackOnlySender: goroutine 1 sends to many, of whom a look finds fewer than
// there are: the order does not tell, but nobody else sent.
func TestLoopbackOnlySender(t *testing.T) {
	l := &loopback{names: sending()}
	for round := range model.Time(3) {
		at := round * 1000 * us
		for k := range model.Time(4) {
			l.sends = append(l.sends, sent{from: at + (10+k*10)*us, to: at + (15+k*10)*us, g: 1})
		}
		for k := range uint32(3) {
			l.waits = append(l.waits, netWait{from: at, to: at + 60*us + model.Time(k)*200, idle: noTime, g: 11 + k})
		}
	}
	if got := matchOf(l); slices.Contains(got, -1) {
		t.Errorf("matched %v, want all by 1", got)
	}
}

// TestLoopbackWorkload: G1 sends to G2 and computes for 20 µs; G2, which one P finds
// only then, computes for 30 µs. Two Ps do that at once. G2 then waits for G1's wake:
// the second of its waits that goroutines end.
func TestLoopbackWorkload(t *testing.T) {
	c := newWorkloads(&replay.Session{Names: sending(), Window: &replay.Window{From: 0, To: replay.Forever}})
	var f model.Facts
	const rounds = 3
	for r := range model.Time(rounds) {
		at := r * 100 * us
		first := r == 0
		f.Gs = append(f.Gs,
			model.GInterval{G: 1, State: model.GRunning, Start: at, End: at + 5*us, By: model.NoG, First: first, Open: model.OpenStart},
			model.GInterval{G: 1, State: model.GSyscall, Start: at + 5*us, End: at + 10*us, By: model.NoG, Stack: 1},
			model.GInterval{G: 1, State: model.GRunning, Start: at + 10*us, End: at + 30*us, By: model.NoG},
			model.GInterval{G: 2, State: model.GWaiting, Reason: model.ReasonNetwork, Start: at, End: at + 30*us, By: model.NoG, First: first, Open: model.OpenStart},
			model.GInterval{G: 2, State: model.GRunnable, Start: at + 30*us, End: at + 30*us, By: model.NoG, Woken: true},
			model.GInterval{G: 1, State: model.GWaiting, Reason: model.ReasonChanRecv, Start: at + 30*us, End: at + 60*us, By: 2},
			model.GInterval{G: 2, State: model.GRunning, Start: at + 30*us, End: at + 60*us, By: model.NoG},
			model.GInterval{G: 1, State: model.GRunnable, Start: at + 60*us, End: at + 60*us, By: model.NoG, Woken: true},
			model.GInterval{G: 1, State: model.GRunning, Start: at + 60*us, End: at + 90*us, By: model.NoG},
			model.GInterval{G: 2, State: model.GWaiting, Reason: model.ReasonChanRecv, Start: at + 60*us, End: at + 90*us, By: 1},
			model.GInterval{G: 2, State: model.GRunnable, Start: at + 90*us, End: at + 90*us, By: model.NoG, Woken: true},
			model.GInterval{G: 2, State: model.GRunning, Start: at + 90*us, End: at + 100*us, By: model.NoG, Exit: r == rounds-1})
		if r < rounds-1 {
			f.Gs = append(f.Gs, model.GInterval{G: 1, State: model.GRunning, Start: at + 90*us, End: at + 100*us, By: model.NoG})
		}
	}
	f.Now = rounds * 100 * us
	c.Watch(&f)
	w := c.build()
	if n := c.local.matched(); n != rounds {
		t.Fatalf("%d waits matched, want %d", n, rounds)
	}
	cfg := simulate.DefaultConfig(2)
	cfg.Costs = simulate.Costs{}
	if r := simulate.Run(w, cfg); r.Unfinished != 0 || r.Makespan >= int64(270*us) {
		t.Errorf("2 Ps: %d ns, %d unfinished: want all to end, and sooner than with one P", r.Makespan, r.Unfinished)
	}
}
