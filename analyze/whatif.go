package analyze

import (
	"context"
	"io"

	"gmptrace/model/simulate"
)

// extract reads a trace and takes its workload out.
func extract(ctx context.Context, r io.Reader, opt Options) (*workloads, *run, Trace, error) {
	var c *workloads
	run := &run{begun: func(r *run) {
		c = newWorkloads(r.names, r.replay.window, r.gomaxprocs.zero)
		r.replay.collectors = []collector{r.gomaxprocs, c}
	}}
	defer run.stop()
	tr, err := load(ctx, r, opt, func(b *batch) error { return run.take(b, opt) })
	if err != nil {
		return nil, nil, tr, err
	}
	run.finish()
	return c, run, tr, nil
}

// calibrated are the costs that were measured in the trace, and defaults for
// those of which it has too few.
func (c *workloads) calibrated() simulate.Costs {
	const least = 20
	d := simulate.DefaultCosts()
	m := &c.costs
	d.Switch = m.swtch.Cost("measured: dispatches from the own queue", least, d.Switch)
	d.Global = m.global.Cost("measured: dispatches from the global queue", least, d.Global)
	d.Steal = m.steal.Cost("measured: dispatches of stolen goroutines", least, d.Steal)
	d.Netpoll = m.netpoll.Cost("measured: from a stop to what the poller or a timer had", least, d.Netpoll)
	d.Fresh = m.fresh.Cost("measured: from what the poller or a timer had to its start", least, d.Fresh)
	d.Wake = m.wake.Cost("measured: from a ready to the thread that it woke", least, d.Wake)
	d.Spin = m.spin.Cost("measured: threads that found nothing", least, d.Spin)
	d.Pause = m.next.Cost("measured: thefts of a runnext", least, d.Pause)
	return d
}
