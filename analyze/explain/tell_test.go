package explain

import (
	"slices"
	"testing"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/model"
)

// TestTell: of a population that lost little nothing is told, however long its instances
// are, and of one that came to lose much also those before.
func TestTell(t *testing.T) {
	e := &explainer{moments: measure.NewMoments(nil)}
	g := &group{kind: report.KindRequest, top: 4}
	ends := func(p *population, start, end model.Time) {
		in, length := &Span{Start: start, End: end}, int64(end-start)
		e.now = end
		p.slowest.Offer(length, &explained{Span: in})
		p.count(in, length)
		e.tell(g, p, in)
	}
	some := func() *population { return &population{slowest: stat.NewTopK[*explained](4)} }
	handler, late, stream := some(), some(), some()
	ends(handler, 100, 110)
	ends(handler, 200, 300) // lost 90
	ends(late, 400, 412)    // lost nothing yet
	ends(stream, 50, 550)
	ends(late, 600, 660) // lost 48
	e.moments.Until(e.now)
	want := []replay.Window{{From: 200, To: 300}, {From: 600, To: 660}, {From: 400, To: 412}, {From: 100, To: 110}}
	got := e.moments.Worst(measure.MomentRequest)
	if !slices.Equal(got, want) {
		t.Errorf("told of %v, want %v", got, want)
	}
}
