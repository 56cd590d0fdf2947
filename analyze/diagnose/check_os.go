package diagnose

import (
	"fmt"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// checkOS measures waits for a P that ran nothing meanwhile, or for one that ran
// others while another P was free: the P was idle or its thread was in the scheduler,
// the world was not stopped. Whoever makes a goroutine ready while a P is idle wakes a
// thread for it (wakep), and that one looks into all queues; so nobody in the process
// was in the way: the thread did not get a CPU, or was late to wake.
//
// Threshold: waits from 1 ms on, and of them such time of 10 ms in all, at least
// half, and a hundredth of the trace; or half of what waits over 10 ms lasted. A
// warning if 10 ms of one wait passed so, critical from 100 ms; or if such time, in
// shorter waits, makes up a twentieth of the trace and three quarters of all of them.
// Waking a thread on an idle machine takes less than a tenth of a millisecond.
//
// And stretches of 20 ms or more of goroutines that else run for a moment, where signals
// stop goroutines of this program: had it had a CPU, it would have been stopped in that
// time, and have gone on later. A warning from three, and a hundredth of the trace.
//
// False positives: code that no signal may stop and that is run seldom; the runtime may leave a P idle for a moment because another
// thread already looks for work; when a thread gave its P up because the operating
// system held it, the P of another queue may be blamed. Goroutines that seem to
// run while their thread has no CPU are not seen if that is for less than 20 ms, or if
// they often run for long.
//
// Always decided: that a P ran nothing is in the trace; why is inferred, and the finding
// says so.
var checkOS = check{id: "os", title: "Waits with nobody of the process in the way", symptom: true, begin: func(s *replay.Session) judge {
	return (&osJudge{
		bench: bench{s}, witnesses: newWitnesses(s), latency: replay.Shared(s, measure.NewWaits), stolen: replay.Shared(s, newStolen),
		procs: replay.Shared(s, measure.NewProcs),
	}).judge
}}

type osJudge struct {
	bench
	witnesses
	latency *measure.Waits
	stolen  *stolen
	procs   *measure.Procs
}

func (r *osJudge) judge(rep *report.Report) judgement {
	b := r.blame
	ns, all := b.waited[pDidNone]+b.waited[pDidSpare], b.waited.total()
	j := judgement{measured: fmt.Sprintf("%s of %s that waits of %s and more lasted", words.Length(ns), words.Length(all), words.Length(blamedFrom))}
	many := ns >= 10_000_000 && ns*2 >= all && ns*100 >= report.Analysed(rep)
	long := (b.starved[pDidNone]+b.starved[pDidSpare])*2 >= r.latency.StarvedNS && r.latency.StarvedNS > 0
	if x := r.stolen.all(); len(x) >= stolenSome {
		r.noCPU(rep, x, &j)
	}
	if !many && !long {
		return j
	}
	longest := max(b.worstPart(pDidNone), b.worstPart(pDidSpare))
	f := report.Finding{
		Severity: graded(longest),
		Title:    fmt.Sprintf("Goroutines waited up to %s although a P was free for them", words.Length(longest)),
		CostNS:   ns,
		CostOf:   "goroutine time spent waiting for a P while it, or another one, ran nothing",
		What: fmt.Sprintf("Waits of %s and more lasted %s in all; for %s of that the P that the goroutine waited for ran no goroutine and the world was not stopped, for %s it ran others while another P was idle.",
			words.Length(blamedFrom), words.Length(all), words.ShareOf(b.waited[pDidNone], all), words.ShareOf(b.waited[pDidSpare], all)),
		Why:    "No goroutine was in the way. Most likely the P's thread had been woken, or was about to look for work, and the operating system did not run it.",
		Advice: "Look at the machine, not at the program: CPU quota of the container, other processes, a virtual machine that loses its CPUs, GOMAXPROCS higher than the CPUs that the process gets.",
		Sure:   "medium", SureWhy: "the trace shows that the P ran nothing; that its thread wanted a CPU is inferred",
		Evidence: append(blameEvidence(&b.waited), report.Evidence{Label: "goroutines ran while another P was idle", Value: words.Length(b.waited[pDidSpare])}),
	}
	if many && ns*4 >= all*3 && ns*20 >= report.Analysed(rep) {
		f.Severity = worse(f.Severity, report.SeverityWarning)
	}
	f.Moments = b.moments(r.bench, pDidNone, "the P ran nothing")
	if b.waited[pDidSpare] > b.waited[pDidNone] {
		f.Moments = b.moments(r.bench, pDidSpare, "another P was idle")
	}
	for id, ns := range r.explains(pDidNone, pDidSpare) {
		j.explain(id, ns)
	}
	j.explain("idle-p", min(ns, r.procs.Wastes.Long))
	j.explain("unbalanced", b.waited[pDidSpare])
	j.findings = append(j.findings, f)
	return j
}

const stolenSome = 3

// noCPU is of goroutines that seem to have run for too long.
func (r *osJudge) noCPU(rep *report.Report, all []lateStop, j *judgement) {
	f := report.Finding{
		Severity: report.SeverityWarning,
		CostOf:   "P time of goroutines that seem to have had no CPU",
		Why:      "The runtime stops a goroutine that computes after 10 ms to 20 ms, by a signal where it calls no function, and did so in this program. These went on for longer, and had nothing more to do then. So their threads, or the runtime's monitor with them, had no CPU: another process, a virtual machine that was stopped, or a signal that stopped this one.",
		Advice:   "Look at the machine, not at the program: other processes and their priority, steal time, CPU quota.",
		Sure:     "medium", SureWhy: "that they ran longer than the runtime lets them is in the trace, that they had no CPU is inferred",
	}
	worst := stat.NewTopK[lateStop](report.MaxMoments)
	var over stretches
	for _, x := range all {
		f.CostNS += int64(x.End - x.Start)
		worst.Offer(int64(x.End-x.Start), x)
		over = append(over, [2]model.Time{x.Start, x.End})
	}
	if f.CostNS*100 < report.Analysed(rep) {
		return
	}
	for _, x := range worst.Best() {
		f.Moments = append(f.Moments, r.moment(x.Start, x.End, x.G, x.P, x.M,
			fmt.Sprintf("%s seemed to run for %s on P%d", words.Goroutine(int64(x.G), r.Names.StartFunc(x.Func)), words.Length(int64(x.End-x.Start)), x.P)))
	}
	w := &worst.Best()[0]
	usual := r.stolen.byFunc[r.Names.Start[w.Func]]
	f.Title = fmt.Sprintf("Goroutines that else run for a moment seemed to run for up to %s", words.Length(int64(w.End-w.Start)))
	f.What = fmt.Sprintf("%s times a goroutine had a P for %s or more at a stretch. The goroutines of %s ran %s times, and else for at most %s.",
		words.Count(len(all)), words.Length(measure.TwoSlices), words.Function(r.Names.StartFunc(w.Func)), words.Count(usual.n), words.Length(usual.most))
	f.Evidence = []report.Evidence{
		{Label: "such stretches", Value: words.Count(len(all))},
		{Label: "goroutines of the program that a signal stopped", Value: words.Count(r.stolen.signals)},
	}
	j.explain("timers", r.timers.during(over))
	j.explain("netpoll", r.netpolls.during(over))
	if starved := r.starvedDuring(rep, over); starved > 0 {
		j.explain("starvation", starved)
		j.explain("overload", starved)
	}
	var hog int64
	for i := range all {
		if measure.Overrun(all[i].End-all[i].Start, all[i].how) {
			hog += int64(all[i].End - all[i].Start)
		}
	}
	j.explain("hog", hog)
	j.findings = append(j.findings, f)
}

// stretches are lengths of time, from and to.
type stretches [][2]model.Time

// share is which part of these times, in [0, 1], lies within s.
func (s stretches) share(of stretches) float64 {
	var in, all model.Time
	for _, x := range of {
		all += x[1] - x[0]
		var most model.Time // Ps that lose their CPU at once count once
		for _, y := range s {
			most = max(most, min(x[1], y[1])-max(x[0], y[0]))
		}
		in += most
	}
	return float64(in) / float64(max(all, 1))
}

// starvedDuring is how much of long waits passed within s, as far as the worst
// tell.
func (r *osJudge) starvedDuring(rep *report.Report, s stretches) int64 {
	var waits stretches
	for i := range rep.Episodes {
		if e := &rep.Episodes[i]; e.Wait > measure.StarvedAfter {
			from := r.Zero + model.Time(e.Start)
			waits = append(waits, [2]model.Time{from, from + model.Time(e.Wait)})
		}
	}
	return int64(s.share(waits) * float64(r.latency.StarvedNS))
}

// lateDuring is how much of what is late in all passed within s, as far as the
// worst tell.
func lateDuring(s stretches, late *stat.Sketch, worst *stat.TopK[overslept]) int64 {
	var waits stretches
	for _, x := range worst.Best() {
		waits = append(waits, [2]model.Time{x.due, x.woken})
	}
	return int64(s.share(waits) * float64(late.Sum()))
}
