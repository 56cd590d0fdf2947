package perfetto

import "gmptrace/model"

// gauges are the tracks of what is counted: the heap, runnable goroutines, busy Ps.
type gauges struct {
	*exporter
	seq                        *sequence
	live, goal, runnable, busy uint64
	busyPs                     []bool
	nBusy                      int64
	told                       [2]int64 // the values of runnable and busy, -1 for none yet
}

func newGauges(x *exporter) *gauges {
	c := &gauges{exporter: x, told: [2]int64{-1, -1}}
	counter := func(name string, unit uint64) uint64 {
		c.rank++
		return x.w.declare(track{parent: processTrack, name: name, counting: true, unit: unit, rank: c.rank})
	}
	c.runnable, c.busy = counter("goroutines runnable", unitCount), counter("Ps busy", unitCount)
	c.live, c.goal = counter("heap live", unitBytes), counter("heap goal", unitBytes)
	c.seq = x.w.sequence(0)
	return c
}

func (c *gauges) event(ev *model.Event) {
	if !c.session.Window.Holds(ev.Time) {
		return
	}
	switch ev.Op {
	case model.OpHeapAlloc:
		c.seq.count(ev.Time, c.live, ev.Arg)
	case model.OpHeapGoal:
		c.seq.count(ev.Time, c.goal, ev.Arg)
	}
}

// depth tells how many goroutines are runnable.
func (c *gauges) depth(d *model.Depth) {
	c.tell(0, c.runnable, d.Time, int64(d.N))
}

// begun tells how many Ps run a goroutine, or are held by one in a system call.
func (c *gauges) begun(b *model.Beginning) {
	if b.P < 0 {
		return
	}
	for int(b.P) >= len(c.busyPs) {
		c.busyPs = append(c.busyPs, false)
	}
	busy := b.Does == model.PDoesRun || b.Does == model.PDoesSyscall
	if c.busyPs[b.P] == busy {
		return
	}
	c.busyPs[b.P] = busy
	if busy {
		c.nBusy++
	} else {
		c.nBusy--
	}
	if b.End >= c.session.Window.From {
		c.tell(1, c.busy, max(b.Start, c.seq.at), c.nBusy)
	}
}

// tell writes a value if it is another one than before.
func (c *gauges) tell(i int, track uint64, at model.Time, v int64) {
	if c.told[i] != v {
		c.told[i] = v
		c.seq.count(at, track, v)
	}
}
