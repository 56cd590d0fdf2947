package whatif

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"gmptrace/analyze/words"
	"gmptrace/model/simulate"
)

// adviceLeast is the share of a length below which a gain is not worth a word.
const adviceLeast = .05

// batch reports whether the program ends by itself, as far as the trace tells: it has no
// requests or tasks, whose lengths would be what counts.
func (w *prediction) batch() bool { return len(w.x.Recorded.Of) == 0 }

// otherSettings reports whether settings of the scheduler were asked for.
func (w *prediction) otherSettings() bool {
	return len(w.set.Procs) > 0 || len(w.set.Schedulers) > 0 || w.changesRules()
}

// changesRules reports whether settings were asked for besides the number of Ps.
func (w *prediction) changesRules() bool {
	s := &w.set
	return s.CPUs > 0 || s.Tick != 0 || s.Slice != 0 || s.NoSteal || s.NoHandoff || s.NoAsync
}

// named says what a variant is, as it is asked for.
func (w *prediction) named(v *Variant) string {
	name := fmt.Sprintf("GOMAXPROCS=%d", v.Procs)
	switch {
	case v.Scheduler != simulate.GMP.String():
		name = fmt.Sprintf("%s, %s", v.Scheduler, words.Plural(int64(v.Procs), "thread"))
	case v.Procs == w.procs && v.Settings != "":
		return "With " + v.Settings
	}
	if v.Settings != "" {
		name += ", " + v.Settings
	}
	return name
}

// outcomes say what a variant does to what takes most time, with the range that it likely lies
// in and how sure that is; gain is by how much what is told gets shorter at the most, least
// by how much that likely is at the least.
func (w *prediction) outcomes(v *Variant) (text string, gain, least float64, sure Confidence) {
	base := &w.x.Variants[0]
	if w.batch() {
		s := Shift{Before: base.Makespan, After: v.Makespan, Change: difference(v.Makespan, base.Makespan), Low: difference(v.Low, base.Makespan), High: difference(v.High, base.Makespan)}
		return "the run " + s.span(), -s.Change, -s.High, v.Confidence
	}
	var parts, wide []string
	sure = v.Confidence
	for i := range v.Of {
		if len(parts)+len(wide) == toldEffects {
			break
		}
		k, s := v.Of[i].most(&base.Of[i])
		if k < 0 || v.Of[i].Chance {
			continue
		}
		what := fmt.Sprintf("p%d of %s", int(100*quantiles[k]), v.Of[i].Called())
		width := s.High - s.Low
		if width > poorWidth && math.Abs(s.Change) >= clearly {
			wide = append(wide, fmt.Sprintf("%s is anywhere from %s", what, s.Likely()))
			continue
		}
		parts = append(parts, what+" "+s.span())
		if -s.Change > gain {
			gain, least = -s.Change, -s.High
		}
		if width > fairWidth || w.x.Check.Of[i].off(k) > goodRequests {
			sure = lessSure(sure, ConfidenceFair)
		}
	}
	if len(parts) == 0 {
		sure = ConfidencePoor
	}
	return strings.Join(append(parts, wide...), "; "), gain, least, sure
}

// How wide a likely range may be, as a share of the length before, for what lies in it to be
// called good and fair.
const (
	fairWidth = .5
	poorWidth = 1
)

// most is the quantile that a variant changes most, of those that are known, and how; -1 for
// none. Of two that change alike it is that of the slow ones.
func (l *Lengths) most(before *Lengths) (k int, most Shift) {
	k = -1
	for i := len(quantiles) - 1; i >= 0; i-- {
		was, is := before.at(i), l.at(i)
		if !is.Known || was.NS == 0 {
			continue
		}
		s := Shift{Before: was.NS, After: is.NS, Change: difference(is.NS, was.NS), Low: difference(is.Low, was.NS), High: difference(is.High, was.NS)}
		if k < 0 || math.Abs(s.Change) > math.Abs(most.Change)+clearly {
			k, most = i, s
		}
	}
	return k, most
}

// span says what changes, with its range even where that leaves open which way.
func (s *Shift) span() string {
	if math.Abs(s.Change) < clearly {
		return "about as before"
	}
	return fmt.Sprintf("%s, likely %s", moved(s.Change), s.Likely())
}

// Likely is the range that it likely lies in, both ends told alike.
func (s *Shift) Likely() string {
	switch {
	case s.High < 1:
		return fmt.Sprintf("%s to %s", words.Change(s.Low), words.Change(s.High))
	case s.High >= mostTimes-1:
		return fmt.Sprintf("%s times to more than %d times as long", times(s.Low), mostTimes)
	}
	return fmt.Sprintf("%s to %s times as long", times(s.Low), times(s.High))
}

