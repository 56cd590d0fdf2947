package render

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strings"

	"gmptrace/analyze/compare"
	"gmptrace/analyze/words"
)

// textSame is how many statistics without a change are listed in a terminal.
const textSame = 12

// DiffText writes a comparison for a terminal, in the manner of benchstat.
func DiffText(w io.Writer, r *compare.Result, opt TextOptions) error {
	safe := mapped(*r, words.Printable)
	out := bufio.NewWriter(w)
	t := &terminal{w: out, width: max(60, cmp.Or(opt.Width, 100)), color: opt.Color}
	t.diff(&safe)
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing the comparison as text: %w", err)
	}
	return nil
}

func (t *terminal) diff(r *compare.Result) {
	t.wrap("", "", r.Verdict, bold)
	for _, n := range r.Notes {
		if strings.Contains(n, " differs: ") {
			t.wrap("", "", strings.ToUpper(n[:1])+n[1:]+".")
		}
	}
	t.line("")
	var changed, same []compare.Change
	few := 0
	for _, c := range r.Changes {
		switch c.Verdict {
		case compare.Same:
			same = append(same, c)
		case compare.Few:
			few++
		default:
			changed = append(changed, c)
		}
	}
	if len(changed) > 0 {
		t.heading("What changed, most in time first", "")
		t.changes(changed)
	}
	if len(same) > 0 {
		t.heading("Nothing can be claimed of", "")
		t.changes(same[:min(len(same), textSame)])
		t.more(len(same)-textSame, "statistic")
	}
	if few > 0 {
		t.wrap("  ", "  ", words.Plural(int64(few), "statistic")+" had too few values to compare.")
	}
	for _, n := range r.Notes {
		if !strings.Contains(n, " differs: ") {
			t.wrap("  - ", "    ", n)
		}
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
