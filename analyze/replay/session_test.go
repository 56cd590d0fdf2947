package replay

import (
	"slices"
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
