package render

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"gmptrace/analyze/compare"
	"gmptrace/analyze/words"
)

// DiffText writes a comparison for a terminal, in the manner of benchstat: what users
// feel first. What is the same is counted, and listed if opt.Verbose.
func DiffText(w io.Writer, r *compare.Result, opt TextOptions) error {
	safe := mapped(*r, words.Printable)
	out := bufio.NewWriter(w)
	t := newTerminal(out, opt)
	t.diff(&safe, opt.Verbose)
	if len(opt.Next) > 0 {
		t.apart()
	}
	t.next(opt.Next, opt)
	t.again(safe.Verdict, bold)
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing the comparison as text: %w", err)
	}
	return nil
}

func (t *terminal) diff(r *compare.Result, verbose bool) {
	if equal(r) && !verbose {
		t.wrap("", "", equalText(r), bold)
		return
	}
	t.wrap("", "", r.Verdict, bold)
	for _, n := range r.Notes {
		if strings.Contains(n, " differs: ") {
			t.wrap("", "", strings.ToUpper(n[:1])+n[1:]+".")
		}
	}
	t.line("")
	g := grouped(r)
	for i, list := range g.changed {
		if len(list) > 0 {
			t.heading(changeGroups[i], "")
			t.changes(list)
		}
	}
	if verbose && len(g.same) > 0 {
		t.heading("Nothing can be claimed of", "")
		t.changes(g.same)
	}
	t.wrap("  ", "  ", g.rest(verbose))
	for _, n := range r.Notes {
		if !strings.Contains(n, " differs: ") {
			t.wrap("  - ", "    ", n)
		}
	}
	if n := cpuNote(r); n != "" {
		t.wrap("  - ", "    ", n)
	}
	t.wrap("  - ", "    ", fmt.Sprintf("~ stands for no change that can be claimed: it may be chance, at a level of %g for all claims together, or is below the floor. ± is the 95 %% confidence interval.", r.Alpha))
}

func (t *terminal) changes(list []compare.Change) {
	table := table{align: "lrrrrl", left: 3}
	for _, c := range list {
		table.add(changeName(&c), sideText(c.Old, c.Unit), sideText(c.New, c.Unit), deltaText(&c), probability(c), fmt.Sprintf("n=%d+%d", c.Old.N, c.New.N))
	}
	t.table(table, "what", "old", "new", "change", "p", "")
}
