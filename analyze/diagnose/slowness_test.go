package diagnose

import (
	"testing"

	"gmptrace/analyze/report"
)

// TestOwnSeverity: what a program does of its own warns where slow requests waited for
// what another one did, or poll asleep, for much longer than typical ones.
func TestOwnSeverity(t *testing.T) {
	load, get := report.Frame{Func: "main.load"}, report.Frame{Func: "main.get"}
	shared := report.Root{Kind: report.RootNetwork, NS: 100e6, Typical: 1e6, At: load, From: "main.show", Stood: get}
	with := func(change func(*report.Root)) report.Root {
		r := shared
		change(&r)
		return r
	}
	for _, c := range []struct {
		name string
		root report.Root
		lost int64 // of 100 that all took
		want report.Severity
	}{
		{"waits for what another request does", shared, 50, report.SeverityWarning},
		{"few of them", shared, 49, report.SeverityInfo},
		{"of its own", with(func(r *report.Root) { r.Stood = report.Frame{} }), 50, report.SeverityInfo},
		{"started for it", with(func(r *report.Root) { r.From = "main.get.func1" }), 50, report.SeverityInfo},
		{"typical ones do as well", with(func(r *report.Root) { r.Typical = 26e6 }), 50, report.SeverityInfo},
		{"sleeps of its own", with(func(r *report.Root) { r.Kind, r.Stood = report.RootSleep, report.Frame{} }), 10, report.SeverityWarning},
		{"what was started for it sleeps", with(func(r *report.Root) { r.Kind, r.From = report.RootSleep, "main.get.func1" }), 50, report.SeverityInfo},
		{"another one sleeps", with(func(r *report.Root) { r.Kind = report.RootSleep }), 10, report.SeverityWarning},
		{"computes for all", with(func(r *report.Root) { r.Kind = report.RootComputing }), 50, report.SeverityWarning},
		{"not by much", with(func(r *report.Root) { r.NS, r.Typical = 19e6, 1e6 }), 50, report.SeverityInfo},
	} {
		s := &slowness{Slowest: &report.Slowest{Name: "main.show", Roots: []report.Root{c.root}, Groups: []report.Population{{Total: 100, Lost: c.lost}}}}
		s.Durations.Count, s.Durations.Max, s.Slow.Mean = 50, c.root.NS, c.root.NS
		if got := s.severity(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestSlowBesideOthers: those that are compared with others, whose handler does not show, may take
// as long as they are meant to.
func TestSlowBesideOthers(t *testing.T) {
	for _, c := range []struct {
		half, longest int64
		want          report.Severity
	}{
		{14e6, 25e6, report.SeverityInfo},
		{14e6, 30e6, report.SeverityWarning}, // half of their own are much quicker
		{30e6, 40e6, report.SeverityWarning},
	} {
		s := &slowness{Slowest: &report.Slowest{Others: true, Roots: []report.Root{{Kind: report.RootPlace, NS: c.longest}}, Groups: []report.Population{{Total: 100}}}}
		s.Typical.Count, s.Typical.Mean, s.Slow.Mean = 3, 200_000, c.longest
		s.Durations.Count, s.Durations.P50, s.Durations.Max = 60, c.half, c.longest
		if got := s.severity(); got != c.want {
			t.Errorf("half %d, longest %d: %s, want %s", c.half, c.longest, got, c.want)
		}
	}
}

// TestLittleOfLate: where threads came late, what one in a hundred lost little to is no
// reason, and else it may be.
func TestLittleOfLate(t *testing.T) {
	for _, c := range []struct {
		first report.RootKind
		p99   int64
		want  bool
	}{
		{report.RootLate, 19e6, true}, // of which a quarter was for others
		{report.RootLate, 21e6, false},
		{report.RootComputing, 19e6, false},
	} {
		s := &slowness{Slowest: &report.Slowest{Roots: []report.Root{{Kind: c.first, NS: 45e6}, {Kind: report.RootQueue, NS: 15e6}}, Groups: []report.Population{{Total: 100, Lost: 50}}}, extra: 60e6}
		s.Durations.Count, s.Durations.P99 = 100, c.p99
		if got := s.little(costsOthers.roots()); got != c.want {
			t.Errorf("%s, p99 %d: little is %t, want %t", c.first, c.p99, got, c.want)
		}
	}
}

// TestLittleOfAll: slow ones that hardly took longer than typical ones are no news, unless those
// too did hardly anything but wait for the same.
func TestLittleOfAll(t *testing.T) {
	for typical, want := range map[int64]bool{18e6: true, 20e6: false} {
		s := &slowness{Slowest: &report.Slowest{Roots: []report.Root{{Kind: report.RootQueue, NS: 28e6, Typical: typical}}, Groups: []report.Population{{Total: 100, Lost: 50}}}, extra: 8e6}
		s.Typical.Count, s.Typical.Mean = 3, 21e6
		if got := s.little(costsOthers.roots()); got != want {
			t.Errorf("of 21 ms %d: little is %t, want %t", typical, got, want)
		}
	}
}

// TestFelt: a symptom is felt where it is a tenth of what slow ones lost, and one in a
// hundred lost long to it.
func TestFelt(t *testing.T) {
	for _, c := range []struct {
		others, late, p99 int64
		want              bool
	}{
		{90e6, 10e6, 50e6, true},
		{91e6, 9e6, 100e6, false},
		{90e6, 10e6, 49e6, false}, // of which a tenth was late
		{3e6, 1.9e6, 20e6, false}, // none was slow
	} {
		s := &slowness{Slowest: &report.Slowest{Roots: []report.Root{{Kind: report.RootNetwork, NS: c.others}, {Kind: report.RootLate, NS: c.late}}}, extra: c.others + c.late}
		s.Durations.Count, s.Durations.P99 = 100, c.p99
		if got := s.felt(costsLate.roots()); got != c.want {
			t.Errorf("%+v: felt is %t", c, got)
		}
	}
}

// TestNoCPUAdvice: where threads lacked CPUs, what computed meanwhile is not what to change,
// and where it is something else, what leads says so.
func TestNoCPUAdvice(t *testing.T) {
	const machine, code = "Look at the machine.", "Do less in main.spin."
	for _, c := range []struct {
		kind report.RootKind
		want string
	}{
		{report.RootComputing, machine},
		{report.RootQueue, machine},
		{report.RootStoodStill, code},
	} {
		root := report.Root{Kind: c.kind, NS: 60e6, At: report.Frame{Func: "main.spin"}}
		rep := &report.Report{Findings: []report.Finding{{ID: "gomaxprocs", Severity: report.SeverityWarning, Title: "Few CPUs", Advice: machine, CostNS: 1e9}},
			Slowest: report.Slowest{Kind: report.KindTask, Headline: "20 tasks.", Advice: code, Roots: []report.Root{root}, Groups: []report.Population{{}}}}
		rep.Slowest.Durations.Count = 20
		if got := verdict(rep).Advice; got != c.want {
			t.Errorf("%s: %q, want %q", c.kind, got, c.want)
		}
	}
}

// TestAlike: what slow ones and typical ones do alike of their own is meant; where all of
// them wait at one place a few of them are enough to tell.
func TestAlike(t *testing.T) {
	sleep := report.Root{Kind: report.RootSleep, NS: 95e6, At: report.Frame{Func: "main.load"}}
	wait := report.Root{Kind: report.RootPlace, NS: 95e6, Stood: report.Frame{Func: "main.save"}}
	of := func(r report.Root, typical int64) *report.Report {
		rep := &report.Report{}
		rep.Slowest = report.Slowest{Kind: report.KindTask, Roots: []report.Root{r}, Groups: []report.Population{{Total: 800e6, Lost: 800e6}}}
		rep.Slowest.Durations.Count, rep.Slowest.Durations.Max = 8, 100e6
		rep.Slowest.Slow.Mean, rep.Slowest.Typical.Mean, rep.Slowest.Typical.Count = 100e6, typical, 5
		return rep
	}
	if s := slownessOf(of(wait, 90e6)); s == nil || s.severity() != report.SeverityWarning {
		t.Errorf("all wait for the same: %+v, want a warning", s)
	}
	if s := slownessOf(of(wait, 10e6)); s != nil {
		t.Error("8 of which some wait are told of")
	}
	few := of(sleep, 90e6)
	few.Slowest.Durations.Count = 50
	if got := slownessOf(few).severity(); got != report.SeverityInfo {
		t.Errorf("all sleep as long: %s", got)
	}
}
