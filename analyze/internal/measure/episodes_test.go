package measure

import (
	"testing"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/replay/replaytest"
)

// TestEpisodesGrow counts the stretches that are read to say who ran during the worst
// waits, of which each is the worst one for a while.
func TestEpisodesGrow(t *testing.T) {
	const n = 10_000
	one, two := stretchesRead(t, n), stretchesRead(t, 2*n)
	if one == 0 || float64(two) > 2.3*float64(one) || one > 20*n {
		t.Errorf("%d stretches read for %d goroutines, and %d for twice as many", one, n, two)
	}
}

func stretchesRead(t *testing.T, n int) int {
	t.Helper()
	var e *episodes
	replaytest.Report(t, replaytest.Woken(n, false), func(s *replay.Session) {
		e = NewEpisodes(s)
		s.Add(e)
	})
	return e.read
}
