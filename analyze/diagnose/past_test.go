package diagnose

import (
	"testing"

	"gmptrace/model"
)

// TestPast adds stretches of every length and asks for the time between any two
// moments: what lies within a moment's grain may be shared out wrongly, what is
// forgotten is said to be.
func TestPast(t *testing.T) {
	const grain = 1000
	p := past{grain: grain}
	var ends []model.Time
	now := model.Time(0)
	for i := range 3000 {
		d := model.Time(i%7*i%1500 + 1)
		p.add(now, now+d, pDid(i%2))
		now += d
		ends = append(ends, now)
	}
	truth := func(from, to model.Time) (s split) {
		at := model.Time(0)
		for i, end := range ends {
			s[i%2] += max(0, int64(min(end, to)-max(at, from)))
			at = end
		}
		return s
	}
	for _, q := range []struct{ from, to model.Time }{
		{now - 40_000, now}, {now - 40_500, now - 7}, {now - 100, now - 50}, {now - 300_000, now - 120_123},
	} {
		got, ok := p.between(q.from, q.to)
		want := truth(q.from, q.to)
		if d := got.total() - want.total(); !ok || d < -2 || d > 2 { // parts of nanoseconds are dropped
			t.Fatalf("%v: got %v (%v), want %v", q, got, ok, want)
		}
		if d := got[0] - want[0]; d < -2*grain || d > 2*grain {
			t.Errorf("%v: got %v, want %v", q, got, want)
		}
	}
	if _, ok := p.between(0, now); ok {
		t.Errorf("the beginning should be forgotten after %d moments", p.n)
	}
}
