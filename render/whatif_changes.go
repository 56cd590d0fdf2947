package render

import (
	"fmt"
	"slices"
	"strings"

	"gmptrace/analyze/whatif"
	"gmptrace/analyze/words"
)

// changeTable is what changes of the program do to the requests of a handler, the tasks of a
// name, or the run.
type changeTable struct {
	Title  string
	Before string // what is changed takes without
	Header []string
	Labels []string // Header, each of which tells by itself what it is of
	Rows   [][]string
}

// mostChangeTables is of how many handlers and tasks there is a table.
const mostChangeTables = 4

// changeTables are the tables of x, by what takes most time together. What the simulation
// does not reproduce has none.
func changeTables(x *whatif.Result) []changeTable {
	var out []changeTable
	if len(x.Changes) == 0 {
		return nil
	}
	for i := range x.Changes[0].Of {
		e := &x.Changes[0].Of[i]
		if !e.P50.Known || len(out) == mostChangeTables {
			continue
		}
		shifts := func(c *whatif.Changed) []*whatif.Shift {
			return []*whatif.Shift{&c.Of[i].P50, &c.Of[i].P90, &c.Of[i].P99}
		}
		t := newChangeTable(x, fmt.Sprintf("%s (%s)", e.Called(), words.Count(e.Count)), []string{"p50", "p90", "p99"}, shifts)
		if e.Chance {
			t.byChance()
		}
		out = append(out, t)
	}
	if len(x.Changes[0].Of) == 0 && x.Changes[0].Run.Known {
		out = append(out, newChangeTable(x, "the run", []string{"makespan"}, func(c *whatif.Changed) []*whatif.Shift { return []*whatif.Shift{&c.Run} }))
	}
	return out
}

func newChangeTable(x *whatif.Result, title string, figures []string, shifts func(*whatif.Changed) []*whatif.Shift) changeTable {
	t := changeTable{Title: title}
	var before, known []string
	for i, s := range shifts(&x.Changes[0]) {
		if s.Known {
			before = append(before, fmt.Sprintf("%s %s, simulated %s", figures[i], words.Length(s.Recorded), words.Length(s.Before)))
			known = append(known, figures[i])
		}
	}
	t.Before = "Recorded " + strings.Join(before, "; ") + "."
	if x.Changes[0].Asked {
		t.Header = append(append([]string{"what"}, known...), "sure")
		t.Labels = t.Header
		for i := range x.Changes {
			c := &x.Changes[i]
			row := []string{c.Name}
			for _, s := range shifts(c) {
				if s.Known {
					row = append(row, fmt.Sprintf("%s (%s)", s.Moved(), s.Likely()))
				}
			}
			t.Rows = append(t.Rows, append(row, string(c.Confidence)))
		}
		return t
	}
	t.levels(x, known, shifts)
	return t
}

// levels makes a row of what is said of one function, lock or cause.
func (t *changeTable) levels(x *whatif.Result, known []string, shifts func(*whatif.Changed) []*whatif.Shift) {
	t.Header = []string{"what", "its time"}
	t.Labels = []string{"what", "its time"}
	for _, f := range known {
		t.Header = append(t.Header, f+" at -20 %", "-50 %")
		t.Labels = append(t.Labels, f+" at -20 %", f+" at -50 %")
	}
	t.Header = append(t.Header, "sure")
	t.Labels = append(t.Labels, "sure")
	for rest := x.Changes; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].Kind == rest[0].Kind && rest[n].Name == rest[0].Name {
			n++
		}
		row := []string{changedName(&rest[0]), words.Length(rest[0].Time)}
		for i, s := range shifts(&rest[0]) {
			switch {
			case !s.Known:
			case n == 1: // there is no less of waiting for a lock than none, and pools are doubled
				row = append(row, words.None, shiftCell(s))
			default:
				row = append(row, shiftCell(s), shiftCell(shifts(&rest[n-1])[i]))
			}
		}
		t.Rows = append(t.Rows, append(row, string(rest[n-1].Confidence)))
		rest = rest[n:]
	}
}

// byChance makes what is told of a handler that not all of its requests show less sure.
func (t *changeTable) byChance() {
	t.Before += " Only some of its requests show it, those that waited for a lock or were seen computing: after a change others do."
	for _, row := range t.Rows {
		row[len(row)-1] = string(whatif.ConfidencePoor)
	}
}

func changedName(c *whatif.Changed) string {
	switch c.Kind {
	case whatif.ChangeLock:
		return "waits for locks in " + c.Name + " (none)"
	case whatif.ChangeSyscall:
		return "system calls of " + c.Name
	case whatif.ChangePool:
		return "workers of " + c.Name + " (twice as many)"
	}
	return c.Name
}

// shiftCell is a change, where there is one.
func shiftCell(s *whatif.Shift) string {
	if !s.Clear() {
		return "none clear"
	}
	return s.Moved()
}

// changesTitle is the heading of changes, and what to know of them.
func changesTitle(x *whatif.Result) (title, note string) {
	title = "What to make faster first"
	note = "Each is predicted against the same simulation without it, with the same Ps; what helps most stands first."
	if x.Changes[0].Asked {
		title, note = "What the change does", "Against the same simulation without it, with the same Ps; in brackets where it likely lies."
	}
	if len(changeTables(x)) == 0 {
		note = "The simulation does not come to what requests and tasks took, or the run, when they were recorded: what a change does to them is not told."
	}
	return title, note
}

// lockBound is what is to be known of locks beside changes, where one is about them.
func lockBound(x *whatif.Result) string {
	if x.Locks == nil || !slices.ContainsFunc(x.Changes, func(c whatif.Changed) bool { return c.About == whatif.ChangeLock }) {
		return ""
	}
	return x.Locks.Text
}

func (t *terminal) programChanges(x *whatif.Result) {
	if len(x.Changes) == 0 {
		return
	}
	t.heading(changesTitle(x))
	for _, c := range changeTables(x) {
		t.wrap("  ", "  ", c.Title+". "+c.Before)
		tab := table{align: "l" + strings.Repeat("r", len(c.Header)-2) + "l", left: 3, rows: c.Rows}
		t.table(tab, c.Header...)
	}
	if text := lockBound(x); text != "" {
		t.wrap("  ", "  ", text)
		t.line("")
	}
}
