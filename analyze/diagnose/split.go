package diagnose

import (
	"cmp"
	"slices"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// pDid is what a P did while a goroutine waited for it.
type pDid uint8

const (
	pDidRun   pDid = iota // goroutines of the program, in stretches below measure.WholeSlice, and what lies between them
	pDidHog               // one goroutine of the program that used up its slice
	pDidOver              // one goroutine of the program that was not stopped when its slice was over: see measure.Overrun
	pDidMark              // a mark worker
	pDidOther             // another goroutine of the runtime
	pDidNone              // no goroutine, for measure.WakeTime or longer: its thread was in the scheduler, or it had none
	pDidCall              // its goroutine was in a system call
	pDidStop              // the world was stopped
	pDidSpare             // not a part of the others: it ran goroutines while another P was idle
	numPDid
)

// split is a length of time by what the P did in it.
type split [numPDid]int64

// ran is the time in which goroutines of the program ran.
func (s *split) ran() int64 { return s[pDidRun] + s[pDidHog] + s[pDidOver] }

func (s *split) add(o *split) {
	for k, ns := range o {
		s[k] += ns
	}
}

// approach moves s towards o by a share of the way, in [0, 1].
func (s *split) approach(o *split, share float64) {
	for k := range s {
		s[k] += int64(share * float64(o[k]-s[k]))
	}
}

// total is the time of all kinds.
func (s *split) total() int64 {
	var ns int64
	for k, x := range s {
		if pDid(k) != pDidSpare {
			ns += x
		}
	}
	return ns
}

// whileWords say what a P did while a goroutine waited for it.
var whileWords = [...]string{
	pDidRun: "goroutines took turns", pDidHog: "one goroutine used up its time slice", pDidOver: "one goroutine ran on when its time slice was over",
	pDidMark: "a mark worker ran", pDidOther: "another goroutine of the runtime ran", pDidNone: "the P ran nothing", pDidCall: "a system call had the P",
	pDidStop: "the world was stopped",
}

// parts are what the P did in these waits, most first.
func (s *split) parts() []pDid {
	var kinds []pDid
	for k := range pDid(len(whileWords)) {
		if s[k] > 0 {
			kinds = append(kinds, k)
		}
	}
	slices.SortStableFunc(kinds, func(a, b pDid) int { return cmp.Compare(s[b], s[a]) })
	return kinds
}

// evidence says how waits divide, the longest part first.
func (s *split) evidence() []report.Evidence {
	var out []report.Evidence
	for _, k := range s.parts() {
		out = append(out, report.Evidence{Label: "of that time, " + whileWords[k], Value: words.Length(s[k]) + ", " + words.ShareOf(s[k], s.total())})
	}
	return out
}
