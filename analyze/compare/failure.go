package compare

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// What has failed of a series is one failure, however many of its statistics are worse: its
// message says what takes longer, by how much and why, in this order, and what else of the
// same series shows it.

// tells is the order in which statistics say what is worse of a series: its middle before
// its tails, of which single instances make much.
var tells = []string{quantities[0].name, statMean, statRate, statCause, statSlow, statFar}

// lead is what tells most of what is worse: something that may fail a check, where any may.
func (x *expected) lead() *Change {
	place := func(c *Change) int {
		n := slices.Index(tells, c.Stat)
		if n < 0 {
			n = len(tells)
		}
		if c.Verdict != Worse || !c.decides() {
			n += 1 + len(tells)
		}
		return n
	}
	return slices.MinFunc(x.worse, func(a, b *Change) int { return cmp.Compare(place(a), place(b)) })
}

// mostAlso is how many further statistics a failure names.
const mostAlso = 2

// tell makes the failure of what is worse. mostly is what most of that is, "" where that is not
// known: then causes say why.
func (x *expected) tell(m *Gave, mostly string, causes []CauseChange) {
	if len(x.worse) == 0 {
		return
	}
	lead := x.lead()
	var text string
	if x.Severity == report.CheckSeverityError {
		text = lead.grewText(lead.grownBy()) + m.beside(lead)
		if why := cmp.Or(mostly, whysOf(lead, causes)); why != "" {
			text += ": " + why
		}
	} else { // a line
		text = lead.grewText(lead.Delta()) + m.beside(lead)
	}
	if lead.Aside {
		text += ", by waiting for a P on a machine that draws computing out"
	}
	var also []string
	for _, c := range x.worse {
		if mostly == "" && x.Severity == report.CheckSeverityError && c != lead && len(also) < mostAlso && c.Stat != statCause && c.Stat != statMean {
			also = append(also, c.figures(c.Delta()))
		}
	}
	if len(also) > 0 {
		text += ". Also " + strings.Join(also, "; ")
	}
	x.Message = text + "."
	x.Failures = []report.CheckFailure{{Item: lead.Name, Key: fmt.Sprintf("%s/%s", lead.Kind, lead.Name), Message: text,
		Details: []report.Evidence{{Label: "how sure", Value: lead.sure()}}}}
	if lead.Unit != "%" { // of shares the message tells all that there is
		x.detail("now", sideText(lead.New, lead.Unit))
		x.detail("in the fixture", sideText(lead.Old, lead.Unit))
	}
}

// detail puts something ahead of what is said of the failure.
func (x *expected) detail(label, value string) {
	if f := x.Failures; len(f) > 0 && value != "" {
		f[0].Details = slices.Insert(f[0].Details, 0, report.Evidence{Label: label, Value: value})
	}
}

// grewText is that a series takes longer, with its figures. by is by how much.
func (x *Change) grewText(by string) string {
	who, takes := x.who()
	switch {
	case who == "":
		text := x.Text()
		text = strings.ToUpper(text[:1]) + text[1:] + " went from " + Amount(x.Old.Median, x.Unit) + " to " + Amount(x.New.Median, x.Unit)
		if x.Old.Median > 0 {
			text += " (" + by + ")"
		}
		return text
	case x.Stat == statCause || x.Unit == "%":
		return who + ": " + x.figures("")
	}
	return who + " " + takes + ": " + x.figures(by)
}

// who is whose lengths a series are, and what has become of them; "" of what is said as it is
// called, as rates are.
func (x *Change) who() (who, takes string) {
	name := words.Function(x.Name)
	if x.Name == "" {
		name = "whose name is not known"
	}
	switch x.Kind {
	case SeriesRequest:
		if x.Name == "" {
			return "All requests together", "take longer"
		}
		return "Request " + name, "takes longer"
	case SeriesTask:
		return "Task " + name, "takes longer"
	case SeriesRegion:
		return "Region " + name, "takes longer"
	case SeriesComputed:
		return "Requests that only compute", "take longer"
	case SeriesLife:
		return "A goroutine of " + name, "takes longer from start to end"
	case SeriesCycle:
		return "A cycle of " + name, "takes longer from when it goes on until it waits again"
	case SeriesDispatch:
		return "Goroutines that run " + name, "compute longer at a time"
	case SeriesWait:
		return "Goroutines that run " + name, "wait longer for a P"
	}
	return "", ""
}

// figures are a statistic's, with its name, before and now. by is by how much a length has
// grown.
func (x *Change) figures(by string) string {
	from, to := Amount(x.Old.Median, x.Unit), Amount(x.New.Median, x.Unit)
	switch x.Stat {
	case statSlow:
		return fmt.Sprintf("%s take over %g times the fixture's p99 (%s there)", to, slowTimes, from)
	case statFar:
		return fmt.Sprintf("%s take over %d times the fixture's longest, up to %s (%s there)", to, farTimes, Amount(x.New.Max, "ns"), Amount(x.Old.Max, "ns"))
	case statCause:
		return fmt.Sprintf("on average %s %s (%s in the fixture)", to, x.Cause.Text(), from)
	}
	return fmt.Sprintf("%s %s → %s (%s)", x.Stat, from, to, by)
}

// grownBy is by how much it has grown: as an amount of time where that is one, as a share,
// and between what that lies.
func (x *Change) grownBy() string {
	by := x.Delta()
	if grown := x.New.Median - x.Old.Median; x.Unit == "ns" && grown > 0 && x.Old.Median > 0 {
		by = "+" + Amount(grown, x.Unit) + ", " + by
	}
	if between := intervalText(x); between != "" && x.Old.Median > 0 {
		by += ", " + strings.Trim(between, " ()")
		if effect := x.New.Median/x.Old.Median - 1; effect < x.Lo || effect > x.Hi { // the pace of the runs is taken out of the bounds alone
			by += " had both runs gone at one pace"
		}
	}
	return by
}

// mostlyIn names the request that most of what all of them together have grown by is in, ""
// where there is none: then nothing else is to be said of all together.
func mostlyIn(all *expected, out []expected) string {
	for i := range out {
		x := &out[i]
		if x.of.kind == SeriesRequest && x.of.name != "" && x.Status == report.CheckFail && x.Severity == all.Severity && 2*x.grown >= all.grown {
			return "most of it in " + words.Function(x.of.name)
		}
	}
	return ""
}

// mostWhys is how many causes a failure names.
const mostWhys = 2

// whysOf says what of a mean instance's time has grown, where one or two causes make up most
// of that.
func whysOf(lead *Change, causes []CauseChange) string {
	var all, told int64
	for i := range causes {
		all += max(0, causes[i].Grown())
	}
	var whys []string
	for i := range causes {
		if c := &causes[i]; len(whys) < mostWhys && c.Grown()*5 >= all && c.Grown() > 0 {
			told += c.Grown()
			if lead.Stat != statCause || c.key() != lead.Cause.key() { // which is told of already
				whys = append(whys, c.Text())
			}
		}
	}
	switch text := strings.Join(whys, ", "); {
	case told*2 < all || len(whys) == 0:
		return ""
	case lead.Stat == statMean:
		return text
	default:
		return "of the mean " + text
	}
}
