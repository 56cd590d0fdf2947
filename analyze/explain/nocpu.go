package explain

import (
	"fmt"

	"gmptrace/analyze/report"
	"gmptrace/model"
)

// maxCPUPieces bounds what is kept of an instance: the rest is told as if it had had a CPU.
const maxCPUPieces = 4096

// cpuPiece is a stretch in which something needed the CPU of the thread that had a P, or of
// one that should have come for it.
type cpuPiece struct {
	sum      stepSum
	p        model.ProcID
	from, to model.Time
}

// wantCPU notes a step that a CPU is needed for to end. Whether the P's thread had one
// shows when all of the trace has been read.
func (x *explained) wantCPU(sum stepSum, s *step) {
	p := s.p
	if s.cause.Parent() == report.CauseLate {
		p = model.NoP // whose thread had yet to run
	} else if p < 0 || !needsCPU(s.cause) {
		return
	}
	if n := len(x.onCPU) - 1; n >= 0 && x.onCPU[n].sum == sum && x.onCPU[n].p == p && x.onCPU[n].to == s.from {
		x.onCPU[n].to = s.to
		return
	}
	if len(x.onCPU) < maxCPUPieces {
		x.onCPU = append(x.onCPU, cpuPiece{sum, p, s.from, s.to})
	}
}

// needsCPU reports whether what goes on for this cause ends when a P's thread has done
// something.
func needsCPU(c report.Cause) bool {
	switch c {
	case report.CauseRunning, report.CauseAssist, report.CauseSweep, report.CauseFoundLate, report.CauseStopping,
		report.CauseGCWorker, report.CauseRuntime, report.CauseQueue, report.CauseGlobalQueue, report.CauseAfterSyscall:
		return true
	}
	return false
}

// noCPU is for how long of each sum of an instance's steps there was no CPU.
func (e *explainer) noCPU(x *explained) map[stepSum]report.CPULost {
	lost := map[stepSum]report.CPULost{}
	for i := range x.onCPU {
		c := &x.onCPU[i]
		sum := lost[c.sum]
		if c.p == model.NoP {
			sum.Add(e.cpus.DivideLate(c.from, c.to))
		} else {
			sum.Add(e.cpus.Divide(c.p, c.from, c.to))
		}
		lost[c.sum] = sum
	}
	return lost
}

// without adds the parts of a step for which there was no CPU to the roots of that, and
// returns what is left of it. Who had the P meanwhile is named with them.
func (a *account) without(x *explained, s *stepSum, ns int64, lost report.CPULost) int64 {
	_, who := a.root(x, s)
	for why := range report.NumCPULosses {
		part := min(*lost.At(why), ns)
		if part <= 0 {
			continue
		}
		ns -= part
		r := a.sumOf(rootKey{kind: report.RootNoCPU, fn: why.String()})
		r.ns += part
		r.causes[s.cause] += part
		if who != nil {
			r.who[who.At] += part
			r.from[who.From] += part
			r.caller[who.Caller(a.name)] += part
		}
	}
	return ns
}

// noCPUWords is what a goroutine waited for, by the reason's name, and what to do.
var noCPUWords = map[string]struct{ text, advice string }{
	report.LossQuota.String():      {"waiting for the next period of the CPU quota, which was used up", "Raise the CPU limit, do less at once, or spread it over time: GOMAXPROCS above the limit uses it up sooner."},
	report.LossOthers.String():     {"waiting for a CPU that another process likely had", "Look for the process beside it (top, pidstat), and give the program CPUs of its own."},
	report.LossOwn.String():        {"waiting for a CPU that other threads of the program likely had: there are more Ps than CPUs", "Set GOMAXPROCS to the CPUs that the process may use."},
	report.LossHypervisor.String(): {"waiting for the hypervisor to run the virtual machine's CPU", "Move the virtual machine, or give it CPUs of its own."},
	report.LossStopped.String():    {"standing still: the whole process was stopped", "Find who stops it: a signal, a debugger, a freezer such as docker pause."},
	report.LossKernel.String():     {"standing in the kernel outside of any call, most likely for a page fault", "Look at major page faults and at memory pressure."},
}

// lookLoss finds out why there was none, and who had the P.
func lookLoss(_ *account, k rootKey, t *tale) {
	t.loss = k.fn
	t.sum.names(t.Root, "")
}

// noCPUAdvice is what to do about it.
func (t *tale) noCPUAdvice() string { return noCPUWords[t.loss].advice }

// noCPU says for what there was none, and who had the P.
func (t *tale) noCPU() string {
	s := noCPUWords[t.loss].text
	if t.At.Func != "" {
		s += fmt.Sprintf(" (%s had the P)", place(t.At, t.caller))
	}
	return s
}
