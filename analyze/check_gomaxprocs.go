package analyze

import (
	"fmt"

	"gmptrace/model"
)

// checkGomaxprocs measures whether the process got the CPUs that GOMAXPROCS
// promises, as far as a trace shows: it holds neither the number of CPUs nor a
// quota.
//
// Threshold: a standstill is a time of 20 ms with no event at all although two Ps
// or more ran goroutines, or of 25 ms with one: a goroutine is asked to stop after
// between 10 ms and 20 ms, which leaves an event. Eight that end in the same
// fifth of the tenth of a second in which CPU quotas are counted, and make up four
// fifths of the time of all, are a warning, critical if all took a fifth of the trace: it takes up to 20 ms from when the
// process goes on until something happens. Without that rhythm, standstills are
// worth a finding from 2 % of the trace and 25 ms, a warning from 5 %. If at least
// half of twenty goroutines that used up their time slice of 10 ms had run for about
// twice that, threads had to wait for CPUs: a warning if standstills took 5 % or most
// of what long waits lasted passed with a P that ran nothing, else information. That GOMAXPROCS is too small can't be
// known: where all Ps were busy for a fifth of the trace with goroutines waiting, and the
// process seemed to get its CPUs, the check is undecided.
//
// False positives: two goroutines in long calculations that cannot be interrupted
// leave no event either, and a program with a period of its own of 100 ms can look
// like a quota.
var checkGomaxprocs = check{id: "gomaxprocs", title: "GOMAXPROCS against the CPUs that there are", judge: func(r *run, rep *Report) judgement {
	s := r.stalls
	st := s.total()
	p := r.preempts
	j := judgement{measured: fmt.Sprintf("%s in which nothing happened although goroutines ran, %s in all; %d of %s used up came late", plural(st.n, "standstill"), dur(st.total), p.double, plural(p.slice, "time slice"))}
	if len(rep.Trace.Gomaxprocs) == 0 {
		j.undecided = "the trace does not say GOMAXPROCS"
		return j
	}
	n := int64(gomaxprocsNow(rep))
	f := Finding{
		Severity: SeverityInfo,
		Evidence: []Evidence{
			{"GOMAXPROCS", fmt.Sprint(n)},
			{"standstills", fmt.Sprintf("%d, %s in all, longest %s", st.n, dur(st.total), dur(st.longest))},
			{"standstills that ended in the same fifth of 100 ms", fmt.Sprintf("%d of %d", st.inStep, st.n)},
			{"time slices used up", fmt.Sprint(p.slice)},
			{"of them after more than " + dur(2*wholeSlice), fmt.Sprint(p.double)},
		},
		Moments: r.stallMoments(&st),
	}
	lacking := r.blame.starved[pDidNone] + r.blame.starved[pDidSpare]
	switch {
	case st.inStep >= quotaSome && st.inStepNS*5 >= st.total*4:
		f.Severity = SeverityWarning
		if st.total*5 >= analysed(rep) {
			f.Severity = SeverityCritical
		}
		f.Title = fmt.Sprintf("The process seems to have stood still %d times, in the rhythm of a CPU quota", st.n)
		f.CostNS, f.CostOf = st.total, "wall time without any event although goroutines ran"
		f.What = fmt.Sprintf("For up to %s at a time, %s in all, nothing happened on any P although goroutines were running; %d of %d times it went on in the same fifth of a tenth of a second.", dur(st.longest), dur(st.total), st.inStep, st.n)
		f.Why = "That is what it looks like when a container has used up its share of CPU time: the kernel stops all of its threads until the next period of 100 ms begins."
		f.Advice = "Compare nr_throttled in the container's cpu.stat. Set GOMAXPROCS to the quota (Go 1.25 does so by itself) or raise the quota."
		f.Sure, f.SureWhy = "high", "the rhythm is that of a quota; the quota itself is not in the trace"
		j.explains = r.explains(pDidHog, pDidNone)
	case n > 1 && p.slice >= 20 && p.double*2 >= p.slice:
		f.Title = fmt.Sprintf("There seem to be fewer CPUs than the %d Ps", n)
		f.CostNS, f.CostOf = lacking, "goroutine time in long waits with a P that ran nothing"
		f.What = fmt.Sprintf("%s used up the time slice of 10 ms; %d of them had run for nearly twice that or more before they stopped. In waits longer than %s, goroutines waited %s while the P that they waited for, or another one, ran nothing.",
			plural(p.slice, "goroutine"), p.double, dur(starvedAfter), dur(lacking))
		f.Why = "The monitor that asks goroutines to stop, they themselves, and the threads of Ps that were to wake had to wait for a CPU: they share CPUs with one another or with other processes."
		f.Advice = "Set GOMAXPROCS to the CPUs that the process really gets, or give it more."
		f.Sure, f.SureWhy = "medium", "the trace does not say how many CPUs there are; code that cannot be interrupted also stops late"
		if lacking == 0 {
			f.CostOf = "not a cost in time"
		}
		if st.longTotal*20 >= analysed(rep) || lacking*2 >= r.latency.starvedNS && lacking > 0 {
			f.Severity = SeverityWarning
			j.explains = r.explains(pDidNone, pDidSpare)
			j.explains["idle-p"] = min(lacking, r.procs.wastes.long)
			j.explains["unbalanced"] = r.blame.waited[pDidSpare]
		}
	case st.longTotal >= stallOne && st.longTotal*50 >= analysed(rep):
		if st.longTotal*20 >= analysed(rep) {
			f.Severity = SeverityWarning
		}
		f.Title = fmt.Sprintf("For up to %s no P did anything new although goroutines ran", dur(st.longest))
		f.CostNS, f.CostOf = st.total, "wall time without any event although goroutines ran"
		f.What = fmt.Sprintf("%s, %s in all: goroutines ran on one P or more, and not even the preemption that is due after 10 ms happened.", plural(st.n, "standstill"), dur(st.total))
		f.Why = "Either the machine did not run the process, or not all of it (other processes, a CPU quota, a virtual machine that was stopped), or all running goroutines were in code that cannot be interrupted."
		f.Advice = "Compare with the machine's load, the container's cpu.stat and the virtual machine's steal time. If the machine was idle, see the stacks of the goroutines that ran."
		f.Sure, f.SureWhy = "medium", "that nothing happened is certain; who held the process up is not in the trace"
	default:
		if full := saturated(rep, int(n)); full.time >= 10_000_000 && full.time*5 >= analysed(rep) {
			j.undecided = fmt.Sprintf("for %s all Ps ran goroutines while others waited: whether more Ps would help depends on how many CPUs there are, which is not in the trace", dur(full.time))
		}
		return j
	}
	j.findings = []Finding{f}
	return j
}}

