package render

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// A waterfall is the critical path of one instance: a row per goroutine, in the
// order in which the path comes to them, the explained one first; in each row a
// bar per step; and a line wherever the path passes from one goroutine to another.
// It is drawn by the style sheet alone, from shares of the width.
type waterfall struct {
	Rows  []waterfallRow
	Hops  []hop
	Ticks []tick
	Text  string // for those who don't see it
	Left  int    // goroutines that share the last row
}

type waterfallRow struct {
	Name  string // "" for the row of what has none
	Title string
	Share string // of the time
	Bars  []segment
}

// segment is a part of a bar: Left and Width are percent.
type segment struct {
	Left, Width float64
	Class       string
	Title       string
	Number      int // 0 for none
}

// hop is where the path passes from one row to another: it goes down, or up.
type hop struct {
	Left     float64
	Row, Far int // the upper one and how many rows below it the other is
	Up       bool
}

type tick struct {
	Left float64
	Text string
	End  bool // the label ends there, instead of beginning
}

// shortest is how wide, in percent, short stretches must be together for the path
// to be drawn through them.
const shortest = 1

// maxRows is how many goroutines have a row of their own.
const maxRows = 14

func newWaterfall(in *report.Instance) waterfall {
	w := waterfall{Ticks: ticks(in.Duration)}
	rowOf, others := w.rows(in)
	whole := float64(max(1, in.Duration))
	last := -1
	var spent = make([]int64, len(w.Rows))
	for i := range in.Path {
		s := &in.Path[i]
		row, ok := rowOf[s.G]
		if !ok || s.Several > 0 {
			row = others
		}
		left := percentOf(float64(s.Start-in.Start), whole)
		bar := segment{Left: left, Width: max(.05, percentOf(float64(s.NS), whole)), Class: classOf(s.Cause), Title: stepTitle(in, s)}
		w.Rows[row].Bars = append(w.Rows[row].Bars, bar)
		spent[row] += s.NS
		if s.Several > 0 && bar.Width < shortest {
			continue // the path passes on to where it goes from there
		}
		if last >= 0 && last != row {
			w.hop(hop{Left: left, Row: min(last, row), Far: max(last, row) - min(last, row), Up: row < last})
		}
		last = row
	}
	for i := range w.Rows {
		w.Rows[i].Share = words.ShareOf(spent[i], in.Duration)
	}
	w.Text = waterfallText(in, len(w.Rows))
	return w
}

// rows makes the rows. The goroutines with the least time share the last one with
// the short stretches.
func (w *waterfall) rows(in *report.Instance) (of map[model.GoID]int, others int) {
	spent, fns, order := map[model.GoID]int64{}, map[model.GoID]string{}, []model.GoID{in.G}
	spent[in.G], fns[in.G] = 0, in.Func
	several := false
	for i := range in.Path {
		s := &in.Path[i]
		if s.Several > 0 {
			several = true
			continue
		}
		if _, ok := spent[s.G]; !ok {
			order = append(order, s.G)
			fns[s.G] = s.Func
		}
		spent[s.G] += s.NS
	}
	kept := slices.Clone(order[1:])
	slices.SortStableFunc(kept, func(a, b model.GoID) int { return cmp.Compare(spent[b], spent[a]) })
	if len(kept) > maxRows-1 {
		w.Left = len(kept) - (maxRows - 1)
		kept = kept[:maxRows-1]
	}
	of = map[model.GoID]int{}
	for _, g := range order {
		if g == in.G || slices.Contains(kept, g) {
			of[g] = len(w.Rows)
			name := fmt.Sprintf("G%d %s", g, words.Function(fns[g]))
			w.Rows = append(w.Rows, waterfallRow{Name: name, Title: fmt.Sprintf("G%d %s", g, fns[g])})
		}
	}
	others = len(w.Rows)
	switch {
	case w.Left > 0 && several:
		w.Rows = append(w.Rows, waterfallRow{Name: fmt.Sprintf("%s, short stretches", words.Plural(int64(w.Left), "other goroutine"))})
	case w.Left > 0:
		w.Rows = append(w.Rows, waterfallRow{Name: words.Plural(int64(w.Left), "other goroutine")})
	case several:
		w.Rows = append(w.Rows, waterfallRow{Name: "short stretches, of several"})
	}
	return of, others
}

// hop adds one, if it can be told from the one before: a path that goes to and fro
// within a pixel would be a smear.
func (w *waterfall) hop(h hop) {
	const apart = .3
	for i := len(w.Hops) - 1; i >= 0 && h.Left-w.Hops[i].Left < apart; i-- {
		if w.Hops[i].Row == h.Row && w.Hops[i].Far == h.Far {
			return
		}
	}
	w.Hops = append(w.Hops, h)
}

