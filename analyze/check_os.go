package analyze

import "fmt"

// checkOS measures waits for a P that ran nothing meanwhile, or for one that ran
// others while another P was free: the P was idle or its thread was in the scheduler,
// the world was not stopped. Whoever makes a goroutine ready while a P is idle wakes a
// thread for it (wakep), and that one looks into all queues; so nobody in the process
// was in the way: the thread did not get a CPU, or was late to wake.
//
// Threshold: waits from 1 ms on, and of them such time of 10 ms in all, at least
// half, and a hundredth of the trace; or half of what waits over 10 ms lasted. A
// warning if 10 ms of one wait passed so, critical from 100 ms. Waking a thread on
// an idle machine takes less than a tenth of a millisecond.
//
// False positives: the runtime may leave a P idle for a moment because another
// thread already looks for work; when a thread gave its P up because the operating
// system held it, the P of another queue may be blamed. Goroutines that seem to
// run while their thread has no CPU are not seen here at all.
var checkOS = check{id: "os", title: "Waits with nobody of the process in the way", judge: func(r *run, rep *Report) judgement {
	b := r.blame
	ns, all := b.waited[pDidNone]+b.waited[pDidSpare], b.waited.total()
	j := judgement{measured: fmt.Sprintf("%s of %s that waits of %s and more lasted", dur(ns), dur(all), dur(blamedFrom))}
	many := ns >= 10_000_000 && ns*2 >= all && ns*100 >= analysed(rep)
	long := (b.starved[pDidNone]+b.starved[pDidSpare])*2 >= r.latency.starvedNS && r.latency.starvedNS > 0
	if !many && !long {
		return j
	}
	longest := max(b.worstPart(pDidNone), b.worstPart(pDidSpare))
	f := Finding{
		Severity: graded(longest),
		Title:    fmt.Sprintf("Goroutines waited up to %s although a P was free for them", dur(longest)),
		CostNS:   ns,
		CostOf:   "goroutine time spent waiting for a P while it, or another one, ran nothing",
		What: fmt.Sprintf("Waits of %s and more lasted %s in all; for %s of that the P that the goroutine waited for ran no goroutine and the world was not stopped, for %s it ran others while another P was idle.",
			dur(blamedFrom), dur(all), percent(b.waited[pDidNone], all), percent(b.waited[pDidSpare], all)),
		Why:    "No goroutine was in the way. Most likely the P's thread had been woken, or was about to look for work, and the operating system did not run it.",
		Advice: "Look at the machine, not at the program: CPU quota of the container, other processes, a virtual machine that loses its CPUs, GOMAXPROCS higher than the CPUs that the process gets.",
		Sure:   "medium", SureWhy: "the trace shows that the P ran nothing; that its thread wanted a CPU is inferred",
		Evidence: append(r.blameEvidence(&b.waited), Evidence{"goroutines ran while another P was idle", dur(b.waited[pDidSpare])}),
	}
	f.Moments = b.moments(r, pDidNone, "the P ran nothing")
	if b.waited[pDidSpare] > b.waited[pDidNone] {
		f.Moments = b.moments(r, pDidSpare, "another P was idle")
	}
	j.explains = r.explains(pDidNone, pDidSpare)
	j.explains["idle-p"] = min(ns, r.procs.wastes.long)
	j.explains["unbalanced"] = b.waited[pDidSpare]
	j.findings = []Finding{f}
	return j
}}

// total is the time of all kinds.
func (s *split) total() int64 {
	var ns int64
	for k, x := range s {
		if pDid(k) != pDidSpare {
			ns += x
		}
	}
	return ns
}

// blameEvidence says how waits divide.
func (r *run) blameEvidence(s *split) []Evidence {
	return []Evidence{
		{"of the waits: the P ran nothing", dur(s[pDidNone])},
		{"the world was stopped", dur(s[pDidStop])},
		{"goroutines took turns", dur(s[pDidRun])},
		{"one goroutine used up its time slice", dur(s[pDidHog])},
		{"one goroutine ran on when its time slice was over", dur(s[pDidOver])},
		{"a mark worker ran", dur(s[pDidMark])},
		{"another goroutine of the runtime ran", dur(s[pDidOther])},
		{"a system call had the P", dur(s[pDidCall])},
	}
}
