package analyze

import (
	"reflect"
	"strings"
	"testing"

	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
)

// TestWatchersInOrder: everything that a report needs is told once, after what it
// asks itself.
func TestWatchersInOrder(t *testing.T) {
	s := &replay.Session{Names: &names.Table{}, Window: &replay.Window{From: 0, To: replay.Forever}}
	a := Analysis{Options: Options{Slices: 1, Explain: true, Spans: true}}
	a.Begin(s)
	place := map[string]int{}
	for i, w := range s.Watchers {
		name := strings.ToLower(reflect.TypeOf(w).Elem().Name())
		if _, twice := place[name]; twice {
			t.Errorf("%s is told twice", name)
		}
		place[name] = i
	}
	for _, pair := range [][2]string{{"functions", "waits"}, {"gc", "columns"}, {"waits", "tracker"}} {
		if place[pair[0]] >= place[pair[1]] {
			t.Errorf("%s is told after %s, which asks it", pair[0], pair[1])
		}
	}
}