// Moved is how much longer or shorter it gets, in words where that is many times.
func (s *Shift) Moved() string { return moved(s.Change) }

// times is how many times as long something is: "0.67", "2.4".
func times(x float64) string {
	if x < 1 {
		return strconv.FormatFloat(1+x, 'f', 2, 64)
	}
	return strconv.FormatFloat(1+x, 'f', 1, 64)
}

// mostTimes is how many times as long is told as a number.
const mostTimes = 10

// moved is how much longer or shorter something gets, in words where that is many times.
func moved(x float64) string {
	switch {
	case x >= mostTimes-1:
		return fmt.Sprintf("more than %d times as long", mostTimes)
	case x >= 1:
		return times(x) + " times as long"
	}
	return words.Change(x)
}

// answer says in one sentence what a variant would do, how sure that is, and what weighs on it.
func (w *prediction) answer(v *Variant) (text string, gain, least float64, sure Confidence) {
	effects, gain, least, sure := w.outcomes(v)
	if sure == ConfidencePoor || effects == "" {
		text = w.named(v) + ": "
		if w.batch() && v.Most > 0 {
			text += fmt.Sprintf("bounds only: the run takes %s to %s", words.Length(v.Least), words.Length(v.Most))
		} else {
			text += "not told"
		}
		return text + ", as " + w.whyNot(v, effects) + ".", 0, 0, ConfidencePoor
	}
	text = fmt.Sprintf("%s: %s (%s)", w.named(v), effects, sure)
	if because := w.because(v); because != "" {
		text += "; " + because
	}
	return text + ".", gain, least, sure
}

// whyNot is half a sentence on why nothing is told of a variant, which had these effects.
func (w *prediction) whyNot(v *Variant, effects string) string {
	switch {
	case (v.Confidence != ConfidencePoor || len(v.Doubts) == 0) && effects != "":
		return effects + ": it differs from one simulation to another"
	case (v.Confidence != ConfidencePoor || len(v.Doubts) == 0) && slices.ContainsFunc(v.Of, func(l Lengths) bool { return l.Chance }):
		return shownByChance
	case v.Confidence != ConfidencePoor || len(v.Doubts) == 0:
		return "the simulation does not come to what requests and tasks took when they were recorded"
	}
	why := v.Doubts[0]
	for _, end := range []string{": ", ", so ", ", and "} {
		why, _, _ = strings.Cut(why, end)
	}
	return why
}

// because is half a sentence on what the number of Ps means to the program, "" for nothing.
func (w *prediction) because(v *Variant) string {
	running := w.x.Recorded.Utilisation * float64(w.procs)
	switch {
	case v.Procs > w.procs && v.CPUs == 0 && w.x.Laws != nil && w.x.Laws.Parallelism < 1.2:
		return fmt.Sprintf("on average %s of its goroutines run at a time", words.Number(math.Round(10*running)/10))
	case v.Procs > w.procs && v.CPUs == 0:
		return fmt.Sprintf("if the machine has %d CPUs free for it", v.Procs)
	case v.Procs < w.procs:
		return fmt.Sprintf("on average %s Ps of %d run goroutines", words.Number(math.Round(10*running)/10), w.procs)
	}
	return ""
}

// advise names the settings of Go's scheduler that would likely make requests, tasks or the
// run shorter, and says so if none does.
func (w *prediction) advise() {
	x := w.x
	if len(x.Variants) == 0 || x.Check.Confidence == ConfidenceNone || len(x.Variants) == 1 && !w.set.Change.none() {
		return
	}
	for i := range x.Variants {
		v := &x.Variants[i]
		if v.Scheduler != simulate.GMP.String() || i == 0 {
			continue
		}
		text, gain, least, sure := w.answer(v)
		if gain < adviceLeast || -least > gain { // it may lose more than it is likely to gain
			continue
		}
		x.Advice = append(x.Advice, Suggestion{Variant: v.Name, Gain: gain, Least: max(least, 0), Confidence: sure, Text: text})
	}
	slices.SortStableFunc(x.Advice, func(a, b Suggestion) int { return cmp.Compare(b.Gain, a.Gain) })
	if len(x.Advice) == 0 {
		x.Advice = append(x.Advice, Suggestion{Variant: x.Variants[0].Name, Confidence: x.Check.Confidence, Text: "No other setting is predicted to help by " + words.Share(adviceLeast) + " or more and by more than the prediction may be off: leave them as they are."})
	}
}

