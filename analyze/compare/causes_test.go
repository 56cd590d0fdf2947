package compare

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
)

func withCauses(of int64, rest int64, causes ...Cause) []*Behaviour {
	return []*Behaviour{{Causes: []Causes{{Kind: SeriesTask, Name: "order", Instances: of, Causes: causes, Rest: rest}}}}
}

// What grew comes first, with its place, and is called new where it surely is.
func TestCauseOf(t *testing.T) {
	cart := Cause{Kind: CauseLock, Func: "main.cart", File: "cart.go", Line: 69, Call: "sync.(*Mutex).Lock", NS: 412_000}
	running, slower := Cause{Kind: CauseRunning, NS: 100_000}, Cause{Kind: CauseRunning, NS: 123_000}
	moved := cart
	moved.Line = 12
	for _, test := range []struct {
		name     string
		old, new []*Behaviour
		want     []string
	}{
		{"a new lock", withCauses(50, 0, running), withCauses(60, 0, cart, slower), []string{"+412 µs waiting for the mutex in main.cart (cart.go:69), new", "+23.0 µs running"}},
		{"one that may have been among the rest", withCauses(50, 110_000, running), withCauses(60, 0, cart), []string{"+412 µs waiting for the mutex in main.cart (cart.go:69)", "−100 µs running"}},
		{"another line", withCauses(50, 0, moved), withCauses(60, 0, cart), []string{"+0 s waiting for the mutex in main.cart (cart.go:69)"}},
		{"several traces", append(withCauses(30, 0, running), withCauses(10, 0, Cause{Kind: CauseRunning, NS: 60_000})...), withCauses(60, 0, slower), []string{"+33.0 µs running"}},
		{"nothing known", nil, withCauses(60, 0, cart), nil},
	} {
		var got []string
		for _, c := range CauseOf(test.old, test.new, SeriesTask, "order") {
			got = append(got, strings.ReplaceAll(c.Text(), "\u00a0", " "))
		}
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// The causes of a series sum to its mean, and each has one with as many instances.
func TestCausesSum(t *testing.T) {
	b := behave(t, shop)
	known := 0
	for _, c := range b.Causes {
		var sum int64
		for _, x := range c.Causes {
			sum += x.NS
		}
		sum += c.Rest
		for i := range b.Series {
			if s := &b.Series[i]; s.Kind == c.Kind && s.Name == c.Name && s.Whole().N() == c.Instances {
				known++
				if mean := s.Whole().Sum() / c.Instances; mean-sum > 40 || sum > mean { // each is rounded down
					t.Errorf("%s %s: causes of %d ns, a mean of %d ns", c.Kind, c.Name, sum, mean)
				}
			}
		}
	}
	if known < 5 {
		t.Errorf("%d series have the causes of all instances, want more", known)
	}
}

// A behaviour with longer windows has the same distributions, and rates of as much.
func TestSameWindows(t *testing.T) {
	short, long := made(9, 1e6), made(4, 1e6)
	long.Window *= 2
	short.Rates[0].Mean = 54
	for w := range short.Rates[0].Windows {
		short.Rates[0].Windows[w] = float64(10 * (w + 1))
	}
	old, _ := sameWindows([]*Behaviour{short}, []*Behaviour{long})
	b := old[0]
	if b.Window != long.Window || b.Windows != 5 || len(b.Series[0].Windows) != 5 {
		t.Fatalf("%d windows of %d ns", b.Windows, b.Window)
	}
	if got, want := b.Series[0].Whole().N(), short.Series[0].Whole().N(); got != want {
		t.Errorf("%d lengths, of %d", got, want)
	}
	if b.Rates[0].Mean != short.Rates[0].Mean {
		t.Errorf("a mean of %v, want %v", b.Rates[0].Mean, short.Rates[0].Mean)
	}
	if got, want := b.Rates[0].Windows, []float64{15, 35, 55, 75, 90}; !reflect.DeepEqual(got, want) {
		t.Errorf("rates %v, want %v", got, want)
	}
	if short.Windows != 9 || len(short.Series[0].Windows) != 9 {
		t.Error("the behaviour itself has changed")
	}
}

// What a program is held to, and what is said where that is nothing.
func TestHoldable(t *testing.T) {
	of := func(kind SeriesKind, n int) *Behaviour {
		k := &stat.Sketch{}
		for range n {
			k.Add(1e6)
		}
		return &Behaviour{Window: 50e6, Windows: 1, Series: []Series{{Kind: kind, Name: "main.work", Windows: []*stat.Sketch{k}}}}
	}
	for _, test := range []struct {
		b    *Behaviour
		want string // of why
	}{
		{of(SeriesTask, 20), ""},
		{of(SeriesCycle, 20), ""},
		{of(SeriesDispatch, 20), ""},
		{of(SeriesCycle, 19), "most, 19, of cycle main.work"},
		{of(SeriesWait, 500), "no requests"},
		{&Behaviour{}, "no requests"},
	} {
		ok, why := Holdable([]*Behaviour{test.b})
		if ok != (test.want == "") || !strings.Contains(why, test.want) {
			t.Errorf("%v, %q, want %q", ok, why, test.want)
		}
		if n := len(Held([]*Behaviour{test.b})); ok != (n == 1) {
			t.Errorf("%d series are held", n)
		}
		results := Check([]*Behaviour{test.b}, []*Behaviour{test.b}, "fixture.json", Options{})
		i := slices.IndexFunc(results, func(r report.CheckResult) bool { return r.ID == "fixture/comparable" })
		if i < 0 {
			t.Fatal("nothing is said of whether there is something to compare")
		}
		if r := &results[i]; !ok && (r.Status != report.CheckSkip || !strings.Contains(r.Message, test.want)) {
			t.Errorf("%s: %s", r.Status, r.Message)
		}
	}
	both := of(SeriesCycle, 20)
	both.Series = append(both.Series, of(SeriesTask, 20).Series...)
	if kinds := heldKinds([]*Behaviour{both}, []*Behaviour{both}); !kinds[SeriesTask] || kinds[SeriesCycle] {
		t.Errorf("with tasks and cycles, held are %v", kinds)
	}
	other := of(SeriesCycle, 20)
	other.Series = append(other.Series, of(SeriesTask, 20).Series...)
	other.Series[1].Name = "main.other"
	if kinds := heldKinds([]*Behaviour{both}, []*Behaviour{other}); !kinds[SeriesCycle] {
		t.Errorf("with other tasks and the same cycles, held are %v", kinds)
	}
	if kinds := heldKinds([]*Behaviour{both}, []*Behaviour{of(SeriesCycle, 20)}); !kinds[SeriesCycle] {
		t.Errorf("with cycles on both sides only, held are %v", kinds)
	}
}

// TestFixtureRules: a fixture is held to how often the scheduler's rules held in it, as well.
func TestFixtureRules(t *testing.T) {
	b := behave(t, shop)
	kept := NewFixture("test", []*Behaviour{b})
	read, err := kept.Behaviours()
	if err != nil {
		t.Fatal(err)
	}
	worse := *b
	worse.Rules = slices.Clone(b.Rules)
	for i := range worse.Rules {
		worse.Rules[i].Agreed /= 2
	}
	for _, test := range []struct {
		now  *Behaviour
		want report.CheckStatus
	}{{b, report.CheckPass}, {&worse, report.CheckFail}} {
		results := Check(read, []*Behaviour{test.now}, "fixture.json", Options{})
		i := slices.IndexFunc(results, func(r report.CheckResult) bool { return r.ID == "fixture/rules" })
		if r := &results[i]; r.Status != test.want || strings.Contains(r.Message, " : ") {
			t.Errorf("%s: %s, want %s", r.Status, r.Message, test.want)
		}
	}
	for _, broken := range []string{"", "3", "4/3", "-1/3", "a/b"} {
		kept.Traces[0].Rules = map[string]string{"x": broken}
		if _, err := kept.Behaviours(); err == nil {
			t.Errorf("a rule of %q is read", broken)
		}
	}
}

// TestHeldNotice: what a check can be held to says what it would notice.
func TestHeldNotice(t *testing.T) {
	for _, h := range Held([]*Behaviour{behave(t, shop)}) {
		if h.Count >= 100 && h.Notice <= 0 {
			t.Errorf("%s: of %d nothing is said that would be noticed", h.Text, h.Count)
		}
	}
}

// TestNoisyIsSkipped: what has a median and a mean that might have doubled unnoticed does
// not pass because its share of slow ones stood still.
func TestNoisyIsSkipped(t *testing.T) {
	noisy := func(seed int64) *Behaviour {
		s := Series{Kind: SeriesTask, Name: "order"}
		for w := range int64(8) {
			k := &stat.Sketch{}
			for range 20 {
				k.Add(1_000_000 << ((w*5 + seed) % 7)) // each block of time is another length
			}
			s.Windows = append(s.Windows, k)
		}
		return &Behaviour{Window: 50e6, Windows: 8, Series: []Series{s}}
	}
	results := Check([]*Behaviour{noisy(0)}, []*Behaviour{noisy(3)}, "fixture.json", Options{})
	i := slices.IndexFunc(results, func(r report.CheckResult) bool { return r.ID == "fixture/task/order" })
	if r := &results[i]; r.Status != report.CheckSkip || !strings.Contains(r.Message, "varies too much") || len(r.Measured) < 3 {
		t.Errorf("%s: %q, of %v", r.Status, r.Message, r.Measured)
	}
}

// TestBeside: a failure tells what the program ran as that it did not before.
func TestBeside(t *testing.T) {
	old, new := made(20, 1e6), made(20, 2e6)
	old.Trace.Gomaxprocs, new.Trace.Gomaxprocs = []report.Gomaxprocs{{N: 2}}, []report.Gomaxprocs{{N: 1}}
	results := Check([]*Behaviour{old}, []*Behaviour{new}, "fixture.json", Options{})
	i := slices.IndexFunc(results, func(r report.CheckResult) bool { return r.ID == "fixture/task/order" })
	if r := &results[i]; r.Status != report.CheckFail || !strings.Contains(r.Failures[0].Details[0].Value, "GOMAXPROCS differs: 2 before, 1 now") || r.Subject == nil || r.Subject.Kind != report.KindTask {
		t.Errorf("%+v", r)
	}
}
