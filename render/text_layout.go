package render

import (
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
	w     io.Writer
	width int
	color bool
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

func (t *terminal) line(s string) {
	fmt.Fprintln(t.w, strings.TrimRight(words.Text(s), " "))
}

func (t *terminal) heading(title, takeaway string) {
	t.line(t.paint(bold, title))
	if takeaway != "" {
		t.wrap("  ", "  ", takeaway)
		t.line("")
	}
}

// wrap writes s in lines no wider than t.width, the first after first, the
// others after rest.
func (t *terminal) wrap(first, rest, s string, inks ...ink) {
	prefix := first
	left := strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '\n' }) // a tie keeps a number with its unit
	for i := range left {
		left[i] = words.Text(left[i])
	}
	for len(left) > 0 {
		room := max(20, t.width-uniseg.StringWidth(prefix))
		var line string
		line, left = fill(left, room)
		for _, with := range inks {
			line = t.paint(with, line)
		}
		t.line(prefix + line)
		prefix = rest
	}
}

// fill takes as many words as fit into room; a word that never fits is cut.
func fill(words []string, room int) (string, []string) {
	line := words[0]
	if uniseg.StringWidth(line) > room {
		head, tail := cut(line, room)
		return head, append([]string{tail}, words[1:]...)
	}
	n := 1
	for ; n < len(words); n++ {
		if uniseg.StringWidth(line)+1+uniseg.StringWidth(words[n]) > room {
			break
		}
		line += " " + words[n]
	}
	return line, words[n:]
}

// table is rows of cells to be aligned: align has an l or r per column, or as the last
// one a w, for words that go on in the next line instead of being cut. left is the
// indentation.
type table struct {
	align string
	left  int
	rows  [][]string
}

// wraps reports whether the last column's words go on in the next line.
func (t *table) wraps() bool { return strings.HasSuffix(t.align, "w") }

func (t *table) add(cells ...string) {
	for i, c := range cells {
		cells[i] = words.Text(c)
	}
	t.rows = append(t.rows, cells)
}

// table writes a table under its header and an empty line; nothing if it has no
// rows. Columns of words give way until it fits the width.
func (t *terminal) table(tab table, header ...string) {
	if len(tab.rows) == 0 {
		return
	}
	rows := tab.rows
	if len(header) > 0 {
		rows = append([][]string{header}, rows...)
	}
	widths := t.columnWidths(tab, rows)
	for i, row := range rows {
		line := strings.Repeat(" ", tab.left-1)
		for c, cell := range row {
			if c == len(row)-1 && tab.wraps() && i > 0 {
				line += " "
				t.wrap(line, strings.Repeat(" ", uniseg.StringWidth(line)), cell)
				line = ""
				break
			}
			if c == len(row)-1 && tab.wraps() {
				cell = shorten(cell, max(10, t.width-uniseg.StringWidth(line)-1))
			} else {
				cell = aligned(shorten(cell, widths[c]), widths[c], tab.align[c])
			}
			line += " " + cell + " "
		}
		if i == 0 && len(header) > 0 {
			line = t.paint(faint, strings.TrimRight(line, " "))
		}
		if line != "" {
			t.line(line)
		}
	}
	t.line("")
}

// columnWidths are the cells' own, with the widest column of words made
// narrower until the row fits.
func (t *terminal) columnWidths(tab table, rows [][]string) []int {
	widths := make([]int, len(tab.align))
	total := tab.left - 1 + 2*len(widths)
	for _, row := range rows {
		for c, cell := range row {
			widths[c] = max(widths[c], uniseg.StringWidth(cell))
		}
	}
	if tab.wraps() {
		widths[len(widths)-1] = 0
	}
	for _, w := range widths {
		total += w
	}
	for ; total > t.width; total-- {
		widest := 0
		for c := range widths {
			if tab.align[c] == 'l' && (tab.align[widest] != 'l' || widths[c] > widths[widest]) {
				widest = c
			}
		}
		if widths[widest] <= 10 {
			break
		}
		widths[widest]--
	}
	return widths
}

func aligned(s string, width int, align byte) string {
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
