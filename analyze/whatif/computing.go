package whatif

import (
	"fmt"
	"math"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// Computing is what the machine said of the time that Ps ran goroutines.
type Computing struct {
	Wanted int64          `json:"wanted_ns"` // threads ran goroutines on a P while samples tell of them, in sum over Ps
	Lost   report.CPULost `json:"lost"`      // of Wanted: without a CPU, and no part of what predictions compute
}

// computingLeast is how much of the program's time on Ps samples must tell of, a tenth, for
// the machine to have been asked.
const computingLeast = 10

// measured takes what passed without a CPU out of what the goroutines compute, where the
// machine was asked: who is predicted to run has a CPU.
func (w *prediction) measured() {
	rep := &report.Report{}
	w.c.cpus.Fill(rep)
	m := rep.Machine
	if m == nil || m.Wanted == 0 || m.Wanted*computingLeast < w.c.seen.running {
		return
	}
	w.oneCPU = m.CPUs == 1
	w.oneCore = m.SMT > 1 && m.CPUs > 1 && m.CPUs <= m.SMT && m.Online <= m.SMT
	w.ownCores = m.SMT == 1 && m.CPUs > 1
	w.x.Machine = &Computing{Wanted: m.Wanted, Lost: m.Lost}
	w.w = w.c.workload(w.c.cpus, w.a.changing())
	got := 1 - w.x.Machine.lacked()
	for i := range w.w.Cycles {
		w.w.Cycles[i].Work = int64(float64(w.w.Cycles[i].Work) * got)
	}
}

// computingNote says what stands for computing.
func (w *prediction) computingNote() string {
	m := w.x.Machine
	if m == nil {
		return "What other programs on the machine took is in what goroutines computed."
	}
	lost := m.Lost.Total()
	text := fmt.Sprintf("Computing is what the machine measured: of %s that Ps ran goroutines, %s passed without a CPU and is taken out", words.Length(m.Wanted), words.Length(lost))
	if others := m.Lost.Others + m.Lost.Hypervisor; others > 0 {
		text += fmt.Sprintf(", %s that others likely had", words.Length(others))
	}
	if m.Lost.Quota > 0 {
		text += fmt.Sprintf(", %s for the quota", words.Length(m.Lost.Quota))
	}
	if m.Lost.Own > 0 {
		text += fmt.Sprintf(", %s that the program's own threads likely had", words.Length(m.Lost.Own))
	}
	return text + ": predictions hold where every P has a CPU."
}

// parallelNote says what computing is taken to cost on several Ps, and by whom.
func (w *prediction) parallelNote() string {
	usual, least, most := w.parallelOf(parallelUsual).compute, w.parallelOf(parallelLeast).compute, w.parallelOf(parallelMost).compute
	factor := fmt.Sprintf("by a factor of %.2f, likely between %.2f and %.2f (--parallel-slowdown)", usual, least, most)
	on := ", dispatches and wake-ups by up to a microsecond: what it is here depends on the CPUs, two of which may be hardware threads of one core, and on the program."
	switch {
	case w.oneCPU && usual == 1:
		factor, on = "by nothing, as the machine says that the process may run on one CPU only", ", and dispatches and wake-ups by up to a microsecond."
	case w.ownCores:
		on = ", dispatches and wake-ups by up to a microsecond: the machine says that each of its CPUs is a core of its own; what it is here depends on the program, and on whether that is so."
	case w.oneCore:
		on = ", dispatches and wake-ups by up to a microsecond: the machine says that its CPUs are hardware threads of one core, of which that factor was measured; what it is here depends on the program."
	}
	return "From one P to several and back, computing is taken to differ " + factor + on
}

// givenLeast is the share of the time on Ps from which it matters that there was no CPU.
const givenLeast = .05

// mostLacked is the share from which what is left is no measure: of four recordings with a
// program beside them that took 43 % of the CPUs, predictions of the run without it were
// 20 % to 60 % too long, where the time on Ps as it was made them 80 % to 100 % so.
const mostLacked = .25

// lacked is which share of the time on Ps passed without a CPU; 0 if the machine was not
// asked.
func (m *Computing) lacked() float64 {
	if m == nil {
		return 0
	}
	return float64(m.Lost.Total()) / float64(max(1, m.Wanted))
}

// givenCPUs says what the recorded settings would take with the CPUs that were wanted; "" if
// the machine was not asked, or they were there.
func (w *prediction) givenCPUs() string {
	m := w.x.Machine
	if m.lacked() < givenLeast || len(w.x.Variants) == 0 {
		return ""
	}
	text := fmt.Sprintf("For %s of the time that Ps ran goroutines they had no CPU: all that is predicted is against a run with one for each, and all else as recorded", words.ShareOf(m.Lost.Total(), m.Wanted))
	if with, was := w.x.Variants[0].Makespan, w.x.Recorded.Makespan; math.Abs(difference(with, was)) >= clearly {
		text += fmt.Sprintf(", which takes %s, not %s", words.Length(with), words.Length(was))
	}
	return text + "."
}