const (
	stallTwo  = 20_000_000  // ns without any event, two Ps running
	stallOne  = 25_000_000  // ns, one P running; or for it to be told from a late preemption
	stallKept = 256         // standstills that wait for the stretches around them
	quota     = 100_000_000 // ns: period of the kernel's CPU quota, if nobody set another
	quotaBins = 20
	quotaSome = 8 // standstills; fewer fall into one fifth of the period by chance too often
)

// stalls answers: when did nothing happen at all, although goroutines ran?
type stalls struct {
	zero    model.Time
	last    model.Time // of the last fact; the trace's beginning before
	stw     int        // stop-the-world ranges under way: then nothing is to happen
	pending []stall
	out     stallSum
}

// stall is a time without any event.
type stall struct {
	start, end model.Time
	running    int // Ps that ran a goroutine of the program all the while
	p          model.ProcID
	g          model.GoID
}

// stallSum sums standstills up.
type stallSum struct {
	n, total, longest int64
	longTotal         int64                            // of those longer than stallOne, with two Ps running
	phase             [quotaBins]struct{ n, ns int64 } // by where in a quota's period they ended
	inStep, inStepNS  int64                            // those that ended in the fifth of the period that has most
	worst             *topK[stall]
}

func (s *stalls) observe(f *model.Facts) {
	if f.Now-s.last >= stallTwo {
		s.gaps(f)
	} else {
		for i := range f.Events {
			s.stop(&f.Events[i])
		}
	}
	for i := range f.Ps {
		iv := &f.Ps[i]
		if iv.End-iv.Start < stallTwo || iv.Does != model.PDoesRun || iv.Runtime {
			continue
		}
		for k := range s.pending {
			if x := &s.pending[k]; iv.Start <= x.start && iv.End >= x.end {
				x.running++
				x.p, x.g = iv.P, iv.G
			}
		}
	}
	s.last = f.Now
	for len(s.pending) > stallKept {
		s.out.add(&s.pending[0], s.zero)
		s.pending = s.pending[1:]
	}
}

