package render

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/rivo/uniseg"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// terminal lays lines out as text. Errors of w are kept by the bufio.Writer
// beneath it.
type terminal struct {
	w      io.Writer
	width  int
	height int // of the screen; 0 for none
	color  bool
	lines  int  // that were written
	empty  bool // the last of them was
}

// The width where nothing tells, and the least that is laid out for.
const (
	usualWidth = 80
	leastWidth = 40
)

func newTerminal(w io.Writer, opt TextOptions) *terminal {
	return &terminal{w: w, width: max(leastWidth, cmp.Or(opt.Width, usualWidth)), height: opt.Height, color: opt.Color}
}

// again writes the answer once more where its first line has left the screen.
func (t *terminal) again(answer string, inks ...ink) {
	if t.height > 0 && t.lines >= t.height {
		t.line("")
		t.wrap("", "", answer, inks...)
	}
}

// ink is an ANSI colour or weight, as the number in its escape sequence.
type ink string

const (
	bold   ink = "1"
	red    ink = "31"
	yellow ink = "33"
	blue   ink = "34"
	faint  ink = "2"
)

func colorOf(s report.Severity) ink {
	switch s {
	case report.SeverityCritical:
		return red
	case report.SeverityWarning:
		return yellow
	}
	return blue
}

func (t *terminal) paint(with ink, s string) string {
	if !t.color || s == "" {
		return s
	}
	return "\x1b[" + string(with) + "m" + s + "\x1b[0m"
}

// apart writes an empty line unless there is one.
func (t *terminal) apart() {
	if !t.empty {
		t.line("")
	}
}

// paintIf is paint where it is asked for.
func (t *terminal) paintIf(yes bool, with ink, s string) string {
	if !yes {
		return s
	}
	return t.paint(with, s)
}

func (t *terminal) line(s string) {
	s = words.Inert(strings.TrimRight(words.Text(s), " "))
	t.lines += 1 + strings.Count(s, "\n")
	t.empty = s == ""
	fmt.Fprintln(t.w, s)
}

func (t *terminal) heading(title, takeaway string) {
	t.line(t.paint(bold, title))
	if takeaway != "" {
		t.wrap("  ", "  ", takeaway)
		t.line("")
	}
}

// wrap writes s in lines no wider than t.width, the first after first, the
// others after rest. A word that does not fit behind an indentation begins further left,
// and one that is wider than all is left whole: a name that is cut can't be looked for.
func (t *terminal) wrap(first, rest, s string, inks ...ink) {
	prefix := first
	left := wordsOf(s)
	for len(left) > 0 {
		if over := uniseg.StringWidth(prefix) + uniseg.StringWidth(left[0]) - t.width; over > 0 && strings.TrimSpace(prefix) == "" {
			prefix = prefix[:max(0, len(prefix)-over)]
		}
		var line string
		line, left = fill(left, t.width-uniseg.StringWidth(prefix))
		for _, with := range inks {
			line = t.paint(with, line)
		}
		t.line(prefix + line)
		prefix = rest
	}
}

// wordsOf are the words of a text as they are shown. A tie keeps a number with its unit.
func wordsOf(s string) []string {
	list := strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '\n' })
	for i := range list {
		list[i] = words.Text(list[i])
	}
	return list
}

// fill takes as many words as fit into room, and one at least.
func fill(list []string, room int) (string, []string) {
	line := list[0]
	n := 1
	for ; n < len(list); n++ {
		if uniseg.StringWidth(line)+1+uniseg.StringWidth(list[n]) > room {
			break
		}
		line += " " + list[n]
	}
	return line, list[n:]
}

// table is rows of cells to be aligned: align has an l or r per column, or as the last
// one a w, for words that go on in the next line. left is the indentation.
type table struct {
	align string
	left  int
	rows  [][]string
}

func (t *table) add(cells ...string) {
	t.rows = append(t.rows, cells)
}

// How wide a column must be at least for its words to go on in the next line, and the
// first column for that.
const (
	leastWords = 24
	leastNames = 14
)