// percentOf is a share in percent, from 0 to 100.
func percentOf(part, whole float64) float64 {
	return max(0, min(100, finite(part/whole*100)))
}

// pos is a place or a size in percent, with as many digits as a wide screen shows.
func pos(percent float64) string {
	s := strings.TrimRight(strconv.FormatFloat(percent, 'f', 2, 64), "0")
	return strings.TrimSuffix(s, ".") + "%"
}

// ticks are the labels of a time axis from 0 to length: at steps of 1, 2 or 5
// times a power of ten, at most six of them.
func ticks(length int64) []tick {
	step := int64(1)
	for length/step > 6 {
		for _, factor := range []int64{2, 5, 10} {
			if length/(step*factor) <= 6 || factor == 10 {
				step *= factor
				break
			}
		}
	}
	var list []tick
	for at := int64(0); at <= length; at += step {
		left := percentOf(float64(at), float64(max(1, length)))
		text := "0"
		if at > 0 {
			text = "+" + round(at)
		}
		list = append(list, tick{left, text, left > 90})
	}
	return list
}

// round formats a length that has few digits anyway: "20 ms" instead of "20.0 ms".
func round(ns int64) string {
	number, unit, _ := strings.Cut(words.Length(ns), words.Tie)
	if strings.Contains(number, ".") {
		number = strings.TrimRight(strings.TrimRight(number, "0"), ".")
	}
	return number + words.Tie + unit
}

func stepTitle(in *report.Instance, s *report.PathStep) string {
	when := fmt.Sprintf("+%s, for %s: ", words.Length(s.Start-in.Start), words.Length(s.NS))
	if s.Several > 0 {
		return when + s.Text
	}
	return when + fmt.Sprintf("G%d %s ", s.G, words.Function(s.Func)) + s.Text
}

func waterfallText(in *report.Instance, rows int) string {
	text := fmt.Sprintf("Critical path of %s, %s long, in %s over %s.", instanceName(in), instanceLength(in), words.Plural(int64(len(in.Path)), "step"), words.Plural(int64(rows), "row"))
	if len(in.Story) > 0 {
		text += " " + in.Story[0]
	}
	return text + " The table of its steps says the same."
}

func classOf(cause string) string { return causeWordOf(cause).Class }

// classesIn are the classes that occur in a path, in the order of causeClasses.
func classesIn(in *report.Instance) []causeClass {
	seen := map[string]bool{}
	for i := range in.Path {
		seen[classOf(in.Path[i].Cause)] = true
	}
	var list []causeClass
	for _, c := range causeClasses {
		if seen[c.Class] {
			list = append(list, c)
		}
	}
	return list
}

// maxCauses is how many causes of an instance have a part of its bar, and a line
// beside it.
const maxCauses = 8

// leastShare is one in how much of the time a cause must have to be among them.
const leastShare = 1000

// causeRow is a cause in a table, and in the bar above it.
type causeRow struct {
	segment
	Time, Share, Text string
}

// causeRows are the causes of an instance with their parts of the bar: the rest is
// one.
func causeRows(in *report.Instance) []causeRow {
	return barOf(in.Causes, in.Duration)
}

func barOf(causes []report.CauseTime, total int64) []causeRow {
	var list []causeRow
	var left float64
	add := func(ns int64, class, text string) {
		width := percentOf(float64(ns), float64(max(1, total)))
		list = append(list, causeRow{segment{left, width, class, fmt.Sprintf("%s (%s): %s", words.Length(ns), words.ShareOf(ns, total), text), len(list) + 1}, words.Length(ns), words.ShareOf(ns, total), text})
		left += width
	}
	n := len(causes)
	for n > 0 && causes[n-1].NS*leastShare < total {
		n--
	}
	if n > maxCauses {
		n = maxCauses - 1
	} else if n == len(causes)-1 {
		n = len(causes) // one that is left out takes as much room as it
	}
	for _, c := range causes[:n] {
		add(c.NS, classOf(c.Cause), c.Text)
	}
	var rest int64
	for _, c := range causes[n:] {
		rest += c.NS
	}
	if rest > 0 {
		add(rest, "c-other", words.Plural(int64(len(causes)-n), "smaller cause"))
	}
	return list
}

// mainP is the P that most of an instance's path concerns: the row of the timeline
// to look at; NoP where there is none.
func mainP(in *report.Instance) model.ProcID {
	spent := map[model.ProcID]int64{}
	best := model.NoP
	for i := range in.Path {
		s := &in.Path[i]
		if s.P < 0 || s.Several > 0 {
			continue
		}
		spent[s.P] += s.NS
		if best < 0 || spent[s.P] > spent[best] {
			best = s.P
		}
	}
	return best
}
