package simulate

// Result is what a simulation found. Lengths are in nanoseconds.
type Result struct {
	Makespan  int64   // until the last of the program's goroutines stopped running
	QueueMean float64 // goroutines runnable, on average over the makespan
	QueuePeak int
	Idle      int64 // of all Ps together, up to the makespan
	Busy      int64 // of all Ps together: time in which goroutines ran
	LockWait  int64 // waited for the lock of the queue, of all threads together
	Assisted  int64 // marked by goroutines that allocate

	Events      int64 // steps, wake-ups, creations and dispatches
	Dispatches  int64
	Steals      int64
	Handoffs    int64 // Ps given on out of system calls
	Preemptions int64
	Overflows   int64   // of full rings
	TickPulls   int64   // from the global queue at its turn
	Unfinished  int     // goroutines of the program that never ended
	Piled       float64 // the share of a Station's jobs that waited at once, at the most; 0 where those were few

	Timeline Timeline
	Fates    []Fate               // by goroutine, if Config.Fates
	Episodes [NumTroubles]Episode // if Config.Observe
	Scenes   []Scene              // of Config.Scenes, as far as the run came
	Locked   int64                // operations on a queue's lock

	depth int64 // runnable goroutines times ns
}

// Fate is what became of one goroutine.
type Fate struct {
	End  int64 // when it ended; 0 if it did not
	Wait int64 // its longest wait from ready to running
}

// TimelineBins is how many stretches of equal length a Timeline has at most.
const TimelineBins = 256

// Timeline is what happened when, in at most TimelineBins stretches of Width ns.
type Timeline struct {
	Width   int64
	Running []int64 // by stretch: Ps with a goroutine, times ns
	Waiting []int64 // by stretch: runnable goroutines, times ns
}

// NewTimeline is one of nothing.
func NewTimeline() Timeline { return Timeline{Width: 1 << 10} }

func newResult() *Result { return &Result{Timeline: NewTimeline()} }

// pass counts a length of time in which nothing changed.
func (r *Result) pass(from, d int64, running, runnable int) {
	r.depth += d * int64(runnable)
	r.Busy += d * int64(running)
	r.QueuePeak = max(r.QueuePeak, runnable)
	r.Timeline.Add(from, d, running, runnable)
}

// Add counts d ns, from the given time on, in which so many Ps ran goroutines
// and so many goroutines waited.
func (t *Timeline) Add(from, d int64, running, waiting int) {
	for from+d > t.Width*TimelineBins {
		t.halve()
	}
	for d > 0 {
		i := int(from / t.Width)
		part := min(d, t.Width*int64(i+1)-from)
		for i >= len(t.Running) {
			t.Running, t.Waiting = append(t.Running, 0), append(t.Waiting, 0)
		}
		t.Running[i] += part * int64(running)
		t.Waiting[i] += part * int64(waiting)
		from += part
		d -= part
	}
}

// halve makes each stretch twice as long.
func (t *Timeline) halve() {
	t.Width *= 2
	n := (len(t.Running) + 1) / 2
	for i := range n {
		a, b := t.Running[2*i], t.Waiting[2*i]
		if 2*i+1 < len(t.Running) {
			a += t.Running[2*i+1]
			b += t.Waiting[2*i+1]
		}
		t.Running[i], t.Waiting[i] = a, b
	}
	t.Running, t.Waiting = t.Running[:n], t.Waiting[:n]
}

func (s *sim) finish() *Result {
	r := s.res
	for t := range NumTroubles {
		s.over(t)
	}
	for i := range s.ps {
		if s.ps[i].does == pIdle && s.ps[i].idleFrom < r.Makespan {
			r.Idle += r.Makespan - s.ps[i].idleFrom
		}
	}
	if r.Makespan > 0 {
		r.QueueMean = float64(r.depth) / float64(max(s.now, r.Makespan))
	}
	r.Busy = max(r.Busy-s.gaps, 0)
	r.Unfinished, r.Piled = s.live, s.piled()
	return r
}
