package whatif

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gmptrace/analyze/words"
	"gmptrace/model/simulate"
)

// adviceLeast is the share of the makespan below which a gain is not worth a word.
const adviceLeast = .05

// howSure says how sure a prediction is, and the reason that weighs most against it.
func howSure(v *Variant) string {
	switch v.Confidence {
	case ConfidenceGood:
		return "How sure: good."
	case ConfidencePoor:
		return fmt.Sprintf("How sure: poor: %s. Try it, do not rely on it.", v.Doubts[0])
	}
	return fmt.Sprintf("How sure: fair: %s.", v.Doubts[0])
}

// advise names the settings of Go's scheduler that would likely shorten the run, and
// says so if none does.
func (w *prediction) advise() {
	x := w.x
	if len(x.Variants) == 0 || x.Check.Confidence == ConfidenceNone || len(x.Variants) == 1 && !w.set.Change.none() {
		return
	}
	base := &x.Variants[0]
	for i := range x.Variants {
		v := &x.Variants[i]
		if v.Scheduler != "gmp" || i == 0 || base.Makespan == 0 {
			continue
		}
		gain := 1 - float64(v.Makespan)/float64(base.Makespan)
		least := 1 - float64(v.High)/float64(base.Makespan)
		if gain < adviceLeast || -least > gain { // it may lose more than it is likely to gain
			continue
		}
		s := Suggestion{Variant: v.Name, Gain: gain, Least: max(least, 0), Confidence: v.Confidence}
		s.Text = fmt.Sprintf("%s: the run is predicted to take %s less time, likely at least %s", v.Name, words.Share(gain), words.Share(least))
		if least < 0 {
			s.Text = fmt.Sprintf("%s: the run is predicted to take %s less time, but it may take up to %s more", v.Name, words.Share(gain), words.Share(-least))
		}
		if v.Procs > w.procs && v.CPUs == 0 {
			s.Text += fmt.Sprintf(", if the machine has %d CPUs free for it", v.Procs)
		}
		s.Text += ". " + howSure(v)
		x.Advice = append(x.Advice, s)
	}
	slices.SortStableFunc(x.Advice, func(a, b Suggestion) int {
		switch {
		case a.Gain > b.Gain:
			return -1
		case a.Gain < b.Gain:
			return 1
		}
		return 0
	})
	if len(x.Advice) == 0 {
		x.Advice = append(x.Advice, Suggestion{Variant: base.Name, Confidence: x.Check.Confidence,
			Text: fmt.Sprintf("None of the settings simulated is predicted to shorten the run by %s or more and by more than the prediction may be off: leave them as they are.", words.Share(adviceLeast))})
	}
}

func (w *prediction) headline() {
	x := w.x
	if x.Check.Confidence == ConfidenceNone {
		x.Headline = "There is nothing to simulate: no goroutine of the program ran."
		return
	}
	if !w.set.Change.none() && len(x.Changes) > 0 {
		x.Headline, x.Detail = x.Changes[0].Text, w.changeDetail()
		return
	}
	x.Headline = x.Advice[0].Text
	var parts []string
	for _, name := range simulate.Names()[1:] {
		for i := range x.Variants {
			if v := &x.Variants[i]; v.Scheduler == name && v.Procs == w.procs && x.Variants[0].Makespan > 0 {
				parts = append(parts, fmt.Sprintf("under %s the same program is predicted to take %s", name, moreOrLess(float64(v.Makespan)/float64(x.Variants[0].Makespan)-1)))
				break
			}
		}
	}
	x.Detail = strings.Join(parts, "; ")
	if x.Detail != "" {
		x.Detail = strings.ToUpper(x.Detail[:1]) + x.Detail[1:] + ", against Go's scheduler simulated with the same Ps."
	}
	if text := w.givenCPUs(); text != "" {
		x.Detail = strings.TrimSpace(text + " " + x.Detail)
	}
}

// moreOrLess is a share of time in words.
func moreOrLess(share float64) string {
	switch p := math.Round(100 * math.Abs(share)); {
	case p < 1:
		return "as long"
	case share > 0:
		return words.Share(math.Abs(share)) + " more time"
	default:
		return words.Share(math.Abs(share)) + " less time"
	}
}

func (w *prediction) notes() {
	x := w.x
	add := func(format string, args ...any) { x.Notes = append(x.Notes, fmt.Sprintf(format, args...)) }
	add("Goroutines do what they did when they were recorded: work that would be other work in another order (who finds a lock taken, who gets which job) can't be known, nor waits that did not show because nobody had to wait.")
	if n := w.c.seen.outside; n > w.c.local.matched() {
		add("%s waits were ended by a timer, the network or something not known, %s of them by the network: they are as long as they were, less what a busy P is likely to have been late.", words.Count(n-w.c.local.matched()), words.Count(w.c.seen.net-w.c.local.matched()))
	}
	if n := w.c.local.matched(); n > 0 {
		add("%s waits for the network were ended by the program itself, which sent to the other end of a connection: who sent is inferred from the order of system calls and of what the poller found.", words.Count(n))
	}
	add("%s %s", w.computingNote(), w.parallelNote())
	if w.set.CPUs == 0 {
		add("A trace does not tell how many CPUs there are: each P is given one of its own (--cpus says otherwise).")
	}
	if len(x.Trace.Gomaxprocs) > 1 {
		add("GOMAXPROCS changed during the recording; the simulation has the largest value, %s, all the time.", words.Count(w.procs))
	}
	if w.c.seen.cut > 0 {
		add("%s goroutines had not ended when the trace did: what they did after that is not simulated.", words.Count(w.c.seen.cut))
	}
	if w.set.NoAsync {
		add("Without signals, a goroutine keeps its P if it was ever preempted by one in the trace (%s such preemptions); others are taken to come by a safe point in time.", words.Count(w.c.seen.signals))
	}
}
