package whatif

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gmptrace/analyze/words"
	"gmptrace/model"
	"gmptrace/model/simulate"
)

// Lesson is what schedulers have trouble with, on the recorded program: Go's, one queue for
// all threads, and a queue for each thread. What does not show there is shown on a program
// that was written for it.
type Lesson struct {
	Recorded  []string  `json:"recorded"` // what Go's scheduler did, in the recorded run
	Effects   []Lecture `json:"effects"`
	Otherwise []string  `json:"otherwise"` // than it is usually told, what Go's scheduler does
}

// Lecture is one trouble, and what Go's scheduler does about it.
type Lecture struct {
	ID       string     `json:"id"`
	Title    string     `json:"title"`
	What     string     `json:"what"`     // the trouble, in general
	Shown    bool       `json:"shown"`    // by the recorded program; else by the textbook's
	Here     string     `json:"here"`     // what it is on the recorded program, with numbers
	Textbook string     `json:"textbook"` // what it is on a program written for it; "" where this one shows it
	Answer   string     `json:"answer"`   // what Go's scheduler does about it
	Threads  []LockCost `json:"threads"`  // of the lock: by a growing number of threads
	Under    string     `json:"under"`    // scheduler of the steps
	Steps    []Step     `json:"steps"`    // what stands where before, at and after the worst moment
	Worst    int        `json:"worst"`    // which of Steps is at the worst moment
}

// LockCost is what the lock of one queue costs with so many threads.
type LockCost struct {
	Threads  int     `json:"threads"`
	Makespan int64   `json:"makespan_ns"`
	Wait     int64   `json:"lock_wait_ns"`    // of all threads together
	Share    float64 `json:"lock_wait_share"` // of the time in which threads ran goroutines or waited for the lock
	Cost     int64   `json:"lock_cost_ns"`    // that one operation is taken to cost with so many threads
	From     string  `json:"lock_cost_from"`  // as of a ScalePoint
}

// Step is what stands where at a moment.
type Step struct {
	At     int64   `json:"at_ns"`
	Text   string  `json:"text"`
	Places []Place `json:"places"` // Ps or threads
	Global int     `json:"global"` // goroutines in the queue of all
	Away   int     `json:"away"`   // goroutines in system calls without a P
}

// Place is a P or a thread.
type Place struct {
	Does  string `json:"does"`
	Queue int    `json:"queue"` // goroutines in its own queue
}

// Limits of what shows a trouble, and of what is drawn.
const (
	lockShown      = .05 // share of threads' time, with as many as are simulated
	strandedShown  = .01 // of the run: goroutines behind a call, on average
	imbalanceShown = .02 // likewise: a queue while another thread is idle
	worseShown     = 2.0 // times as long without the remedy
	mostThreads    = 128
	teachLimit     = 20_000_000 // steps that are simulated
)

// teacher makes a lesson.
type teacher struct {
	w     *prediction
	ctx   context.Context
	procs int
	ran   map[simulate.Scheduler]*simulate.Result // the recorded program, by plain
}

// teach fills in the lesson, with as many Ps as were recorded or the first that were asked for.
func (w *prediction) teach(ctx context.Context) error {
	if !w.set.Teach || w.x.Check.Confidence == ConfidenceNone {
		return nil
	}
	if w.w.Steps*24 > teachLimit {
		return fmt.Errorf("%s: the workload is too large to be simulated that often: take a part of it with --from and --to", w.x.Trace.Name)
	}
	t := &teacher{w: w, ctx: ctx, procs: w.procs, ran: map[simulate.Scheduler]*simulate.Result{}}
	if len(w.set.Procs) > 0 {
		t.procs = w.set.Procs[0]
	}
	l := &Lesson{Recorded: w.asRecorded()}
	for _, lesson := range []func() (Lecture, error){t.lock, t.stranded, t.imbalance, t.starvation, t.monopolist} {
		e, err := lesson()
		if err != nil {
			return fmt.Errorf("%s: %w", w.x.Trace.Name, err)
		}
		l.Effects = append(l.Effects, e)
	}
	l.Otherwise = otherwise
	w.x.Lesson = l
	return nil
}

