package compare

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// Check holds some traces to a fixture, as a policy holds them to rules. file is
// the fixture's, for the results. The lengths of requests, tasks, regions and
// goroutines must not have become longer, nor the cycles and the computing of goroutines on
// which none of these run; what says less about the program than about the load and the
// machine (waits, tails, most rates, findings, rules) only warns.
func Check(fixture, traces []*Behaviour, file string, opt Options) []report.CheckResult {
	r := Sets(fixture, traces, opt)
	var out []expected
	at := map[key]int{}
	for i := range r.Changes {
		c := &r.Changes[i]
		k := key{c.Kind, c.Name}
		n, ok := at[k]
		if !ok {
			n = len(out)
			at[k] = n
			out = append(out, expectation(c, file))
		}
		out[n].judge(c)
	}
	found := newFindings(fixture, traces)
	beside := circumstances(r, fixture, traces, found)
	for k, n := range at {
		causes := CauseOf(fixture, traces, k.kind, k.name)
		mostly := ""
		if k == (key{SeriesRequest, ""}) {
			mostly = mostlyIn(&out[n], out)
		}
		out[n].tell(r.Machine, mostly, causes)
		out[n].where(k, traces, causes)
		if out[n].Status == report.CheckFail {
			out[n].Subject = k.subject(traces)
		}
	}
	results := machineAsBefore(r.Machine, file)
	slices.SortStableFunc(out, func(a, b expected) int {
		return cmp.Or(cmp.Compare(a.place(), b.place()), cmp.Compare(b.grown, a.grown), strings.Compare(a.ID, b.ID))
	})
	for i := range out {
		if i == 0 { // what else changed concerns the whole program: it is told of once
			out[i].beside(beside)
		}
		results = append(results, out[i].CheckResult)
	}
	results = append(results, findingsHeld(found, fixture, file)...)
	return append(results, comparable(r, fixture, traces, file), findingsKnown(found, fixture, traces, file), rulesHeld(r, file))
}

// comparable is skipped where nothing that may fail could be judged, and says why: that is
// a matter of what was recorded, no pass, and no fault of the program either.
func comparable(r *Result, fixture, traces []*Behaviour, file string) report.CheckResult {
	x := report.CheckResult{Kind: "fixture", ID: "fixture/comparable", Description: "There is something to compare", Expected: "at least one request, task, region, goroutine or cycle of the fixture in the traces, often enough",
		File: file, Severity: report.CheckSeverityError, Status: report.CheckSkip, Items: 1}
	held := map[key]bool{}
	for i := range r.Changes {
		if c := &r.Changes[i]; c.Held && c.judged() && c.passes() && c.Kind != KindRate && c.Kind != SeriesLeg && c.Kind != SeriesAtOnce {
			held[key{c.Kind, c.Name}] = true
		}
	}
	if len(held) > 0 {
		x.Status, x.Measured = report.CheckPass, []report.Evidence{{Label: "compared, so that it may fail,", Value: words.Count(len(held)) + " of " + words.Plural(len(keys(fixture, traces)), "distribution")}}
		return x
	}
	x.Message = "Nothing in the traces could be compared with the fixture: take longer ones, or a fixture of this program."
	if ok, why := Holdable(fixture); !ok {
		x.Message = "The fixture holds nothing to compare with: " + why + "."
	} else if ok, why := Holdable(traces); !ok {
		x.Message = "There is nothing in the traces to compare: " + why + "."
	}
	return x
}

// expected is a CheckResult in the making.
type expected struct {
	report.CheckResult
	of    key
	worse []*Change // what it failed by
	grown float64   // by how much time a second what is worse has grown, ns
}

// leads are the kinds of series in the order in which their failures are told of: first what
// users wait for and has a name, and what goroutines newly wait for, which is why.
var leads = []SeriesKind{SeriesRequest, SeriesTask, SeriesRegion, SeriesAtOnce, KindRate, SeriesLeg, SeriesComputed, SeriesLife, SeriesDispatch, SeriesCycle}

