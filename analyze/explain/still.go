package explain

import (
	"fmt"
	"maps"
	"slices"
	"sort"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// stoodStill is for how much of a step, in ns, nothing at all happened though goroutines
// ran, and the step went on for no other reason: a process that has used up its CPU quota
// looks like that. Whether it was a quota shows when all of the trace has been read.
func (e *explainer) stoodStill(s *step) (ns int64) {
	if len(e.stills.Gaps) == 0 || !wantsCPU(s.cause) {
		return 0
	}
	gaps := e.stills.Gaps
	for i := sort.Search(len(gaps), func(i int) bool { return gaps[i].To > s.from }); i < len(gaps) && gaps[i].From < s.to; i++ {
		if waitsForP(s.cause) || e.h.ranIn(gaps[i].From, gaps[i].To) {
			ns += int64(min(s.to, gaps[i].To) - max(s.from, gaps[i].From))
		}
	}
	return ns
}

// wantsCPU reports whether what goes on for this cause needs a CPU to end.
func wantsCPU(c report.Cause) bool {
	switch c {
	case report.CauseRunning, report.CauseAssist, report.CauseSweep, report.CauseSyscall, report.CauseFoundLate:
		return true
	}
	return waitsForP(c) && !stopsAll(c) && c != report.CauseStopping
}

// ranIn reports whether a P ran a goroutine of the program all through a time.
func (h *history) ranIn(from, to model.Time) bool {
	for p := range h.ps {
		if s, _ := h.does(model.ProcID(p), from); s != nil && s.does == model.PDoesRun && !s.runtime && s.end >= to {
			return true
		}
	}
	return false
}

// quota reports whether the process stood still in the rhythm of a CPU quota. Where the
// machine was asked, nobody has to guess by rhythms.
func (e *explainer) quota() bool {
	if e.cpus.Said() {
		return false
	}
	st := e.stills.Total()
	return st.InRhythm()
}

// hadPs is the place of those who mostly had a P when the process stood still.
func (a *account) hadPs(st *measure.StandstillSum) *names.Place {
	var most int64
	at := &names.Place{}
	for _, stack := range slices.Sorted(maps.Keys(st.RanThen)) {
		if p := a.places.Of(stack); p != nil && st.RanThen[stack] > most {
			most, at = st.RanThen[stack], p
		}
	}
	return at
}

// lookStills finds out how often, and who had the Ps then.
func lookStills(a *account, _ rootKey, t *tale) {
	st := a.e.stills.Total()
	t.stills = &st
	had := a.hadPs(&st)
	t.At, t.From, t.caller = had.At, had.From, had.Caller(a.name)
}

// stillAdvice is what to do about it.
const stillAdvice = "Compare nr_throttled in the container's cpu.stat. Raise the quota, or do less at once; GOMAXPROCS above the quota makes it worse."

// stoodStill says how often and how long.
func (t *tale) stoodStill() string {
	s := fmt.Sprintf("standing still: nothing of the process ran, %s for up to %s, in the rhythm of a CPU quota", words.Times(t.stills.N), words.Length(t.stills.Longest))
	if t.At.Func != "" {
		s += "; it was mostly " + place(t.At, t.caller) + " that had a P then"
	}
	return s
}
