package diagnose

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// checkCPU measures whether threads that had a P had a CPU as well, and who had it if
// not. A trace does not say: the machine does, in samples that flight and gmptrace record
// take.
//
// Threshold: from a hundredth of the time that Ps ran goroutines, and 10 ms, it is worth
// a finding; a warning from a twentieth, critical from a quarter. Samples are 10 ms
// apart as a rule, and the kernel counts by its own clock of 1 to 10 ms: in sum that
// evens out.
//
// Who had the CPU that threads waited for, another process or the program's own threads, is
// an estimate, and told as one.
//
// False positives: what the threads of a cgroup wait for while its quota is used up is
// told by the group as a whole; of a thread that waits at the same time for another
// reason, part may be put down to the quota.
//
// Undecided: where nothing can be told from what the machine said, and where it said
// nothing and that matters: nothing happened for a while
// although goroutines ran, or goroutines waited for Ps that ran nothing.
var checkCPU = Check{ID: "cpu", Costs: costsLate, Counted: true, Title: "CPUs that threads with a P had", Begin: func(s *replay.Session) Judge {
	return (&cpuJudge{bench: bench{s}, witnesses: newWitnesses(s), machine: replay.Shared(s, measure.NewMachine), latency: replay.Shared(s, measure.NewWaits), stalls: replay.Shared(s, measure.NewStandstills)}).decide
}}

const (
	cpuSome     = 10_000_000 // ns without a CPU: worth a finding
	cpuNote     = 100        // the part of the time on Ps, a hundredth, from which it is one
	cpuWarning  = 20         // a twentieth
	cpuCritical = 4          // a quarter
)

type cpuJudge struct {
	bench
	witnesses
	machine *measure.Machine
	latency *measure.Waits
	stalls  *measure.Standstills
}

func (r *cpuJudge) decide(rep *report.Report) Judgement {
	m := rep.Machine
	if m == nil || m.Wanted == 0 {
		return r.notAsked(m)
	}
	lost := m.Lost.Total()
	j := Judgement{Measured: fmt.Sprintf("%s of %s that Ps ran goroutines passed without a CPU", words.Length(lost), words.Length(m.Wanted))}
	if lost < cpuSome || lost*cpuNote < m.Wanted {
		return j
	}
	lacks := r.machine.Lacks()
	var over stretches
	for _, l := range lacks {
		over = append(over, [2]model.Time{l.From, l.To})
	}
	waits := r.starvedDuring(rep, over, r.latency.StarvedNS)
	j.Explains = Explained{"os": lost + waits, "gomaxprocs": lost + waits, "idle-p": lost, "hog": lost, "starvation": waits, "overload": waits,
		"timers": lateDuring(over, r.sleepers.regular()), "netpoll": lateDuring(over, r.readers.regular())}
	j.Findings = []report.Finding{r.describe(m, lacks)}
	return j
}

// notAsked is what there is to say where the machine said nothing, or nothing of use.
func (r *cpuJudge) notAsked(m *report.Machine) Judgement {
	if m != nil && len(m.Doubts) > 0 {
		return Judgement{Undecided: "the machine was asked in vain: " + strings.Join(m.Doubts, "; ")}
	}
	if r.stalls.Total().N == 0 && r.blame.waited[pDidNone]+r.blame.waited[pDidSpare] < cpuSome {
		return Judgement{Measured: "the machine was not asked, and nothing hints at a lack of CPUs"}
	}
	return Judgement{Undecided: "the trace alone does not say whether threads with a P had a CPU: gmptrace record and package flight ask the machine"}
}

func (r *cpuJudge) describe(m *report.Machine, lacks []measure.Lack) report.Finding {
	lost, why := m.Lost.Total(), m.Lost.Most()
	w := cpuWords[why](m)
	f := report.Finding{
		Severity: cpuSeverity(lost, m.Wanted), Title: w.title,
		CostNS: lost, CostOf: "time that threads with a P had no CPU, in sum over Ps",
		What: fmt.Sprintf("Ps ran goroutines for %s; for %s of that the thread was not on a CPU.", words.Length(m.Wanted), words.Length(lost)),
		Why:  w.why, Advice: w.advice,
		Sure: "high", SureWhy: fmt.Sprintf("the machine's own counters say so, read every %s", words.Length(m.Every)),
		Evidence: r.evidence(m), Moments: r.scenes(lacks),
	}
	if why == report.LossOthers || why == report.LossOwn {
		f.Sure = "medium"
		f.SureWhy = fmt.Sprintf("that threads waited for a CPU the machine's own counters say, read every %s; who had it meanwhile is worked out from how many there are and how much the program ran", words.Length(m.Every))
	}
	return f
}