// place is where a result stands among the others: what failed by leads, all else behind it.
func (x *expected) place() int {
	if x.Status != report.CheckFail || x.Severity != report.CheckSeverityError {
		return len(leads)
	}
	i := slices.Index(leads, x.of.kind)
	if x.of.kind != KindRate && names.Standard(&report.Frame{Func: x.of.name}) { // goroutines of net/http live as long as what the program does there
		return len(leads) - 1
	}
	if i > 2 {
		return i
	}
	if x.of.name == "" { // of all requests together it does not show which
		return slices.Index(leads, SeriesLife)
	}
	return 0
}

// expectation is what a fixture says of a distribution or rate, not judged yet. What is
// held fails a check, instead of warning.
func expectation(c *Change, file string) expected {
	name := strings.TrimSuffix(c.Text(), " "+c.Stat)
	x := report.CheckResult{Kind: "fixture", ID: fmt.Sprintf("fixture/%s/%s", c.Kind, c.Name), File: file, Severity: report.CheckSeverityWarning,
		Status: report.CheckSkip, Items: 1, Message: "There is too little of it to compare.",
		Description: "As in the fixture: " + name, Expected: "as in the fixture, or shorter, but for what varies by itself"}
	switch {
	case c.Stat == statMost:
		x.Expected = "as many at once as in the fixture, or nobody who waits for that"
	case c.Stat == statRoom:
		x.Expected = "as in the fixture, or more, but for what varies by itself"
	case c.Kind == KindRate:
		x.Expected = "as in the fixture, or less, but for what varies by itself"
	}
	if c.Held {
		x.Severity = report.CheckSeverityError
	}
	return expected{CheckResult: x, of: key{c.Kind, c.Name}}
}

// mostNoticed is the least effect that must have been noticed for a pass: what may have
// doubled without being noticed was not judged.
const mostNoticed = 1.0

// judge takes one statistic in.
func (x *expected) judge(c *Change) {
	switch c.Verdict {
	case Few:
		return
	case New:
		x.Message = "It is not in the fixture."
		return
	case Gone:
		name := strings.TrimSuffix(c.Text(), " "+c.Stat)
		x.Status, x.Severity = report.CheckFail, report.CheckSeverityWarning
		x.Message = fmt.Sprintf("%s%s is in the fixture, %s times, and no longer in the traces.", strings.ToUpper(name[:1]), name[1:], words.Count(c.Old.Count))
		x.Failures = append(x.Failures, report.CheckFailure{Item: c.Name, Key: fmt.Sprintf("%s/%s/gone", c.Kind, c.Name), Message: strings.TrimSuffix(x.Message, ".")})
		return
	}
	x.Measured = append(x.Measured, report.Evidence{Label: c.Stat, Value: c.Values()})
	if c.Verdict != Worse && (c.Verdict != ByMachine || c.New.Median <= c.Old.Median) {
		switch {
		case x.Status == report.CheckSkip && c.passes() && c.Noticed > mostNoticed:
			x.Message = "It varies too much, or there is too little of it, for any change to be noticed."
			if c.Noticed <= 10*mostNoticed {
				x.Message = fmt.Sprintf("It varies too much: no change of less than %s would have been noticed.", words.Share(c.Noticed))
			}
		case x.Status == report.CheckSkip && c.passes():
			x.Status, x.Message = report.CheckPass, ""
		}
		return
	}
	if x.Status != report.CheckFail {
		x.Status, x.Message = report.CheckFail, ""
		x.Severity = report.CheckSeverityWarning
	}
	x.worse = append(x.worse, c)
	if c.decides() && c.Verdict == Worse {
		x.Severity = report.CheckSeverityError
		x.grown = max(x.grown, c.Time)
		if c.Kind == KindRate && c.Unit != "/s" {
			x.grown = max(x.grown, c.New.Median-c.Old.Median)
		}
	}
}

