package explain

import (
	"strings"
	"testing"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/names"
	"gmptrace/analyze/replay/replaytest"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// TestFold: of very many that had a part in an instance's time the one with the most is told
// although each of its parts was small, nothing of the time is lost, and of the others it is
// said that they were more than are told.
func TestFold(t *testing.T) {
	const n, often = 40 * maxSums, 100
	table := names.NewNumbering()
	var fns []uint32
	for _, fn := range []string{"main.a", "main.b", "main.c"} {
		fns = append(fns, table.Stack(names.StackFrames{Key: fn, Frames: replaytest.Stack(fn)}))
	}
	e := &explainer{names: &table.Table, bodies: map[model.GoID]uint32{}, cpus: &measure.Machine{}, stills: &measure.Standstills{}, h: newHistory(nil, 0, 0)}
	x := &explained{Span: &Span{g: 1}, sums: newStepSums(), antagonists: newAntagonists()}
	var total int64
	for i := range n {
		s := &step{from: model.Time(total), g: 1, who: model.GoID(10 + i), whoFn: fns[i%3], p: 0, cause: report.CauseQueue}
		if i%often == 0 {
			s.who, s.whoFn = 5, fns[0]
		}
		ns := int64(50 + i%7)
		total += ns
		s.to = model.Time(total)
		x.keep(e, s)
	}
	var sum, busy int64
	gs := map[measure.Culprit]int64{}
	for i := range x.sums.list {
		s := &x.sums.list[i]
		sum += s.value.ns
		gs[s.key.who] += s.value.ns
		if s.key.who.G == 5 {
			busy += s.value.ns
		}
	}
	if sum != total || len(x.sums.list) > maxSums || len(x.antagonists.list) > maxSums {
		t.Errorf("%d ns of %d in %d sums, %d antagonists", sum, total, len(x.sums.list), len(x.antagonists.list))
	}
	if all := int64(n / often * 53); busy < all*9/10 {
		t.Errorf("who had %d ns is told to have had %d", all, busy)
	}
	if said := e.those(gs, map[model.GoID]string{5: "main.busy"}); !strings.HasPrefix(said, "G5 (main.busy) for ") || !strings.Contains(said, " and at least ") {
		t.Errorf("told: %s", said)
	}
}
