package compare

import (
	"fmt"
	"math"
	"strings"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// notes say what stands in the way of a fair comparison.
func notes(old, new []*Behaviour, assumed bool) []string {
	out := differences(old, new)
	for _, side := range [][]*Behaviour{old, new} {
		for _, b := range side {
			if !b.Trace.Complete {
				out = append(out, fmt.Sprintf("%s is not complete", b.Trace.Name))
			}
		}
	}
	if half := halfAsked(old, new); half != "" {
		out = append(out, half)
	}
	if assumed {
		out = append(out, fmt.Sprintf("with one trace a side, what differs from one run to the next is an assumption: %s of a median, or more where the trace drifts within itself; several traces a side tell", words.Share(lengthDrift)))
	}
	return out
}

// differences are what is not the same of what the two sides ran as.
func differences(old, new []*Behaviour) []string {
	out := []string{}
	differ := func(what string, of func(*report.Trace) string) {
		a, b := of(&old[0].Trace), of(&new[0].Trace)
		if a != b && a != "" && b != "" {
			out = append(out, fmt.Sprintf("%s differs: %s before, %s now", what, a, b))
		}
	}
	differ("the program", func(t *report.Trace) string { return t.Program })
	differ("the Go version", func(t *report.Trace) string { return t.GoVersion })
	differ("GOMAXPROCS", func(t *report.Trace) string {
		if n := len(t.Gomaxprocs); n > 0 {
			return words.Count(t.Gomaxprocs[n-1].N)
		}
		return ""
	})
	return out
}

// verdict is the comparison in a paragraph.
func (r *Result) verdict() string {
	var worse, better, machine []string
	judged := 0
	for i := range r.Changes {
		c := &r.Changes[i]
		if c.judged() {
			judged++
		}
		text := fmt.Sprintf("%s (%s to %s, %s)", c.Text(), Amount(c.Old.Median, c.Unit), Amount(c.New.Median, c.Unit), c.Delta())
		if c.Unit == "%" {
			text = fmt.Sprintf("%s (%s before, %s now; the longest was %s, is %s)", c.Text(), Amount(c.Old.Median, c.Unit), Amount(c.New.Median, c.Unit), Amount(c.Old.Max, "ns"), Amount(c.New.Max, "ns"))
		}
		switch c.Verdict {
		case Worse:
			worse = append(worse, text)
		case Better:
			better = append(better, text)
		case ByMachine:
			machine = append(machine, text)
		}
	}
	lead := r.Machine.lead("to the new side")
	switch {
	case judged == 0:
		return lead + "There is too little in the traces to compare: take longer ones, or more."
	case len(worse)+len(better)+len(machine) == 0:
		return lead + fmt.Sprintf("No change can be claimed: %d statistics were compared, none differs by more than chance and its floor.%s%s", judged, r.keenest(), r.longer())
	}
	var parts []string
	if len(machine) > 0 {
		parts = append(parts, fmt.Sprintf("%s of %s statistics changed with the CPUs that there were, not by the program: with the time without a CPU taken out there is no change of %s.", words.Count(len(machine)), words.Count(judged), listed(machine)))
	}
	if len(worse) > 0 {
		parts = append(parts, fmt.Sprintf("%s of %s statistics %s worse: %s.", words.Count(len(worse)), words.Count(judged), are(len(worse)), listed(worse)))
	}
	if len(better) > 0 {
		parts = append(parts, fmt.Sprintf("%s of %s %s better: %s.", words.Count(len(better)), words.Count(judged), are(len(better)), listed(better)))
	}
	return lead + strings.Join(parts, " ")
}

// keenest tells how little would have been noticed of what is noticed best.
func (r *Result) keenest() string {
	var best *Change
	for i := range r.Changes {
		c := &r.Changes[i]
		if c.Held && c.Stat == "p50" && c.Verdict == Same && c.Noticed > 0 && (best == nil || c.Noticed < best.Noticed) {
			best = c
		}
	}
	if best == nil {
		return ""
	}
	return fmt.Sprintf(" Of %s a change of %s or more would have been noticed.", best.Text(), best.NoticedText())
}

// longer tells of single lengths that are far longer than before, which is not
// tested.
func (r *Result) longer() string {
	for i := range r.Changes {
		c := &r.Changes[i]
		if c.Held && c.Stat == "p50" && c.Old.Max > 0 && c.New.Max >= farTimes*c.Old.Max && c.New.Max-c.Old.Max >= farLeast {
			return fmt.Sprintf(" But the longest of %s took %s, and %s before: too few are that long for a test.", strings.TrimSuffix(c.Text(), " p50"), Amount(c.New.Max, "ns"), Amount(c.Old.Max, "ns"))
		}
	}
	return ""
}

func are(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// listed are the first few of a list.
func listed(list []string) string {
	const most = 3
	s := strings.Join(list[:min(len(list), most)], ", ")
	if n := len(list) - most; n > 0 {
		s += fmt.Sprintf(" and %s more", words.Count(n))
	}
	return s
}

// Amount is a value with its unit, for people.
func Amount(v float64, unit string) string {
	switch unit {
	case "ns":
		return words.Length(int64(math.Round(v)))
	case "ns/s":
		return words.Share(v/1e9) + " of a P"
	case UnitWaited:
		return words.Length(int64(math.Round(v))) + " a second"
	case "%":
		return words.Share(v / 100)
	case unitRoom:
		return words.Share(v/100) + " of what is live"
	case unitAtOnce:
		return words.Count(int(v))
	}
	return words.Number(v) + unit
}

func rank(v Verdict) int {
	switch v {
	case Worse, Better, ByMachine:
		return 2
	case Gone, New:
		return 1
	}
	return 0
}
