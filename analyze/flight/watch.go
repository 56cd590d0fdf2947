package flight

import (
	"context"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/metrics"
	"runtime/trace"
	"strconv"
	"strings"
	"time"

	"gmptrace/analyze/machine"
)

// Each is told anew each second, for whoever reads only the end of it.
const anew = time.Second

// watch samples the machine, looks at the runtime's metrics each second, and takes
// snapshots by chance.
func (r *Recorder) watch() {
	defer r.running.Done()
	second := time.NewTicker(anew)
	defer second.Stop()
	sample, sampler := r.sampling()
	if sampler != nil {
		defer sampler.Close()
	}
	chance := by(r.config.Baseline)
	limits := newLimits(r.config)
	for all := true; ; {
		select {
		case <-r.stop:
			return
		case <-sample:
			tellSample(sampler, all)
			all = false
		case <-second.C:
			all = true
			if t, over := limits.over(); over {
				r.ask(t)
			}
		case <-chance:
			r.ask(trigger{kind: "baseline", always: true})
			chance = by(r.config.Baseline)
		}
	}
}

// sampling begins to sample, where the machine can be asked.
func (r *Recorder) sampling() (<-chan time.Time, *machine.Sampler) {
	if r.config.Sample < 0 {
		return nil, nil
	}
	s, err := machine.NewSampler(0)
	if err != nil {
		return nil, nil // nothing is lost but the machine's side: reports say that it is missing
	}
	return time.Tick(r.config.Sample), s
}

// tellSample logs a sample into the trace, with all that it counts from if asked for.
func tellSample(s *machine.Sampler, all bool) {
	if !trace.IsEnabled() {
		return
	}
	if all {
		host := s.Begin()
		note(append(host, machine.Record{Go: settings(host)})...)
	}
	if x, err := s.Sample(all); err == nil {
		note(machine.Record{Sample: x})
	}
}

// note logs records into the trace, each line a message.
func note(all ...machine.Record) {
	var lines []byte
	for _, rec := range all {
		lines = machine.Append(lines, rec)
	}
	for line := range strings.Lines(string(lines)) {
		trace.Log(context.Background(), machine.Category, strings.TrimSuffix(line, "\n"))
	}
}

// settings is how the runtime is set, on a machine that was told of.
func settings(host []machine.Record) *machine.Go {
	g := &machine.Go{GOMAXPROCS: int64(runtime.GOMAXPROCS(0)), GOGC: -1}
	if percent := read("/gc/gogc:percent"); percent <= math.MaxInt32 { // else it is off
		g.GOGC = int64(percent)
	}
	if limit := read("/gc/gomemlimit:bytes"); limit < math.MaxInt64 { // else there is none
		g.GOMEMLIMIT = int64(limit)
	}
	g.Source = source(g.GOMAXPROCS, int64(runtime.NumCPU()), os.Getenv("GOMAXPROCS"), quotaOf(host))
	return g
}

// quotaOf is the quota among records, nil where the machine did not tell of any group.
func quotaOf(host []machine.Record) *machine.Quota {
	for _, rec := range host {
		if rec.Quota != nil {
			return rec.Quota
		}
	}
	return nil
}

// source is where a number of Ps comes from, which the runtime does not say: the first that
// leads to it of what it goes by. Since Go 1.25 it takes the quota, rounded up and 2 at the
// least, where that is less than the CPUs. It is "" where a quota may be unseen.
func source(procs, cpus int64, env string, q *machine.Quota) string {
	switch {
	case env == strconv.FormatInt(procs, 10):
		return "env"
	case procs == cpus:
		return "cpus"
	case q != nil && q.CPU > 0 && procs < cpus && float64(procs) == max(2, math.Ceil(q.CPUs())):
		return "quota"
	case q != nil || procs > cpus:
		return "set"
	}
	return ""
}

// read reads a metric that is one number.
func read(name string) float64 {
	s := []metrics.Sample{{Name: name}}
	metrics.Read(s)
	switch s[0].Value.Kind() {
	case metrics.KindUint64:
		return float64(s[0].Value.Uint64())
	case metrics.KindFloat64:
		return s[0].Value.Float64()
	}
	return 0
}

// by waits for a time that chance chooses, of this mean; for ever if 0.
func by(mean time.Duration) <-chan time.Time {
	if mean <= 0 {
		return nil
	}
	return time.After(time.Duration(rand.ExpFloat64() * float64(mean)))
}

// limits are those of the runtime's metrics.
type limits struct {
	config  Config
	waits   []uint64 // of /sched/latencies, as read last
	gc, all float64  // CPU seconds, likewise
}

func newLimits(c Config) *limits {
	l := &limits{config: c}
	l.over() // what came before does not count
	return l
}

// over looks at the metrics, and says which has passed its limit since it looked last.
func (l *limits) over() (t trigger, over bool) {
	t = trigger{kind: "metric"}
	if limit := l.config.SchedLatency; limit > 0 {
		if p99 := l.latency(); p99 >= limit {
			t.name, t.took, over = "sched latency", p99, true
		}
	}
	if limit := l.config.Runnable; limit > 0 && read("/sched/goroutines/runnable:goroutines") >= float64(limit) {
		t.name, over = "runnable", true
	}
	if limit := l.config.GCShare; limit > 0 && l.collector() >= limit {
		t.name, over = "gc", true
	}
	return t, over
}

// latency is the p99 of the waits for a P since it was asked for last: the upper bound
// of the class that it lies in.
func (l *limits) latency() time.Duration {
	s := []metrics.Sample{{Name: "/sched/latencies:seconds"}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindFloat64Histogram {
		return 0
	}
	h := s[0].Value.Float64Histogram()
	was := l.waits
	l.waits = append([]uint64(nil), h.Counts...)
	if len(was) != len(h.Counts) {
		return 0
	}
	var n uint64
	for i, c := range h.Counts {
		n += c - was[i]
	}
	above := uint64(0)
	for i := len(h.Counts) - 1; i >= 0 && n > 0; i-- {
		if above += h.Counts[i] - was[i]; above*100 >= n {
			return seconds(h.Buckets[i], h.Buckets[i+1])
		}
	}
	return 0
}

// seconds is the upper bound of a class, or the lower one of the last, which has none.
func seconds(from, to float64) time.Duration {
	if math.IsInf(to, 1) {
		to = from
	}
	return time.Duration(to * float64(time.Second))
}

// collector is its share of CPU time since it was asked for last.
func (l *limits) collector() float64 {
	gc, all := read("/cpu/classes/gc/total:cpu-seconds"), read("/cpu/classes/total:cpu-seconds")
	was, wasAll := l.gc, l.all
	l.gc, l.all = gc, all
	if all <= wasAll {
		return 0
	}
	return (gc - was) / (all - wasAll)
}