// passes reports whether a statistic that has not changed is word enough for the whole of
// what it is of: its middle. Tails and shares of slow ones may stand still beside it.
func (x *Change) passes() bool {
	return x.Stat == quantities[0].name || x.Stat == statMean || x.Kind == KindRate || x.Kind == SeriesLeg || x.Kind == SeriesAtOnce
}

// circumstance is what may have made much of a program slower at once, and shows elsewhere.
type circumstance struct{ name, text string }

// mostBeside is how many circumstances a failure names.
const mostBeside = 3

// circumstances are what the two sides ran as, what the analysis newly finds wrong, what the
// collector took, and where goroutines newly wait or are left behind.
func circumstances(r *Result, fixture, traces []*Behaviour, found []*report.Finding) (out []circumstance) {
	for _, text := range differences(fixture, traces) {
		out = append(out, circumstance{"", text})
	}
	for _, f := range found[:min(len(found), mostFound)] {
		out = append(out, circumstance{"", "new: " + f.Title})
	}
	for i := range r.Changes {
		c := &r.Changes[i]
		if c.Kind == KindRate && c.Verdict == Worse && (c.Held || c.Name == rateNames[rateAssist][0]) {
			out = append(out, circumstance{c.Name, fmt.Sprintf("%s went from %s to %s", c.Name, Amount(c.Old.Median, c.Unit), Amount(c.New.Median, c.Unit))})
		}
	}
	return out
}

// beside tells what else changed with what failed and is held.
func (x *expected) beside(all []circumstance) {
	var texts []string
	for _, c := range all {
		if (x.of.kind != KindRate || c.name != x.of.name) && len(texts) < mostBeside {
			texts = append(texts, c.text)
		}
	}
	if x.Status == report.CheckFail && x.Severity == report.CheckSeverityError {
		x.detail("beside it", strings.Join(texts, "; "))
	}
}

// Subject says how what has changed can be explained in some traces, nil where it cannot.
func (x *Change) Subject(traces []*Behaviour) *report.CheckSubject {
	return key{x.Kind, x.Name}.subject(traces)
}

// subject says how a series can be explained. Series of goroutines are named by what these
// run, which not all start with.
func (k key) subject(traces []*Behaviour) *report.CheckSubject {
	kind := map[SeriesKind]report.InstanceKind{SeriesRequest: report.KindRequest, SeriesComputed: report.KindRequest, SeriesTask: report.KindTask, SeriesRegion: report.KindRegion,
		SeriesLife: report.KindGoroutine, SeriesCycle: report.KindGoroutine, SeriesWait: report.KindGoroutine, SeriesDispatch: report.KindGoroutine, SeriesLeg: report.KindGoroutine}[k.kind]
	if kind == "" {
		return nil
	}
	k.name = k.function()
	if kind == report.KindGoroutine && k.name != "" && !slices.ContainsFunc(traces, func(b *Behaviour) bool { return b.starts[k.name] }) {
		kind = report.KindAt
	}
	return &report.CheckSubject{Kind: kind, Name: k.name}
}

// Values are both sides of a change, for people.
func (x *Change) Values() string {
	text := fmt.Sprintf("%s in the fixture, %s now (%s", Amount(x.Old.Median, x.Unit), Amount(x.New.Median, x.Unit), x.Delta())
	if x.Noticed > 0 {
		text += "; would have noticed " + x.NoticedText() + " or more"
	}
	return text + ")"
}

// NoticedText is the least effect that would have been noticed, for people.
func (x *Change) NoticedText() string { return x.share(x.Noticed) }

// share is an effect's size for people: of shares in points, else relative.
func (x *Change) share(effect float64) string {
	if x.Unit == "%" {
		return fmt.Sprintf("%.1f points", 100*effect)
	}
	return words.Share(effect)
}

// manyFold is from how many times as much on a change is told as such.
const manyFold = 10