// table writes a table under its header and an empty line; nothing if it has no
// rows. Nothing in it is cut: where a row does not fit the width, the words of its last
// column go on in the next line, else those of its first behind a comma. Other names that
// do not fit have a line of their own above the row.
func (t *terminal) table(tab table, header ...string) {
	if len(tab.rows) == 0 {
		return
	}
	rows := tab.rows
	if len(header) > 0 {
		rows = append([][]string{header}, rows...)
	}
	widths := columnWidths(rows, len(tab.align))
	last := len(widths) - 1
	room := t.width - (tab.left - 2) // a gap of two before each column
	for _, w := range widths {
		room -= 2 + w
	}
	above := false
	switch align := tab.align; {
	case room >= 0 || align[last] == 'w':
	case align[last] == 'l' && room+widths[last] >= leastWords:
		tab.align = align[:last] + "w"
	case align[0] == 'l' && room+widths[0] >= leastNames && breakable(rows, room+widths[0]):
		widths[0] += room
	default:
		above = align[0] == 'l'
	}
	for i, row := range rows {
		isHeader := i == 0 && len(header) > 0
		if above {
			indent := strings.Repeat(" ", tab.left)
			if isHeader {
				t.line(indent + t.paint(faint, row[0]))
			} else {
				t.wrap(indent, indent+"  ", row[0])
			}
			align := tab.align[1:]
			if align[last-1] == 'l' {
				align = align[:last-1] + "w"
			}
			t.row(align, row[1:], widths[1:], tab.left+2, isHeader)
			continue
		}
		t.row(tab.align, row, widths, tab.left, isHeader)
	}
	t.line("")
}

// breakable reports whether every name in the first column that is wider than width has a
// comma behind which it can go on in the next line.
func breakable(rows [][]string, width int) bool {
	for _, row := range rows {
		head, tail, _ := strings.Cut(row[0], ", ")
		if uniseg.StringWidth(words.Text(row[0])) > width && (tail == "" || uniseg.StringWidth(head) >= width) {
			return false
		}
	}
	return true
}

// row writes the cells of a row. A name in the first column goes on below where it does
// not fit it, and so do the words of the last one.
func (t *terminal) row(align string, cells []string, widths []int, left int, header bool) {
	indent := strings.Repeat(" ", left)
	last := len(cells) - 1
	name, more := cells[0], ""
	if uniseg.StringWidth(words.Text(name)) > widths[0] && last > 0 {
		name, more, _ = strings.Cut(name, ", ")
		name += ","
	}
	line := indent
	for c, cell := range cells[:last] {
		if c == 0 {
			cell = name
		}
		line += aligned(cell, widths[c], align[c]) + "  "
	}
	rest := strings.Repeat(" ", uniseg.StringWidth(line))
	switch wraps := align[last] == 'w' && cells[last] != ""; {
	case wraps && uniseg.StringWidth(line)+uniseg.StringWidth(wordsOf(cells[last])[0]) > t.width:
		t.line(t.paintIf(header, faint, strings.TrimRight(line, " ")))
		t.wrap(indent+"    ", indent+"    ", cells[last])
	case wraps && !header:
		t.wrap(line, rest, cells[last])
	case wraps:
		var b strings.Builder
		(&terminal{w: &b, width: t.width}).wrap(line, rest, cells[last])
		for written := range strings.Lines(b.String()) {
			t.line(t.paint(faint, strings.TrimSuffix(written, "\n")))
		}
	default:
		t.line(t.paintIf(header, faint, strings.TrimRight(line+aligned(cells[last], widths[last], align[last]), " ")))
	}
	t.wrap(indent+"  ", indent+"  ", more)
}

// columnWidths are those of the widest cells.
func columnWidths(rows [][]string, columns int) []int {
	widths := make([]int, columns)
	for _, row := range rows {
		for c, cell := range row {
			widths[c] = max(widths[c], uniseg.StringWidth(words.Text(cell)))
		}
	}
	return widths
}

func aligned(s string, width int, align byte) string {
	s = words.Text(s)
	pad := strings.Repeat(" ", max(0, width-uniseg.StringWidth(s)))
	if align == 'r' {
		return pad + s
	}
	return s + pad
}

func (t *terminal) more(n int, noun string) {
	if n > 0 {
		t.line("   " + words.Plural(int64(n), "more "+noun) + " in the page and the JSON")
		t.line("")
	}
}
