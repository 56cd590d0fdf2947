package measure

import (
	"testing"

	"gmptrace/model"
)

// TestStopsAcrossFacts: how a long stretch ended is known also where the stop was told
// among earlier facts than the stretch, and with others after it.
func TestStopsAcrossFacts(t *testing.T) {
	var s Stops
	s.Observe(&model.Facts{Preempts: []model.Preempt{
		{Time: 30_000_000, G: 1, Ran: 25_000_000, How: model.HowSignal},
		{Time: 40_000_000, G: 2, Ran: 30_000_000, How: model.HowCooperative},
	}})
	s.Observe(&model.Facts{Preempts: []model.Preempt{{Time: 90_000_000, G: 3, Ran: 28_000_000, How: model.HowSignal}}})
	for _, x := range []struct {
		g    model.GoID
		end  model.Time
		want model.How
	}{{1, 30_000_000, model.HowSignal}, {2, 40_000_000, model.HowCooperative}, {4, 50_000_000, model.HowUnknown}, {3, 90_000_000, model.HowSignal}} {
		if got := s.How(&model.PInterval{G: x.g, End: x.end}); got != x.want {
			t.Errorf("G%d: %v, want %v", x.g, got, x.want)
		}
	}
}
