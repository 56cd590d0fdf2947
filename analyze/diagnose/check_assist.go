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

// checkAssist measures how long the program's goroutines had to help the
// collector before they could go on allocating.
//
// Threshold: 5 % of the time that they ran, spent running inside assists; critical
// from 25 %. A collector
// that keeps up needs almost no assists.
//
// False positives: none known; a program that is throttled by assists is slowed
// down by that time.
//
// Always decided: both ends of every assist are in the trace.
var checkAssist = check{id: "gc-assist", title: "Goroutines that had to help the collector", begin: func(s *replay.Session) judge {
	return (&assistJudge{bench: bench{s}, gc: replay.Shared(s, measure.NewGC)}).judge
}}

type assistJudge struct {
	bench
	gc *measure.GC
}

func (r *assistJudge) judge(rep *report.Report) judgement {
	var running, assist int64
	worst := stat.NewTopK[report.FunctionTime](report.MaxMoments)
	for _, f := range rep.Functions {
		if f.Runtime {
			continue
		}
		running += f.Running
		assist += f.Assist
		worst.Offer(f.Assist, f)
	}
	j := judgement{measured: fmt.Sprintf("mark assists took %s, against %s of running", words.Length(assist), words.Length(running))}
	if assist*100 < running*5 || assist < 1_000_000 {
		return j
	}
	f := report.Finding{
		Severity: report.SeverityWarning,
		Title:    fmt.Sprintf("Mark assists took %s of the program's running time", words.ShareOf(assist, running)),
		CostNS:   assist + rep.GC.AssistWait,
		CostOf:   "goroutine time inside mark assists, running and waiting",
		What: fmt.Sprintf("The program's goroutines marked for the collector for %s of the %s that they ran, and waited another %s inside assists.",
			words.Length(assist), words.Length(running), words.Length(rep.GC.AssistWait)),
		Why:    "They allocate faster than the collector's own workers can mark, so each has to mark for what it allocates.",
		Advice: "Allocate less on the functions named in the evidence, raise GOGC or GOMEMLIMIT.",
		Sure:   "certain", SureWhy: "assists are in the trace",
	}
	if assist*4 >= running {
		f.Severity = report.SeverityCritical
	}
	for _, t := range worst.Best() {
		f.Evidence = append(f.Evidence, report.Evidence{Label: "marked by " + words.Function(t.Name), Value: words.Length(t.Assist)})
	}
	for _, iv := range r.gc.Assists.Best() {
		what := "waited inside an assist for"
		if iv.State == model.GRunning {
			what = "marked, in an assist, for"
		}
		f.Moments = append(f.Moments, r.moment(iv.Start, iv.End, iv.G, iv.P, model.NoM,
			fmt.Sprintf("%s %s %s", words.Goroutine(int64(iv.G), r.Names.StartFunc(iv.Func)), what, words.Length(int64(iv.End-iv.Start)))))
	}
	// A collector that runs all the time shows in the workers as well. What slows
	// goroutines down more is the point: their assists, or waits behind workers.
	j.explains = attributed{"gc-workers": f.CostNS}
	j.findings = []report.Finding{f}
	return j
}
