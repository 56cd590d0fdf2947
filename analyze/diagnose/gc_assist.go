package diagnose

import (
	"fmt"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// checkGCAssist measures how long the program's goroutines had to help the
// collector before they could go on allocating.
//
// Threshold: 5 % of the time that they ran, spent running inside assists; critical
// from 25 %. A collector that keeps up needs almost no assists. Information where they took
// less than 1 % of the Ps' time, with what was waited inside them: of a program that hardly
// runs they are a part that nobody waits for.
//
// Where goroutines marked for half of what they ran, that is why there was more work than
// the Ps could do, if there was.
//
// False positives: none known; a program that is throttled by assists is slowed
// down by that time.
//
// Always decided: both ends of every assist are in the trace.
var checkGCAssist = Check{ID: "gc-assist", Costs: costsCollector, Title: "Goroutines that had to help the collector", Symptom: true, Begin: func(s *replay.Session) Judge {
	return (&gcAssistJudge{bench: bench{s}, gc: replay.Shared(s, measure.NewGC), cycles: replay.Shared(s, newCycles), latency: replay.Shared(s, measure.NewWaits)}).decide
}}

const (
	assistFrom     = 1_000_000 // ns of assists: less is nothing
	assistMuch     = 5         // per cent of what the program's goroutines ran
	assistCritical = 25        // per cent
	assistSome     = 100       // the part of the Ps' time that is worth a warning
)

type gcAssistJudge struct {
	bench
	gc      *measure.GC
	cycles  *cycles
	latency *measure.Waits
}

func (r *gcAssistJudge) decide(rep *report.Report) Judgement {
	a := sumAssists(rep)
	j := Judgement{Measured: fmt.Sprintf("mark assists took %s, against %s of running", words.Length(a.marked), words.Length(a.ran))}
	if !a.atLeast(assistMuch) || a.marked < assistFrom {
		return j
	}
	f := a.describe()
	if f.CostNS*assistSome < measure.GomaxprocsTime(&rep.Trace, len(rep.Procs)) {
		f.Severity = report.SeverityInfo
	}
	places := r.Names.Places()
	f.Advice = r.cycles.advice(places)
	for i, x := range topPlaces(places, r.cycles.helped) {
		if i == 0 && 2*x.n >= a.marked && !names.Standard(&report.Frame{Func: x.fn}) {
			f.Title += ", mostly in " + x.name
		}
		f.Evidence = append(f.Evidence, report.Evidence{Label: "in assists, allocating in " + x.name, Value: words.Length(x.n)})
	}
	f.Moments = r.scenes()
	// A collector that runs all the time shows in the workers as well. What slows
	// goroutines down more is the point: their assists, or waits behind workers.
	j.Explains = Explained{"gc-workers": f.CostNS, "overload": a.partOf(r.latency.StarvedNS)}
	j.Findings = []report.Finding{f}
	return j
}

// assists is how long the program's goroutines helped the collector, in ns.
type assists struct {
	ran    int64
	marked int64 // of that
	waited int64 // beside that
	most   *stat.TopK[report.FunctionTime]
}

// sumAssists sums them up over the functions of the program.
func sumAssists(rep *report.Report) assists {
	a := assists{waited: rep.GC.AssistWait, most: stat.NewTopK[report.FunctionTime](report.MaxMoments)}
	for _, f := range rep.Functions {
		if !f.Runtime {
			a.ran += f.Running
			a.marked += f.Assist
			a.most.Offer(f.Assist, f)
		}
	}
	return a
}

// partOf is the part of long waits for a P that assists account for: what others ran
// meanwhile was that part marking.
func (a *assists) partOf(waits int64) int64 {
	return int64(float64(waits) * float64(a.marked) / float64(max(1, a.ran)))
}

// atLeast reports whether assists took that many per cent of what goroutines ran.
func (a *assists) atLeast(percent int64) bool { return a.marked*100 >= a.ran*percent }

func (a *assists) severity() report.Severity {
	if a.atLeast(assistCritical) {
		return report.SeverityCritical
	}
	return report.SeverityWarning
}

func (a *assists) describe() report.Finding {
	return report.Finding{
		Severity: a.severity(),
		Title:    fmt.Sprintf("Mark assists took %s of the program's running time", words.ShareOf(a.marked, a.ran)),
		CostNS:   a.marked + a.waited,
		CostOf:   "goroutine time inside mark assists, running and waiting",
		What: fmt.Sprintf("The program's goroutines marked for the collector for %s of the %s that they ran, and waited another %s inside assists.",
			words.Length(a.marked), words.Length(a.ran), words.Length(a.waited)),
		Why:  "They allocate faster than the collector's own workers can mark, so each has to mark for what it allocates.",
		Sure: "certain", SureWhy: "assists are in the trace",
		Evidence: a.evidence(),
	}
}

func (a *assists) evidence() []report.Evidence {
	var out []report.Evidence
	for _, t := range a.most.Best() {
		out = append(out, report.Evidence{Label: "marked by " + words.Function(t.Name), Value: words.Length(t.Assist)})
	}
	return out
}

// scenes are the longest stretches inside assists.
func (r *gcAssistJudge) scenes() []report.Moment {
	var out []report.Moment
	for _, iv := range r.gc.Assists.Best() {
		what := "waited inside an assist for"
		if iv.State == model.GRunning {
			what = "marked, in an assist, for"
		}
		out = append(out, r.scene(iv.Start, iv.End, iv.G, iv.P, model.NoM,
			fmt.Sprintf("%s %s %s", words.Goroutine(int64(iv.G), r.runs(iv.Func)), what, words.Length(int64(iv.End-iv.Start)))))
	}
	return out
}
