package analyze

import "fmt"

// checkAssist measures how long the program's goroutines had to help the
// collector before they could go on allocating.
//
// Threshold: 5 % of the time that they ran; critical from 25 %. A collector
// that keeps up needs almost no assists.
//
// False positives: none known; a program that is throttled by assists is slowed
// down by that time.
var checkAssist = check{"gc-assist", "Goroutines that had to help the collector", func(r *run, rep *Report) judgement {
	var running, assist int64
	worst := newTopK[FunctionTime](maxMoments)
	for _, f := range rep.Functions {
		if f.Runtime {
			continue
		}
		running += f.Running
		assist += f.Assist
		worst.offer(f.Assist, f)
	}
	j := judgement{measured: fmt.Sprintf("mark assists took %s, against %s of running", dur(assist), dur(running))}
	if assist*100 < running*5 || assist < 1_000_000 {
		return j
	}
	f := Finding{
		Severity: SeverityWarning,
		Title:    fmt.Sprintf("Mark assists took %s of the program's goroutines", dur(assist)),
		CostNS:   assist,
		CostOf:   "goroutine time inside mark assists",
		What:     fmt.Sprintf("The program's goroutines spent %s inside mark assists, which is marking and waiting until there was something to mark, against %s of running.", dur(assist), dur(running)),
		Why:      "They allocate faster than the collector's own workers can mark, so each has to mark for what it allocates.",
		Advice:   "Allocate less on the functions below, raise GOGC or GOMEMLIMIT.",
		Sure:     "certain", SureWhy: "assists are in the trace",
	}
	if assist*4 >= running {
		f.Severity = SeverityCritical
	}
	for _, t := range worst.best() {
		f.Evidence = append(f.Evidence, Evidence{t.Name, dur(t.Assist)})
	}
	j.findings = []Finding{f}
	return j
}}
