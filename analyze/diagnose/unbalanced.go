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
// Threshold: waits from 1 ms on, and of them such time of 10 ms in all, at least a
// quarter, and a hundredth of the trace; a warning if 10 ms of one wait passed so.
// Never critical: that the idle P's thread could have run is not in the trace.
//
// False positives: the idle P was promised to a thread that was waking, which the
// operating system held up; a goroutine in runnext is left to its P for some
// microseconds on purpose.
//
// Always decided: what each P did is in the trace, and where GOMAXPROCS is not, the Ps
// seen count.
var checkUnbalanced = Check{ID: "unbalanced", Costs: costsLate, Title: "Work on one P while others were idle", Symptom: true, Begin: func(s *replay.Session) Judge {
	return (&unbalancedJudge{bench: bench{s}, witnesses: newWitnesses(s), procs: replay.Shared(s, measure.NewProcs)}).decide
}}

const (
	spareSome       = 10_000_000 // ns of such waits, a quarter of all waits and a hundredth of the trace
	maxProcEvidence = 16         // Ps that a finding lists
)

type unbalancedJudge struct {
	bench
	witnesses
	procs *measure.Procs
}

func (r *unbalancedJudge) decide(rep *report.Report) Judgement {
	if gomaxprocsNow(rep) < 2 {
		return Judgement{Measured: "one P only"}
	}
	spare, waited := r.blame.waited[pDidSpare], r.blame.waited.total()
	j := Judgement{Measured: fmt.Sprintf("%s of %s that waits of %s and more lasted", words.Length(spare), words.Length(waited), words.Length(blamedFrom))}
	if spare < spareSome || spare*4 < waited || spare*100 < report.Analysed(rep) {
		return j
	}
	j.Explains = r.attribute(pDidSpare)
	j.Explains["idle-p"] = min(spare, r.procs.Wastes.Long)
	j.Findings = []report.Finding{r.describe(rep, spare, waited)}
	return j
}

func (r *unbalancedJudge) describe(rep *report.Report, spare, waited int64) report.Finding {
	longest := r.blame.worstPart(pDidSpare)
	return report.Finding{
		Severity: atMost(graded(longest), report.SeverityWarning),
		Title:    fmt.Sprintf("Goroutines waited up to %s for a busy P while another was idle", words.Length(longest)),
		CostNS:   spare,
		CostOf:   "goroutine time spent waiting for a busy P with another one idle",
		What: fmt.Sprintf("Waits of %s and more lasted %s in all; for %s of that goroutines ran on their P and another P was idle.",
			words.Length(blamedFrom), words.Length(waited), words.ShareOf(spare, waited)),
		Why:    "An idle P steals from the queues of others when a thread wakes up to run it. That thread was not woken, or woke late.",
		Advice: "If the machine had CPUs to spare, this is worth a report to the Go project, with the trace; if not, see which other process had them.",
		Sure:   "medium", SureWhy: "a P that is promised to a thread which is just waking still looks idle in the trace",
		Evidence: append([]report.Evidence{{Label: "share of the time in such waits", Value: words.ShareOf(spare, waited)}}, ranOf(rep)...),
		Moments:  r.blame.scenes(r.bench, pDidSpare, "another P was idle"),
	}
}

// ranOf is for how much of the trace each P ran goroutines, of the first Ps.
func ranOf(rep *report.Report) []report.Evidence {
	var out []report.Evidence
	for _, p := range rep.Procs[:min(len(rep.Procs), maxProcEvidence)] {
		out = append(out, report.Evidence{Label: fmt.Sprintf("P%d ran goroutines", p.P), Value: words.ShareOf(p.Running, report.Analysed(rep))})
	}
	return out
}