// headline answers what was asked; where nothing was, what to make faster first.
func (w *prediction) headline() {
	x := w.x
	switch {
	case x.Check.Confidence == ConfidenceNone:
		x.Headline = "There is nothing to simulate: no goroutine of the program ran."
	case !w.set.Change.none() && len(x.Changes) > 0:
		x.Headline, x.Detail = x.Changes[0].Text, w.changeDetail()
	case x.Lesson != nil:
		x.Headline = x.Lesson.answer()
		return
	case w.otherSettings():
		x.Headline, x.Detail = w.settingsAnswer()
	default:
		x.Headline, x.Detail = w.fasterAnswer()
	}
	if text := w.givenCPUs(); text != "" && w.set.Change.none() {
		x.Detail = strings.TrimSpace(x.Detail + " " + text)
	}
}

// mostAnswers is how many variants the answer tells of.
const mostAnswers = 3

// settingsAnswer tells of the variants that were asked for: Go's scheduler first, those of
// which something is told before others.
func (w *prediction) settingsAnswer() (headline, detail string) {
	var told, not, reasons []string
	without := map[string][]string{} // variants of which nothing is told, by the reason
	for i := range w.x.Variants[1:] {
		v := &w.x.Variants[i+1]
		text, _, _, sure := w.answer(v)
		why, same := strings.CutPrefix(text, w.named(v)+": not told, as ")
		switch {
		case sure != ConfidencePoor:
			told = append(told, text)
		case !same:
			not = append(not, text)
		default:
			if without[why] == nil {
				reasons = append(reasons, why)
			}
			without[why] = append(without[why], w.named(v))
		}
	}
	for _, why := range reasons {
		not = append(not, fmt.Sprintf("%s: not told, as %s", together(without[why]), why))
	}
	all := append(told, not...)
	if len(all) == 0 {
		return "These are the recorded settings: " + w.x.Check.Text + ".", ""
	}
	return all[0], strings.Join(all[1:min(len(all), mostAnswers)], " ")
}

// together lists names, what they begin with alike once: "GOMAXPROCS=1, 4 and 8".
func together(names []string) string {
	prefix, _, same := strings.Cut(names[0], "=")
	for _, n := range names[1:] {
		same = same && strings.HasPrefix(n, prefix+"=") && !strings.Contains(n, ", ")
	}
	if same = same && !strings.Contains(names[0], ", "); same {
		for i := range names[1:] {
			names[i+1] = strings.TrimPrefix(names[i+1], prefix+"=")
		}
	}
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], map[bool]string{true: ", ", false: "; "}[same]) + " and " + names[last]
}

// fasterAnswer tells what to make faster first.
func (w *prediction) fasterAnswer() (headline, detail string) {
	best := w.first()
	var also []string
	poor := len(w.x.Changes) > 0 && !slices.ContainsFunc(w.x.Changes, func(x Changed) bool { return x.Confidence != ConfidencePoor })
	switch {
	case best != nil:
		headline = "What to make faster first: " + best.Text
	case len(w.x.Changes) == 0:
		headline = "What to make faster first is not told: no function, lock, system call or collection has enough time."
	case len(w.x.Changes[0].told()) == 0:
		headline = "What to make faster first is not told: the simulation does not come to what was recorded."
	case poor:
		headline = "What to make faster first is not told, as " + w.x.Changes[0].Doubt + "."
	default:
		headline = "Nothing stands out to be made faster: of what has most time, half of it gone would not show clearly."
	}
	for i := range w.x.Advice {
		if a := &w.x.Advice[i]; a.Gain > 0 {
			also = append(also, a.Text)
		}
	}
	return headline, strings.Join(also[:min(len(also), 1)], " ")
}

// first is the change of the table that helps most clearly: a fifth cheaper, or half where
// that shows nothing.
func (w *prediction) first() *Changed {
	for i := range w.x.Changes {
		x := &w.x.Changes[i]
		if x.Confidence == ConfidencePoor {
			continue
		}
		for _, s := range x.told() {
			if s.Clear() && s.Change < 0 {
				return x
			}
		}
	}
	return nil
}

func (w *prediction) notes() {
	x := w.x
	add := func(format string, args ...any) { x.Notes = append(x.Notes, fmt.Sprintf(format, args...)) }
	add("Goroutines do what they did when they were recorded: work that would be other work in another order can't be known, nor waits that did not show because nobody had to wait.")
	if n := w.c.seen.outside; n > w.c.local.matched() {
		add("%s waits were ended by a timer, the network or something not known, %s of them by the network: they are as long as they were, less what a busy P is likely to have been late.", words.Count(n-w.c.local.matched()), words.Count(w.c.seen.net-w.c.local.matched()))
	}
	if n := w.c.local.matched(); n > 0 {
		add("%s waits for the network were ended by the program itself, which sent to the other end of a connection: who sent is inferred from the order of system calls and of what the poller found.", words.Count(n))
	}
	if x.Deadlines != nil {
		add("%s", x.Deadlines.Text)
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