// Delta is by how much it has changed, for people.
func (x *Change) Delta() string {
	switch {
	case x.Unit == "%" && x.Old.Median != x.New.Median:
		return fmt.Sprintf("%+.1f points", x.New.Median-x.Old.Median)
	case x.Old.Median == x.New.Median:
		return "no change"
	case x.Old.Median == 0:
		return "from none"
	case x.New.Median >= manyFold*x.Old.Median:
		return "×" + words.Number(x.New.Median/x.Old.Median)
	}
	return words.Change(x.New.Median/x.Old.Median - 1)
}

// sure is how sure a change is, and from when on it counts.
func (x *Change) sure() string {
	if x.Stat == statMost {
		return "seen, not estimated: so many were inside at once before, and never since, whoever waited; counts from a third less on"
	}
	return chanceText(x.Q) + "; counts from " + x.share(x.Floor) + " on"
}

// chanceText is how many of all that looks as sure would be chance, were all called a change.
func chanceText(q float64) string {
	const least = 1000
	if q < 1./least {
		return "less than 1 in " + words.Count(least) + " as clear as that is chance"
	}
	return "1 in " + words.Count(int(math.Round(1/q))) + " as clear as that is chance"
}

// intervalText is between what the change lies, as far as that is known.
func intervalText(x *Change) string {
	switch {
	case x.Lo == x.Hi:
		return ""
	case x.Unit == "%":
		return fmt.Sprintf(" (between %+.1f and %+.1f)", 100*x.Lo, 100*x.Hi)
	case strings.HasPrefix(x.Delta(), "×"):
		return fmt.Sprintf(" (between ×%s and ×%s)", words.Number(1+x.Lo), words.Number(1+x.Hi))
	}
	return fmt.Sprintf(" (between %s and %s)", words.Change(x.Lo), words.Change(x.Hi))
}

// sideText is a median, how sure it is, and what it is of.
func sideText(s Side, unit string) string {
	text := Amount(s.Median, unit) + " ("
	if s.Lo != s.Hi {
		text += fmt.Sprintf("between %s and %s, ", Amount(s.Lo, unit), Amount(s.Hi, unit))
	}
	text += "of " + words.Plural(s.N, "trace")
	if s.Count > 0 {
		text += ", " + words.Plural(s.Count, "length")
	}
	return text + ")"
}

const (
	ruleLeast = 200 // occasions that must be judged on both sides
	ruleFloor = .05 // by which the share of those that agree may fall
)

// rulesHeld warns of rules of the scheduler that hold less often than they did.
func rulesHeld(r *Result, file string) report.CheckResult {
	x := report.CheckResult{Kind: "fixture", ID: "fixture/rules", Description: "The scheduler's rules hold as in the fixture", Expected: fmt.Sprintf("no rule holds less often by %.0f points", 100*ruleFloor),
		File: file, Severity: report.CheckSeverityWarning, Status: report.CheckSkip, Message: "There is too little to judge rules by."}
	for _, c := range r.Rules {
		if c.OldJudged < ruleLeast || c.NewJudged < ruleLeast {
			continue
		}
		x.Items++
		if x.Status == report.CheckSkip {
			x.Status, x.Message = report.CheckPass, ""
		}
		old, new := float64(c.OldAgreed)/float64(c.OldJudged), float64(c.NewAgreed)/float64(c.NewJudged)
		if old-new <= ruleFloor {
			continue
		}
		text := fmt.Sprintf("%s: agreed %s of the time in the fixture, %s now", c.Title, words.Share(old), words.Share(new))
		x.Status, x.Message = report.CheckFail, strings.TrimSpace(x.Message+" "+text+".")
		x.Failures = append(x.Failures, report.CheckFailure{Item: c.Title, Key: "rule/" + c.ID, Message: text})
	}
	if x.Items > 0 {
		x.Measured = []report.Evidence{{Label: "judged on both sides", Value: words.Plural(x.Items, "rule")}}
	}
	return x
}