// otherwise is where Go's scheduler is not what it is usually told to be.
// Source: runtime/proc.go of Go 1.22 to 1.26, schedule, execute, exitsyscall, retake, findRunnable.
var otherwise = []string{
	fmt.Sprintf("Every %dst goroutine comes out of the global queue: counted by each P for itself, and who is started out of runnext does not count, as he goes on with the time slice of who readied him.", model.TickPeriod),
	"A system call gives its P on: at once only where the runtime knows that it blocks. Else sysmon takes the P, after 20 µs at the least, and leaves it for up to 10 ms where nobody waits in its queue and other Ps are idle.",
	"A goroutine whose system call ends goes to any queue: it goes on with its old P if nobody took that, else with an idle one, else to the tail of the global queue.",
	"Who is preempted goes back into its own queue: it goes to the tail of the global one (since Go 1.26 into runnext, if the world is to stop).",
	"The network is looked at last: it is looked at before stealing, and again before a thread parks.",
	"A thief takes half of a queue: rounded up, of the first P with something, in an order by chance; runnext only in the last of four rounds.",
}

// answer says in a sentence which troubles the program shows.
func (l *Lesson) answer() string {
	var shown []string
	for i := range l.Effects {
		if e := &l.Effects[i]; e.Shown {
			shown = append(shown, lessonNames[e.ID])
		}
	}
	if len(shown) == 0 {
		return "This program shows none of what other schedulers have trouble with: the textbook's programs do."
	}
	last := len(shown) - 1
	if last > 0 {
		shown = append(shown[:last-1], shown[last-1]+" and "+shown[last])
	}
	return "This program would show " + strings.Join(shown, ", ") + "; what it does not show is shown on the textbook's programs."
}

// lessonNames are the troubles in few words.
var lessonNames = map[string]string{
	"lock":       "threads that wait for the lock of one queue",
	"stranded":   "goroutines stranded behind system calls",
	"imbalance":  "one long queue beside an idle thread",
	"starvation": "somebody starved in the global queue",
	"monopolist": "one goroutine that keeps its P",
}

// asRecorded says what Go's scheduler did.
func (w *prediction) asRecorded() []string {
	r, l := &w.x.Recorded, &w.c.seen
	return []string{
		fmt.Sprintf("%s ran %s in %s: goroutines were dispatched %s times, and ran for %s of the Ps' time.", words.Plural(int64(w.procs), "P"), words.Plural(int64(len(w.c.order)), "goroutine"), words.Length(r.Makespan), words.Count(l.dispatches), words.Share(r.Utilisation)),
		fmt.Sprintf("%s of these had been stolen from another P, %s came out of the global queue at its turn (every %dst), %s were preempted, and %s system calls gave their P on.", words.Count(r.Steals), words.Count(r.TickPulls), model.TickPeriod, words.Count(r.Preemptions), words.Count(r.Handoffs)),
	}
}

// config is Go's scheduler for the recorded program.
func (t *teacher) config(s simulate.Scheduler, procs int) simulate.Config {
	cfg := simulate.DefaultConfig(procs)
	cfg.Scheduler, cfg.Costs, cfg.CPUs, cfg.Alert, cfg.Seed = s, t.w.costs, t.w.set.CPUs, t.w.rules.SysmonAlert, 1
	t.w.set.Calibration.lockBy(&cfg.Costs, procs)
	t.w.applyParallel(&cfg, parallelUsual)
	return cfg
}

// run simulates, and watches.
func (t *teacher) run(w *simulate.Workload, cfg simulate.Config) (*simulate.Result, error) {
	cfg.Observe = true
	long := false
	cfg.Stop = func(events int64) bool { long = events > enough(w); return long || t.ctx.Err() != nil }
	r := simulate.Run(w, cfg)
	if long {
		return nil, errTooLong
	}
	return r, t.ctx.Err()
}

// plain is the recorded program under a scheduler, simulated once for all that is told of it.
func (t *teacher) plain(s simulate.Scheduler) (*simulate.Result, error) {
	if r := t.ran[s]; r != nil {
		return r, nil
	}
	r, err := t.run(t.w.w, t.config(s, t.procs))
	if err == nil {
		t.ran[s] = r
	}
	return r, err
}

