package diagnose

import (
	"fmt"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// checkUnbalanced measures waits in the queue of a busy P while another P was
// idle: the work was on the wrong P, and nobody stole it.
//
// Threshold: waits from 1 ms on, and of them such time of 10 ms in all, at least
// a quarter, and a hundredth of the trace; a warning if 10 ms of one wait passed so. Never critical: that the idle P's
// thread could have run is not in the trace.
//
// False positives: the idle P was promised to a thread that was waking, which the
// operating system held up; a goroutine in runnext is left to its P for some
// microseconds on purpose.
//
// Always decided: what each P did is in the trace, and where GOMAXPROCS is not, the Ps
// seen count.
var checkUnbalanced = check{id: "unbalanced", title: "Work on one P while others were idle", symptom: true, begin: func(s *replay.Session) judge {
	return (&unbalancedJudge{bench: bench{s}, witnesses: newWitnesses(s), procs: replay.Shared(s, measure.NewProcs)}).judge
}}

type unbalancedJudge struct {
	bench
	witnesses
	procs *measure.Procs
}

func (r *unbalancedJudge) judge(rep *report.Report) judgement {
	b := r.blame
	ns, all := b.waited[pDidSpare], b.waited.total()
	j := judgement{measured: fmt.Sprintf("%s of %s that waits of %s and more lasted", words.Length(ns), words.Length(all), words.Length(blamedFrom))}
	if gomaxprocsNow(rep) < 2 {
		j.measured = "one P only"
		return j
	}
	if ns < 10_000_000 || ns*4 < all || ns*100 < report.Analysed(rep) {
		return j
	}
	worst := b.worst[pDidSpare].Best()
	f := report.Finding{
		Severity: atMost(graded(worst[0].part), report.SeverityWarning),
		Title:    fmt.Sprintf("Goroutines waited up to %s for a busy P while another was idle", words.Length(worst[0].part)),
		CostNS:   ns,
		CostOf:   "goroutine time spent waiting for a busy P with another one idle",
		What:     fmt.Sprintf("Waits of %s and more lasted %s in all; for %s of that goroutines ran on their P and another P was idle.", words.Length(blamedFrom), words.Length(all), words.ShareOf(ns, all)),
		Why:      "An idle P steals from the queues of others when a thread wakes up to run it. That thread was not woken, or woke late.",
		Advice:   "If the machine had CPUs to spare, this is worth a report to the Go project, with the trace; if not, see which other process had them.",
		Sure:     "medium", SureWhy: "a P that is promised to a thread which is just waking still looks idle in the trace",
		Evidence: []report.Evidence{{Label: "share of the time in such waits", Value: words.ShareOf(ns, all)}},
		Moments:  b.moments(r.bench, pDidSpare, "another P was idle"),
	}
	for _, p := range rep.Procs {
		f.Evidence = append(f.Evidence, report.Evidence{Label: fmt.Sprintf("P%d ran goroutines", p.P), Value: words.ShareOf(p.Running, report.Analysed(rep))})
		if len(f.Evidence) > maxProcEvidence {
			break
		}
	}
	j.explains = r.explains(pDidSpare)
	j.explains["idle-p"] = min(ns, r.procs.Wastes.Long)
	j.findings = []report.Finding{f}
	return j
}

// maxProcEvidence is how many Ps a finding lists.
const maxProcEvidence = 16