// gaps finds the times without an event among the facts.
func (s *stalls) gaps(f *model.Facts) {
	last := s.last
	see := func(t model.Time) {
		if t-last >= stallTwo && s.stw == 0 {
			s.pending = append(s.pending, stall{start: last, end: t})
		}
		last = max(last, t)
	}
	g, p, e := 0, 0, 0
	for g < len(f.Gs) || p < len(f.Ps) || e < len(f.Events) {
		t := forever
		if g < len(f.Gs) {
			t = min(t, f.Gs[g].End)
		}
		if p < len(f.Ps) {
			t = min(t, f.Ps[p].End)
		}
		if e < len(f.Events) {
			t = min(t, f.Events[e].Time)
		}
		see(t)
		for g < len(f.Gs) && f.Gs[g].End <= t {
			g++
		}
		for p < len(f.Ps) && f.Ps[p].End <= t {
			p++
		}
		for e < len(f.Events) && f.Events[e].Time <= t {
			s.stop(&f.Events[e])
			e++
		}
	}
	see(f.Now)
}

// stop follows stop-the-world ranges.
func (s *stalls) stop(ev *model.Event) {
	switch ev.Op {
	case model.OpSTWBegin:
		s.stw++
	case model.OpSTWEnd:
		s.stw = max(0, s.stw-1)
	case model.OpGeneration:
		if ev.Arg != 0 {
			s.stw = 0
		}
	}
}

func (s *stallSum) add(x *stall, zero model.Time) {
	d := int64(x.end - x.start)
	if x.running < 1 || x.running < 2 && d < stallOne {
		return
	}
	s.n++
	s.total += d
	s.longest = max(s.longest, d)
	if d >= stallOne && x.running >= 2 {
		s.longTotal += d
	}
	p := &s.phase[int64(x.end-zero)%quota/(quota/quotaBins)]
	p.n++
	p.ns += d
	s.worst.offer(d, *x)
}

// total is the sum of all, those included that still wait.
func (s *stalls) total() stallSum {
	for i := range s.pending {
		s.out.add(&s.pending[i], s.zero)
	}
	s.pending = nil
	for i := range quotaBins {
		var n, ns int64
		for k := range quotaBins / 5 {
			p := &s.out.phase[(i+k)%quotaBins]
			n, ns = n+p.n, ns+p.ns
		}
		if ns > s.out.inStepNS {
			s.out.inStep, s.out.inStepNS = n, ns
		}
	}
	return s.out
}

func (s *stalls) report(*Report) {}

func (r *run) stallMoments(s *stallSum) []Moment {
	var out []Moment
	for _, x := range s.worst.best() {
		out = append(out, r.moment(x.start, x.end, x.g, x.p, -1,
			fmt.Sprintf("nothing happened for %s while %s ran goroutines", dur(int64(x.end-x.start)), plural(int64(x.running), "P"))))
	}
	return out
}