// steps simulates once more, and looks before, at and after the worst moment of a trouble.
func (t *teacher) steps(to *Lecture, w *simulate.Workload, cfg simulate.Config, e *simulate.Episode, say func(simulate.Scene) string) error {
	if e.Peak == 0 {
		return nil
	}
	moments := []int64{max(0, e.From-1), e.From + (e.Worst-e.From)/2, e.Worst, e.To + 1}
	slices.Sort(moments)
	cfg.Scenes = slices.Compact(moments)
	worst := e.Worst
	if to.ID == "starvation" || to.ID == "monopolist" { // at the end of the longest wait it is over
		worst = e.From + (e.Worst-e.From)/2
	}
	r, err := t.run(w, cfg)
	if err != nil {
		return err
	}
	for _, s := range r.Scenes {
		step := Step{At: s.At, Text: say(s), Global: s.Global, Away: s.Away, Places: []Place{}}
		for _, p := range s.Places {
			step.Places = append(step.Places, Place{p.Does, p.Queue})
		}
		if s.At <= worst {
			to.Worst = len(to.Steps)
		}
		to.Steps = append(to.Steps, step)
	}
	return nil
}

// mean is what was counted on average over a run.
func mean(total int64, r *simulate.Result) float64 {
	return float64(total) / float64(max(r.Makespan, 1))
}

// textbook shows a trouble on the program that was written for it: under what has the trouble,
// and under Go's scheduler.
func (t *teacher) textbook(e *Lecture, trouble simulate.Trouble, tell func(bad, good *simulate.Result) string, say func(simulate.Scene) string) error {
	w, about, bad, good, err := simulate.Textbook(trouble)
	if err != nil {
		return err
	}
	if trouble == simulate.Contention {
		bad.Procs, good.Procs = 32, 32
	}
	x, err := t.run(w, bad)
	if err != nil {
		return err
	}
	y, err := t.run(w, good)
	if err != nil {
		return err
	}
	e.Textbook = "The textbook's program shows it. " + about + " " + tell(x, y)
	e.Under = bad.Scheduler.String()
	return t.steps(e, w, bad, &x.Episodes[trouble], say)
}

// waits says how many there are.
func waits(n int) string { return words.Plural(int64(n), "goroutine") }

// lock is contention of the lock of one queue for all threads, by the number of threads.
func (t *teacher) lock() (Lecture, error) {
	e := Lecture{ID: "lock", Title: "One queue for all threads: its lock", Under: simulate.SharedQueue.String(), Threads: []LockCost{}, Steps: []Step{},
		What:   "Every thread that puts a goroutine into the queue, or takes one out, holds its lock meanwhile. The more threads there are, the longer each waits for it.",
		Answer: "Go gives each P a queue of its own, which needs no lock; the global queue is the second one, and whoever takes from it takes a batch."}
	var last *simulate.Result
	var lastCfg simulate.Config
	for n := 1; n <= mostThreads; n *= 2 {
		cfg := t.config(simulate.SharedQueue, n)
		r, err := t.run(t.w.w, cfg)
		if err != nil {
			return e, err
		}
		e.Threads = append(e.Threads, LockCost{Threads: n, Makespan: r.Makespan, Wait: r.LockWait, Share: lockShare(r), Cost: cfg.Costs.Lock.Mean(), From: t.w.set.Calibration.lockFrom(n)})
		last, lastCfg = r, cfg
	}
	own, err := t.run(t.w.w, t.config(simulate.GMP, mostThreads))
	if err != nil {
		return e, err
	}
	e.Here = fmt.Sprintf("With one queue and %d threads, this program's threads wait for its lock for %s of their time (%s in all, %s operations). Go's scheduler with as many Ps takes the global queue's lock %s times, and waits %s for it in all.",
		mostThreads, words.Share(lockShare(last)), words.Length(last.LockWait), words.Count(last.Locked), words.Count(own.Locked), words.Length(own.LockWait))
	if own.LockWait > last.LockWait {
		e.Here += " That is more, as what the network poller and timers find goes to the global queue while Ps are idle, and each P that wakes for it takes from there at once."
	}
	say := func(s simulate.Scene) string {
		text := fmt.Sprintf("%s in the queue of all; %s", waits(s.Global), doing(s, "running", "running one"))
		if s.Lock > 0 {
			text += fmt.Sprintf("; those who stand in line for the lock have it for the next %s", words.Length(s.Lock))
		}
		return text
	}
	if e.Shown = lockShare(last) >= lockShown; e.Shown {
		err = t.steps(&e, t.w.w, lastCfg, &last.Episodes[simulate.Contention], say)
		return e, err
	}
	err = t.textbook(&e, simulate.Contention, func(bad, good *simulate.Result) string {
		return fmt.Sprintf("With 32 threads they wait for the lock for %s of their time; with Go's scheduler for %s.", words.Share(lockShare(bad)), words.Share(lockShare(good)))
	}, say)
	return e, err
}

