package analyze

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"gmptrace/model"
)

// asked and asking are watchers of which the second needs the first.
type (
	asked  struct{ order *[]string }
	asking struct{ order *[]string }
)

func (a *asked) Watch(*model.Facts)  { *a.order = append(*a.order, "asked") }
func (a *asking) Watch(*model.Facts) { *a.order = append(*a.order, "asking") }

// TestShared: a watcher that another asks for is made once, however many ask, and is
// told the facts before it.
func TestShared(t *testing.T) {
	var order []string
	newAsked := func(*Session) *asked { return &asked{&order} }
	newAsking := func(s *Session) *asking {
		Shared(s, newAsked)
		return &asking{&order}
	}
	s := &Session{}
	Shared(s, newAsking)
	Shared(s, newAsked)
	for _, w := range s.watchers {
		w.Watch(nil)
	}
	if want := []string{"asked", "asking"}; !slices.Equal(order, want) {
		t.Errorf("told in the order %q, want %q", order, want)
	}
}

// TestWatchersInOrder: everything that a report needs is told once, after what it
// asks itself.
func TestWatchersInOrder(t *testing.T) {
	s := &Session{names: &names{}, window: &window{0, forever}}
	a := analysis{opt: Options{Slices: 1, Explain: true, Spans: true}}
	a.begin(s)
	place := map[string]int{}
	for i, w := range s.watchers {
		name := strings.ToLower(reflect.TypeOf(w).Elem().Name())
		if _, twice := place[name]; twice {
			t.Errorf("%s is told twice", name)
		}
		place[name] = i
	}
	for _, pair := range [][2]string{{"functions", "latency"}, {"gc", "overview"}, {"latency", "tracker"}} {
		if place[pair[0]] >= place[pair[1]] {
			t.Errorf("%s is told after %s, which asks it", pair[0], pair[1])
		}
	}
}
