package render

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// ExplainJSON writes x as analyze/schema/explain.schema.json describes it, in the
// manner of JSON.
func ExplainJSON(w io.Writer, x *report.Explanation) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(mapped(*x, words.Machine)); err != nil {
		return fmt.Errorf("writing the explanation as JSON: %w", err)
	}
	return nil
}

func unfinished(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %s of them cut off by the trace's end", words.Count(n))
}

// unnamed says how many requests beside those that are explained show no handler: they may
// be of the same one, so that its own count is the least that it can have had.
func unnamed(x *report.Explanation) string {
	if x.Kind != report.KindRequest || len(x.Groups) == 0 || x.Groups[0].Name == "" {
		return ""
	}
	var n int64
	for i := range x.Groups[1:] {
		if g := &x.Groups[i+1]; g.Name == "" {
			n += g.Count
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("; the handler of %s more does not show, which may be of these too", words.Count(n))
}

// instanceName is what an instance is called.
func instanceName(in *report.Instance) string {
	name := words.Function(in.Name)
	if in.Name == "" {
		name = "handler not seen"
	}
	if in.Task >= 0 {
		name += fmt.Sprintf(" (task %s)", words.Count(in.Task))
	}
	return name
}

func instanceLength(in *report.Instance) string {
	if in.Unfinished {
		return "at least " + words.Length(in.Duration)
	}
	return words.Length(in.Duration)
}

// instanceWhere says on which goroutine an instance was, and when.
func instanceWhere(in *report.Instance) string {
	return fmt.Sprintf("G%d (%s), from %s on", in.G, words.Function(in.Func), words.At(in.Start))
}

// explainedMany is what the explained things are called, in the plural.
func explainedMany(kind report.InstanceKind) string {
	if kind == report.KindLog {
		return "messages"
	}
	if kind == "" {
		return "instances"
	}
	return string(kind) + "s"
}

// slowestTitle heads what a report explains.
func slowestTitle(kind report.InstanceKind) string {
	if kind == report.KindMain {
		return "main.main"
	}
	return "Slowest " + explainedMany(kind)
}

// sureWord is how sure an answer is: certain is what has no doubt; "" where nothing says.
func sureWord(sure, why string) string {
	switch {
	case sure == "certain", sure == "high" && why == "":
		return "certain"
	case sure == "high", sure == "medium":
		return "likely"
	case sure == "low":
		return "not told"
	}
	return ""
}

// howSure says how sure an answer is, and why no surer.
func howSure(sure, why string) string {
	word := sureWord(sure, why)
	if word == "" || why == "" {
		return word
	}
	return word + " – " + why
}

// groupName is what the instances of a population are called.
func groupName(kind report.InstanceKind, name string) string {
	if name == "" {
		return notSeen(kind)
	}
	return words.Function(name)
}

// notSeen is what instances without a name are called.
func notSeen(kind report.InstanceKind) string {
	if kind == report.KindRequest {
		return "(handler not seen)"
	}
	return "(not known)"
}

// slowOnes are those whose means are told as those of slow ones: of stalls, of which many are
// small, all.
func slowOnes(x *report.Explanation) string {
	if x.Kind == report.KindStall {
		return "all " + words.Count(x.Slow.Count)
	}
	return words.Slowest(x.Slow.Count)
}

// rootsOf says of whom the roots are the means.
func rootsOf(x *report.Explanation) string {
	s := "means of " + slowOnes(x)
	if x.Slow.Count == 1 {
		s = "of the slowest"
	}
	if len(x.Usual) > 0 {
		s += ", and of typical ones that were looked at closely"
	}
	return s
}

// rootRow is a root beside what typical ones have of it.
type rootRow struct {
	report.Root
	Slow string // time of a slow one
	Than string // of a typical one
}

// What typical ones have alone is shown from this part of their time on, as a divisor, and
// of so many at most.
const (
	leastUsual = 20
	mostUsual  = 3
)

// rootRows are the roots that make up a hundredth of the slow ones' time, at most n, and
// beneath those that typical ones have alone.
func rootRows(x *report.Explanation, n int) []rootRow {
	var rows []rootRow
	told, moved := make([]bool, len(x.Usual)), map[report.RootKind]int64{}
	for i := range x.Roots {
		r := &x.Roots[i]
		typical := r.Typical
		if r.At.Func == "" {
			typical = max(0, typical-moved[r.Kind])
		}
		for k := range x.Usual {
			if u := &x.Usual[k]; !told[k] && sameRoot(r, u) {
				if told[k] = true; u.NS > typical {
					moved[r.Kind] += u.NS - typical
					typical = u.NS
				}
			}
		}
		if len(rows) < n && max(r.NS, typical)*100 >= x.Slow.Mean {
			rows = append(rows, rootRow{*r, words.Length(r.NS), words.Length(typical)})
		}
	}
	most := len(rows) + mostUsual
	for k, u := range x.Usual {
		if !told[k] && len(rows) < most && u.NS*leastUsual >= rootsSum(x.Usual) {
			u.Advice = "" // it is no trouble
			rows = append(rows, rootRow{u, "–", words.Length(u.NS)})
		}
	}
	return rows
}

// sameRoot reports whether two roots are one thing, seen in the same function or one that
// had called the other.
func sameRoot(a, b *report.Root) bool {
	switch {
	case a.Kind != b.Kind:
		return false
	case a.Kind == report.RootGC || a.Kind == report.RootLate: // there is one, whoever is behind it
		return true
	}
	return a.At.Func == b.At.Func || a.From != "" && a.From == b.At.Func || b.From != "" && b.From == a.At.Func
}

func rootsSum(roots []report.Root) (ns int64) {
	for _, r := range roots {
		ns += r.NS
	}
	return ns
}

// treeRow is causes that are one to who waits, or, Part, one of them.
type treeRow struct {
	report.CauseChange
	Part bool
}

// causeTree joins the causes of a parent and has its parts beneath, where several make up
// a hundredth of a mean.
func causeTree(changes []report.CauseChange, mean int64) []treeRow {
	type key struct{ blockedFor, parent string }
	parts, order := map[key][]report.CauseChange{}, []key{}
	for _, c := range changes {
		k := key{c.BlockedFor, cmp.Or(c.Parent, c.Cause)}
		if parts[k] == nil {
			order = append(order, k)
		}
		parts[k] = append(parts[k], c)
	}
	joined := make([][]treeRow, 0, len(order))
	for _, k := range order {
		joined = append(joined, withParts(k.parent, parts[k], mean))
	}
	slices.SortStableFunc(joined, func(a, b []treeRow) int {
		return cmp.Compare(b[0].Slow-b[0].Typical, a[0].Slow-a[0].Typical)
	})
	return slices.Concat(joined...)
}

// withParts is a row of what causes have in common, and those beneath that count.
func withParts(parent string, parts []report.CauseChange, mean int64) []treeRow {
	all := report.CauseChange{BlockedFor: parts[0].BlockedFor, Cause: parent, Parent: parent}
	rows := []treeRow{{}}
	for _, c := range parts {
		all.Slow, all.Typical = all.Slow+c.Slow, all.Typical+c.Typical
		if max(c.Slow, c.Typical)*100 >= mean {
			rows = append(rows, treeRow{c, true})
		}
	}
	if len(rows) == 2 || len(parts) == 1 { // the one says it
		all.Cause = parts[0].Cause
		if len(rows) == 2 {
			all.Cause = rows[1].Cause
		}
		rows = rows[:1]
	}
	all.Text = parts[0].Text
	rows[0].CauseChange = all
	if len(parts) > 1 {
		rows[0].Text = rows[0].Term()
	}
	return rows
}

// timesOf are times as changes from nothing.
func timesOf(causes []report.CauseTime) []report.CauseChange {
	var out []report.CauseChange
	for _, c := range causes {
		out = append(out, report.CauseChange{BlockedFor: c.BlockedFor, Cause: c.Cause, Parent: c.Parent, Slow: c.NS, Text: c.Text})
	}
	return out
}

// Term is a row's cause in short, and what the explained goroutine was blocked for
// meanwhile where it waited for another one.
func (r *treeRow) Term() string {
	if r.Part {
		return "· of that " + causeWordOf(r.Cause).Term
	}
	term := causeWordOf(cmp.Or(r.Parent, r.Cause)).Term
	if ownWait(r.BlockedFor) || r.Cause == "never-ended" {
		return term
	}
	return fmt.Sprintf("%s, of a goroutine that it waited for (%s)", term, r.BlockedFor)
}

// ownWait reports whether who is blocked for a reason waits for no other goroutine.
func ownWait(reason string) bool {
	switch model.ReasonNamed(reason) {
	case model.ReasonNone, model.ReasonNetwork, model.ReasonSleep, model.ReasonAssist, model.ReasonUntilGCEnds, model.ReasonSweep, model.ReasonWeakToStrong, model.ReasonPreempted:
		return true
	}
	return false
}

// leastSpent is the share of an instance's time, as a divisor, from which on a place has
// a row.
const leastSpent = 100

// spentRows are the first rows of what an instance's time went to, at most n, and one of
// all the rest.
func spentRows(in *report.Instance, n int) []report.Spent {
	var out []report.Spent
	left := report.Spent{G: model.NoG, Cause: "several"}
	for _, s := range in.Spent {
		if s.Cause != left.Cause && len(out) < n && (s.NS*leastSpent >= in.Duration || len(in.Spent) == 1) {
			out = append(out, s)
			continue
		}
		left.NS, left.Count, left.Places = left.NS+s.NS, left.Count+s.Count, left.Places+s.Places
	}
	if left.Places == 0 {
		return out
	}
	left.Text = "shorter stretches, at " + words.Plural(left.Places, "other place")
	return append(out, left)
}