// lockShare is which share of threads' time goes into waiting for the lock.
func lockShare(r *simulate.Result) float64 {
	return float64(r.LockWait) / float64(max(1, r.Busy+r.LockWait))
}

// doing says how many places do something.
func doing(s simulate.Scene, does, words string) string {
	n := 0
	for _, p := range s.Places {
		if p.Does == does {
			n++
		}
	}
	return fmt.Sprintf("%d of %d threads %s", n, len(s.Places), words)
}

// stranded is goroutines behind one in a system call.
func (t *teacher) stranded() (Lecture, error) {
	e := Lecture{ID: "stranded", Title: "A queue for each thread: who stands behind a system call", Under: simulate.ThreadQueue.String(), Threads: []LockCost{}, Steps: []Step{},
		What:   "A system call stops its thread. Whoever stands in that thread's queue waits until the call returns, though the CPU is free.",
		Answer: "Go takes the P, with its queue, from a thread that is in a system call, and gives it to another thread (handoffp); sysmon does so where the call did not say that it blocks."}
	bad, err := t.plain(simulate.ThreadQueue)
	if err != nil {
		return e, err
	}
	good, err := t.plain(simulate.GMP)
	if err != nil {
		return e, err
	}
	tell := func(bad, good *simulate.Result) string {
		x, y := &bad.Episodes[simulate.Stranded], &good.Episodes[simulate.Stranded]
		return fmt.Sprintf("%s stood behind a call at the worst, from %s to %s; all together goroutines stood so for %s. Under Go's scheduler it is %s, after %s.",
			waits(int(x.Peak)), words.At(x.From), words.At(x.To), words.Length(x.Total), words.Length(y.Total), words.Plural(good.Handoffs, "handoff"))
	}
	say := func(s simulate.Scene) string {
		n := 0
		for _, p := range s.Places {
			if p.Does == "in a system call" {
				n += p.Queue
			}
		}
		return fmt.Sprintf("%s behind a system call; %s", waits(n), doing(s, "in a system call", "in one"))
	}
	x := &bad.Episodes[simulate.Stranded]
	if e.Shown = mean(x.Total, bad) >= strandedShown; e.Shown {
		e.Here = fmt.Sprintf("With a queue for each of %s, ", words.Plural(int64(t.procs), "thread")) + tell(bad, good)
		err = t.steps(&e, t.w.w, t.config(simulate.ThreadQueue, t.procs), x, say)
		return e, err
	}
	e.Here = fmt.Sprintf("This program hardly shows it: with a queue for each of %s its goroutines stand behind system calls for %s in all.", words.Plural(int64(t.procs), "thread"), words.Length(x.Total))
	err = t.textbook(&e, simulate.Stranded, tell, say)
	return e, err
}

// imbalance is a long queue beside a thread that has nothing to do.
func (t *teacher) imbalance() (Lecture, error) {
	e := Lecture{ID: "imbalance", Title: "A queue for each thread: one has all, another none", Under: simulate.ThreadQueue.String(), Threads: []LockCost{}, Steps: []Step{},
		What:   "Goroutines that are bound to a thread's queue stay there, and a thread that has done its own stands idle.",
		Answer: "A P of Go's that runs out of work steals half of another one's queue."}
	bad, err := t.plain(simulate.ThreadQueue)
	if err != nil {
		return e, err
	}
	good, err := t.plain(simulate.GMP)
	if err != nil {
		return e, err
	}
	tell := func(bad, good *simulate.Result) string {
		x := &bad.Episodes[simulate.Imbalance]
		return fmt.Sprintf("%s stood in one queue at the worst while another thread was idle, at %s; on average over the run %s. The run takes %s. Under Go's scheduler it takes %s, with %s.",
			waits(int(x.Peak)), words.At(x.Worst), words.Mean(mean(x.Total, bad)), words.Length(bad.Makespan), words.Length(good.Makespan), words.Plural(good.Steals, "steal"))
	}
	say := func(s simulate.Scene) string {
		most := 0
		for _, p := range s.Places {
			most = max(most, p.Queue)
		}
		return fmt.Sprintf("%s in the longest queue; %s", waits(most), doing(s, "idle", "idle"))
	}
	x := &bad.Episodes[simulate.Imbalance]
	if e.Shown = t.procs > 1 && mean(x.Total, bad) >= imbalanceShown; e.Shown {
		e.Here = fmt.Sprintf("With a queue for each of %s, ", words.Plural(int64(t.procs), "thread")) + tell(bad, good)
		err = t.steps(&e, t.w.w, t.config(simulate.ThreadQueue, t.procs), x, say)
		return e, err
	}
	e.Here = "This program hardly shows it"
	if t.procs == 1 {
		e.Here += ": there is one thread"
	} else {
		e.Here += fmt.Sprintf(": %s in a queue on average while another thread is idle", words.Mean(mean(x.Total, bad)))
	}
	e.Here += "."
	err = t.textbook(&e, simulate.Imbalance, tell, say)
	return e, err
}

