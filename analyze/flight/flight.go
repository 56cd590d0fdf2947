package flight

import (
	"errors"
	"fmt"
	"log"
	"os"
	"runtime/trace"
	"sync"
	"sync/atomic"
	"time"
)

// Config is how a Recorder works. The zero value of each field but Dir is a sensible
// choice.
type Config struct {
	// Dir is the folder that snapshots are written to; it is made if need be.
	Dir string
	// Quota is how many bytes all snapshots in Dir may have together: the oldest are
	// removed. 256 MiB if 0.
	Quota int64
	// Every is the least time between two snapshots that a trigger asks for: further
	// ones are dropped, and counted. One minute if 0.
	Every time.Duration

	// MinAge is how far back a snapshot reaches. 5 s if 0. MaxBytes wins over it.
	MinAge time.Duration
	// MaxBytes is about how large a snapshot may be. 16 MiB if 0.
	MaxBytes uint64
	// Recorder is one that the program has started itself: only one may run in a
	// process. MinAge and MaxBytes are its own then, and Close leaves it running.
	Recorder *trace.FlightRecorder

	// Sample is how often the machine's counters are read. 10 ms if 0, never if
	// negative. A sample takes 1.5 µs for each thread.
	Sample time.Duration

	// Slow is what makes Observe take a snapshot. Never if 0.
	Slow time.Duration
	// SchedLatency is a limit of the p99, over a second, of the time that goroutines
	// wait for a P (/sched/latencies). None if 0.
	SchedLatency time.Duration
	// Runnable is a limit of the goroutines that wait for a P at one moment
	// (/sched/goroutines/runnable, since Go 1.26). None if 0.
	Runnable int
	// GCShare is a limit of the collector's share of CPU time, from 0 to 1, over a
	// second in which a cycle ended. None if 0.
	GCShare float64
	// Baseline is the mean time between two snapshots that are taken by chance. None if
	// 0. Every does not hold for them.
	Baseline time.Duration

	// Name stands in snapshots' names, for the program's instance. The host's name
	// if empty.
	Name string
	// Allow says who may use Handler, beside peers on this machine. Nobody if nil.
	Allow func(peer string) bool
	// Log is told what went wrong: a snapshot that could not be written. The standard
	// logger if nil.
	Log func(format string, args ...any)
}

// The choices for what Config leaves open.
const (
	defaultQuota    = 256 << 20
	defaultEvery    = time.Minute
	defaultMinAge   = 5 * time.Second
	defaultMaxBytes = 16 << 20
	defaultSample   = 10 * time.Millisecond
)

// Recorder keeps the last seconds of the program. Its methods may be called by several
// goroutines at once. A nil one does nothing.
type Recorder struct {
	config Config
	flight *trace.FlightRecorder
	ours   bool // flight is: Close stops it
	build  string

	mu      sync.Mutex
	closed  bool
	pending *pending  // that is being written
	last    time.Time // when a trigger's snapshot was written last
	work    chan *pending
	stop    chan struct{}
	running sync.WaitGroup

	dropped atomic.Int64
}

// Start begins to record. It fails where Dir cannot be used, and where another flight
// recorder runs that Config.Recorder does not name.
func Start(c Config) (*Recorder, error) {
	c.complete()
	r := &Recorder{config: c, flight: c.Recorder, build: buildID(), work: make(chan *pending, 1), stop: make(chan struct{})}
	if c.Dir == "" {
		return nil, errors.New("flight: Config.Dir is empty: name a folder for snapshots")
	}
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("flight: the folder for snapshots: %w", err)
	}
	r.clean()
	if r.flight == nil {
		r.ours = true
		r.flight = trace.NewFlightRecorder(trace.FlightRecorderConfig{MinAge: c.MinAge, MaxBytes: c.MaxBytes})
		if err := r.flight.Start(); err != nil {
			return nil, fmt.Errorf("flight: %w; one that the program has started itself is given as Config.Recorder", err)
		}
	} else if !r.flight.Enabled() {
		return nil, errors.New("flight: Config.Recorder has not been started")
	}
	r.running.Add(2) // not by Go: goroutines are told apart by what they start with
	go r.write()
	go r.watch()
	return r, nil
}

func (c *Config) complete() {
	def(&c.Quota, defaultQuota)
	def(&c.Every, defaultEvery)
	def(&c.MinAge, defaultMinAge)
	def(&c.MaxBytes, defaultMaxBytes)
	def(&c.Sample, defaultSample)
	if c.Name == "" {
		c.Name, _ = os.Hostname()
	}
	if c.Log == nil {
		c.Log = log.Printf
	}
}

// def sets what was left open.
func def[T comparable](x *T, choice T) {
	var open T
	if *x == open {
		*x = choice
	}
}

// Close stops recording, after the snapshot that is being written. None of its
// goroutines is left then. It may be called more than once.
func (r *Recorder) Close() error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	was := r.closed
	r.closed = true
	r.mu.Unlock()
	if !was {
		close(r.stop)
		close(r.work)
	}
	r.running.Wait()
	if !was && r.ours {
		r.flight.Stop()
	}
	return nil
}

// Dropped is how many snapshots were asked for by triggers that came too soon after
// another, or while one was being written.
func (r *Recorder) Dropped() int64 {
	if r == nil {
		return 0
	}
	return r.dropped.Load()
}
