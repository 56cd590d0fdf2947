package compare

import "testing"

// Where something was seen is told if it stands out, and is no single look.
func TestMostSeen(t *testing.T) {
	for _, test := range []struct {
		counts map[string]int64
		want   string
	}{
		{map[string]int64{"main.a": 5, "main.b": 2}, "main.a"},
		{map[string]int64{"main.a": 1}, ""},
		{map[string]int64{"main.a": 3, "main.b": 3, "main.c": 3}, ""},
		{map[string]int64{"main.b": 2, "main.a": 2}, "main.a"}, // the same every time
		{nil, ""},
	} {
		got := ""
		if s := mostSeen(test.counts); s != nil {
			got = s.Func
		}
		if got != test.want {
			t.Errorf("%v: %q, want %q", test.counts, got, test.want)
		}
	}
}

// Of a service there are the requests that only compute, fewer than all, and collections.
func TestComputedRequests(t *testing.T) {
	b := behave(t, shop)
	all, computed := b.seriesOf(key{SeriesRequest, ""}), b.seriesOf(key{SeriesComputed, ""})
	if all == nil || computed == nil || computed.Whole().N() == 0 || computed.Whole().N() >= all.Whole().N() {
		t.Fatalf("requests that only compute: %v, of %v", computed, all)
	}
	if got, want := b.rateNamed(rateNames[rateCollections][0]).Mean*float64(b.Trace.DurationNS)/1e9, float64(b.Report.GC.Cycles); got < want-1.5 || got > want+.5 {
		t.Errorf("%g collections, the report has %g that overlap with the trace", got, want)
	}
}

// What goroutines do on which tasks run is told by these, and not held a second time.
func TestInner(t *testing.T) {
	b := ordersAt(t, "sync", "main.order", never)
	s := b.seriesOf(key{SeriesDispatch, "main.worker"})
	if s == nil || !s.Inner {
		t.Fatalf("computing of who does tasks: %+v", s)
	}
	for _, c := range Sets([]*Behaviour{b}, []*Behaviour{b}, Options{}).Changes {
		if c.Kind == SeriesDispatch && c.Name == "main.worker" && c.Held {
			t.Error("a program is held to what its goroutines compute in tasks, beside the tasks")
		}
	}
}