// starvation is a global queue that nobody looks at.
func (t *teacher) starvation() (Lecture, error) {
	e := Lecture{ID: "starvation", Title: "Without the 61st tick: who waits in the global queue", Under: simulate.GMP.String(), Threads: []LockCost{}, Steps: []Step{},
		What:   "A P looks into its own queue first. Where that never gets empty, as goroutines hand on to each other, who stands in the global queue waits for ever.",
		Answer: fmt.Sprintf("Every %dst dispatch of a P looks into the global queue first.", model.TickPeriod)}
	without := t.config(simulate.GMP, t.procs)
	without.Tick = 0
	return t.remedy(e, simulate.Starvation, without, "in the global queue", "ticks", func(s simulate.Scene) string {
		return fmt.Sprintf("%s in the global queue; %s", waits(s.Global), queues(s))
	})
}

// monopolist is a goroutine that keeps its P.
func (t *teacher) monopolist() (Lecture, error) {
	e := Lecture{ID: "monopolist", Title: "Without signals: a goroutine that keeps its P", Under: simulate.GMP.String(), Threads: []LockCost{}, Steps: []Step{},
		What:   "A loop without function calls comes by no place where it could be asked to stop: who else wants the P waits for its end.",
		Answer: fmt.Sprintf("After about %s sysmon has a signal sent to the thread (since Go 1.14): the goroutine goes to the global queue.", words.Length(int64(model.TimeSlice)))}
	without := t.config(simulate.GMP, t.procs)
	without.NoAsync = true
	return t.remedy(e, simulate.Monopoly, without, "behind one that ran", "signals", func(s simulate.Scene) string {
		return fmt.Sprintf("%s in the global queue; %s", waits(s.Global), queues(s))
	})
}

// queues says how many stand in queues of Ps.
func queues(s simulate.Scene) string {
	n := 0
	for _, p := range s.Places {
		n += p.Queue
	}
	return fmt.Sprintf("%s in queues of Ps", waits(n))
}

// remedy compares how long somebody waits at the longest with and without what Go's scheduler
// does about it.
func (t *teacher) remedy(e Lecture, trouble simulate.Trouble, without simulate.Config, where, by string, say func(simulate.Scene) string) (Lecture, error) {
	bad, err := t.run(t.w.w, without)
	if err != nil {
		return e, err
	}
	good, err := t.plain(simulate.GMP)
	if err != nil {
		return e, err
	}
	longest := func(r *simulate.Result) string {
		if ns := r.Episodes[trouble].Peak; ns > 0 {
			return "at the longest " + words.Length(ns)
		}
		return "not at all"
	}
	tell := func(bad, good *simulate.Result) string {
		if longest(bad) == longest(good) {
			return fmt.Sprintf("With and without %s somebody waits %s %s.", by, where, longest(bad))
		}
		return fmt.Sprintf("Without %s somebody waits %s %s; with them %s.", by, where, longest(bad), longest(good))
	}
	x, y := bad.Episodes[trouble].Peak, good.Episodes[trouble].Peak
	if e.Shown = x >= model.TimeSlice && float64(x) >= worseShown*float64(y); e.Shown {
		e.Here = tell(bad, good)
		err = t.steps(&e, t.w.w, without, &bad.Episodes[trouble], say)
		return e, err
	}
	e.Here = "This program does not show it. " + strings.Replace(tell(bad, good), "; with them", ", with them", 1)
	err = t.textbook(&e, trouble, tell, say)
	return e, err
}