func cpuSeverity(lost, wanted int64) report.Severity {
	switch {
	case lost*cpuCritical >= wanted:
		return report.SeverityCritical
	case lost*cpuWarning >= wanted:
		return report.SeverityWarning
	}
	return report.SeverityInfo
}

// cpuLossWords is what there is to say of a reason.
type cpuLossWords struct{ title, why, advice string }

var cpuWords = [report.NumCPULosses]func(*report.Machine) cpuLossWords{
	report.LossQuota: func(m *report.Machine) cpuLossWords {
		return cpuLossWords{"The CPU quota stopped the program" + throttledWords(m),
			"The cgroup's quota was used up: none of its threads runs until the next period begins, whatever it holds. Requests, timers and the network wait meanwhile.",
			"Raise the CPU limit" + limitWords(m) + ", or spread the work over time" + quotaPs(m)}
	},
	report.LossOthers: func(m *report.Machine) cpuLossWords {
		return cpuLossWords{fmt.Sprintf("Another process likely had the CPU for %s that the program's threads were ready to run", words.Length(m.Lost.Others)),
			"Threads that had a P waited for a CPU, and no quota or thread of the program itself was in the way.",
			"Look for the process beside it (top, pidstat), and give the program CPUs of its own or a higher weight."}
	},
	report.LossOwn: func(m *report.Machine) cpuLossWords {
		return cpuLossWords{fmt.Sprintf("More Ps than CPUs: the program's threads waited %s for each other", words.Length(m.Lost.Own)),
			mayRunOn(m) + " busy: a goroutine that seems to run may be one whose thread waits for its turn.",
			fewerPs(m)}
	},
	report.LossHypervisor: func(m *report.Machine) cpuLossWords {
		return cpuLossWords{fmt.Sprintf("The hypervisor took the CPU for %s", words.Length(m.Lost.Hypervisor)),
			"The virtual machine's CPUs did not run meanwhile (steal).", "Move the virtual machine, or give it CPUs of its own: its host has promised more than it has."}
	},
	report.LossStopped: func(m *report.Machine) cpuLossWords {
		return cpuLossWords{fmt.Sprintf("The whole process was stopped for %s", words.Length(m.StoodStill)),
			"Its threads neither ran nor waited for a CPU: a signal (SIGSTOP), a debugger, or a freezer (docker pause, a snapshot of the machine) stopped them.",
			"Find who stops it: look at the logs of the machine, of the container's manager and of debuggers at that time."}
	},
	report.LossKernel: func(m *report.Machine) cpuLossWords {
		return cpuLossWords{fmt.Sprintf("Threads stood in the kernel for %s while they ran goroutines", words.Length(m.Lost.Kernel)),
			"They neither ran nor waited for a CPU, and were in no system call: most likely page faults, of memory that was swapped out, mapped from a file, or reclaimed.",
			"Look at major page faults and at memory pressure (/proc/pressure/memory, memory.events of the cgroup)."}
	},
}

// mayRunOn is which CPUs the program's own threads kept, as far as that was told.
func mayRunOn(m *report.Machine) string {
	n := cmp.Or(m.CPUs, m.Online)
	switch {
	case n == 0:
		return "The program's own threads likely kept all CPUs that it may run on"
	case m.QuotaCPUs > 0 && m.QuotaCPUs < float64(n):
		return fmt.Sprintf("The process may run on %s, and its quota is worth %.4g of them: its own threads likely kept these", words.Plural(n, "CPU"), m.QuotaCPUs)
	}
	return fmt.Sprintf("The process may run on %s, which its own threads likely kept", words.Plural(n, "CPU"))
}

// fewerPs advises how many Ps there should be: as many as there are CPUs to be had.
func fewerPs(m *report.Machine) string {
	n := cmp.Or(m.CPUs, m.Online)
	if q := int(math.Ceil(min(m.QuotaCPUs, 1<<20))); q > 0 && (n == 0 || q < n) {
		n = q
	}
	switch {
	case n == 0:
		return "Set GOMAXPROCS to the number of CPUs that the process may use."
	case m.QuotaCPUs > 0 && m.QuotaCPUs < 1:
		return fmt.Sprintf("Raise the CPU limit: %.4g of a CPU is less than the one P that a program has at the least (GOMAXPROCS=1).", m.QuotaCPUs)
	}
	return fmt.Sprintf("Set GOMAXPROCS to %d at the most.", n)
}

// throttledWords is how long and how often, if that was told.
func throttledWords(m *report.Machine) string {
	if m.Throttled == nil {
		return ""
	}
	return fmt.Sprintf(" for %s in sum over CPUs, in %s of %s", words.Length(m.Throttled.NS), words.Count(m.Throttled.Over), words.Plural(m.Throttled.Periods, "period"))
}

// limitWords is how much it is, if that was told.
func limitWords(m *report.Machine) string {
	if m.QuotaCPUs == 0 {
		return ""
	}
	return fmt.Sprintf(" (now %.4g CPUs)", m.QuotaCPUs)
}

// quotaPs is what fewer Ps do about a quota, of which Go 1.25 and later have two at the least.
func quotaPs(m *report.Machine) string {
	switch q := m.QuotaCPUs; {
	case q == 0:
		return "; with no more Ps than the quota is worth in CPUs (GOMAXPROCS) a burst uses it up less soon."
	case q < 1:
		return ". One P alone (GOMAXPROCS=1) can use up more than that, but takes longer for it than several."
	default:
		return fmt.Sprintf("; with GOMAXPROCS=%.0f a burst uses it up less soon (Go 1.25 and later choose by the quota, 2 at the least).", math.Ceil(min(q, 1<<20)))
	}
}

func (r *cpuJudge) evidence(m *report.Machine) []report.Evidence {
	list := []report.Evidence{
		{Label: "used up by the quota", Value: words.Length(m.Lost.Quota)},
		{Label: "had by other processes", Value: words.Length(m.Lost.Others)},
		{Label: "had by other threads of the program", Value: words.Length(m.Lost.Own)},
		{Label: "taken by the hypervisor", Value: words.Length(m.Lost.Hypervisor)},
		{Label: "the process stopped", Value: words.Length(m.Lost.Stopped)},
		{Label: "in the kernel", Value: words.Length(m.Lost.Kernel)},
	}
	list = slices.DeleteFunc(list, func(e report.Evidence) bool { return e.Value == words.Length(0) })
	if t := m.Throttled; t != nil {
		list = append(list, report.Evidence{Label: "throttled, in sum over CPUs", Value: words.Length(t.NS)})
	}
	if m.QuotaCPUs > 0 {
		list = append(list, report.Evidence{Label: "quota", Value: fmt.Sprintf("%.4g CPUs in periods of %s", m.QuotaCPUs, words.Length(m.Period))})
	}
	if m.CPUs > 0 {
		list = append(list, report.Evidence{Label: "CPUs that the process may run on", Value: words.Count(m.CPUs)})
	}
	return append(list, report.Evidence{Label: "samples", Value: fmt.Sprintf("%s, %s apart", words.Count(m.Samples), words.Length(m.Every))})
}

// scenes are the longest stretches without a CPU.
func (r *cpuJudge) scenes(lacks []measure.Lack) (all []report.Moment) {
	worst := stat.NewTopK[measure.Lack](report.MaxMoments)
	for _, l := range lacks {
		worst.Offer(l.Lost, l)
	}
	for _, l := range worst.Best() {
		all = append(all, r.scene(l.From, l.To, model.NoG, l.P, model.NoM,
			fmt.Sprintf("P%d's thread had no CPU for %s of %s", l.P, words.Length(l.Lost), words.Length(int64(l.To-l.From)))))
	}
	return all
}
