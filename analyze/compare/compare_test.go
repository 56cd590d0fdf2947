package compare

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/replay/replaytest"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
)

const shop = "../../fixtures/traces/real/webshop-go1.26-p4.trace"

func behave(t *testing.T, name string) *Behaviour {
	t.Helper()
	b, err := behaveFile(t, name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func behaveFile(t *testing.T, name string) (*Behaviour, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Behave(t.Context(), f, replay.Options{Name: name})
}

// A trace differs neither from itself nor from its fixture, which has the same
// distributions.
func TestSameTrace(t *testing.T) {
	b := behave(t, shop)
	f := NewFixture("test", []*Behaviour{b})
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, FixtureFile), out.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	read, err := ReadFixture(dir)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := read.Behaviours()
	if err != nil {
		t.Fatal(err)
	}
	for _, old := range [][]*Behaviour{{b}, kept} {
		r := Sets(old, []*Behaviour{b}, Options{})
		judged := 0
		for _, c := range r.Changes {
			if rank(c.Verdict) == 2 {
				t.Errorf("%s: %v to %v is called %s", c.Text(), c.Old, c.New, c.Verdict)
			}
			if c.Verdict == Same {
				judged++
			}
		}
		if judged < 10 {
			t.Errorf("%d statistics could be compared, want more", judged)
		}
	}
	if !reflect.DeepEqual(kept[0].Causes, b.Causes) || !reflect.DeepEqual(kept[0].Rates, b.Rates) || len(kept[0].Series) != len(b.Series) {
		t.Error("causes, rates or series are others in the fixture")
	}
	for _, s := range kept[0].Series {
		for _, o := range b.Series {
			if s.Kind == o.Kind && s.Name == o.Name {
				if got, want := stat.Merged(s.Windows).Quantile(.5), stat.Merged(o.Windows).Quantile(.5); got != want {
					t.Errorf("%s %s: median %d in the fixture, %d in the trace", s.Kind, s.Name, got, want)
				}
			}
		}
	}
	var again bytes.Buffer
	if err := NewFixture("test", []*Behaviour{behave(t, shop)}).Write(&again); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), again.Bytes()) {
		t.Error("the same trace gives another fixture the second time")
	}
}

// A report and a comparison say the same of the same waits.
func TestSameQuantiles(t *testing.T) {
	b := behave(t, shop)
	waits := map[string]report.FunctionTime{}
	for _, f := range b.Report.Functions {
		waits[f.Name] = f
	}
	same := 0
	for _, s := range b.Series {
		all, f := stat.Merged(s.Windows), waits[s.Name]
		if s.Kind != SeriesWait || all.N() != f.Waits { // a comparison leaves out waits that the trace cuts off
			continue
		}
		same++
		if all.Quantile(.5) != f.WaitP50 || all.Quantile(.99) != f.WaitP99 || all.Max() != f.WaitMax {
			t.Errorf("%s: waits of %d, %d and %d ns, in the report of %d, %d and %d", s.Name, all.Quantile(.5), all.Quantile(.99), all.Max(), f.WaitP50, f.WaitP99, f.WaitMax)
		}
	}
	if same < 3 {
		t.Errorf("%d functions have the same waits in both, want more", same)
	}
}

// made is a behaviour of n windows with the given median length of its only task,
// spread by a tenth to both sides.
func made(n int, median float64) *Behaviour {
	b := &Behaviour{Window: 50e6, Windows: n}
	s := Series{Kind: SeriesTask, Name: "order"}
	for w := range n {
		k := &stat.Sketch{}
		for i := range 40 {
			k.Add(int64(median * (.9 + float64((i*7+w*3)%40)/200)))
		}
		s.Windows = append(s.Windows, k)
	}
	b.Series = []Series{s}
	b.Rates = []Rate{{Name: "steals", Unit: "/s", Windows: make([]float64, n)}}
	return b
}

// What is called a change: by how much, and with how many windows.
func TestVerdicts(t *testing.T) {
	for _, test := range []struct {
		name         string
		windows      int
		old, new     float64
		want         Verdict
		oldN, newN   int
		wantBackward Verdict
	}{
		{"a fifth longer", 20, 1e6, 1.2e6, Worse, 1, 1, Better},
		{"below the floor", 20, 1e6, 1.08e6, Same, 1, 1, Same},
		{"too short to matter", 20, 2000, 2900, Same, 1, 1, Same},
		{"too few windows", 3, 1e6, 3e6, Few, 1, 1, Few},
		{"several traces", 20, 1e6, 1.2e6, Worse, 5, 5, Better},
		{"several traces, below the floor", 20, 1e6, 1.08e6, Same, 5, 5, Same},
	} {
		t.Run(test.name, func(t *testing.T) {
			var old, new []*Behaviour
			for i := range test.oldN {
				old = append(old, made(test.windows, test.old*(1+float64(i)/1000)))
			}
			for i := range test.newN {
				new = append(new, made(test.windows, test.new*(1+float64(i)/1000)))
			}
			if got := verdict(Sets(old, new, Options{})); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
			if got := verdict(Sets(new, old, Options{})); got != test.wantBackward {
				t.Errorf("the other way round %s, want %s", got, test.wantBackward)
			}
		})
	}
}

// What hits one request in twenty, but hard, is called worse; a single disturbance
// is not.
func TestFar(t *testing.T) {
	with := func(every int, windows int) *Behaviour {
		b := made(20, 1e6)
		for w := range b.Series[0].Windows[:windows] {
			for i := 0; i < 40; i += every {
				b.Series[0].Windows[w].Add(50e6)
			}
		}
		return b
	}
	for name, test := range map[string]struct {
		new  *Behaviour
		want Verdict
	}{
		"one in twenty":   {with(20, 20), Worse},
		"one disturbance": {with(2, 1), Same},
		"none":            {made(20, 1e6), Same},
	} {
		got := Verdict("missing")
		for _, c := range Sets([]*Behaviour{made(20, 1e6)}, []*Behaviour{test.new}, Options{}).Changes {
			if c.Stat == "far" {
				got = c.Verdict
			}
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func verdict(r *Result) Verdict {
	for _, c := range r.Changes {
		if c.Kind == SeriesTask && c.Stat == "p50" {
			return c.Verdict
		}
	}
	return "missing"
}

// The same traces give the same bytes.
func TestSameBytes(t *testing.T) {
	b := []*Behaviour{behave(t, shop)}
	for _, old := range [][]*Behaviour{{behave(t, "../../fixtures/traces/real/webshop-go1.26-p2-endpoint.trace")}, b} {
		want, err := json.Marshal(Sets(old, b, Options{}))
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			if got, _ := json.Marshal(Sets(old, b, Options{})); !bytes.Equal(got, want) {
				t.Fatalf("once\n%s\nand once\n%s", want, got)
			}
		}
	}
}

// A trace of nothing can be compared and kept, though it tells nothing.
func TestNothing(t *testing.T) {
	b, nothing := behave(t, shop), behave(t, "../../fixtures/traces/broken/header_only.trace")
	NewFixture("test", []*Behaviour{nothing})
	for _, sides := range [][2]*Behaviour{{b, nothing}, {nothing, b}, {nothing, nothing}} {
		for _, c := range Sets([]*Behaviour{sides[0]}, []*Behaviour{sides[1]}, Options{}).Changes {
			if c.Verdict == Worse || c.Verdict == Better {
				t.Errorf("%s is called %s", c.Text(), c.Verdict)
			}
		}
	}
}

// Broken fixtures are refused with the file, where, and what to do.
func TestBrokenFixture(t *testing.T) {
	var out bytes.Buffer
	if err := NewFixture("test", []*Behaviour{made(8, 1e6)}).Write(&out); err != nil {
		t.Fatal(err)
	}
	whole := out.String()
	for name, test := range map[string][2]string{
		"cut":     {whole[:len(whole)/2], "line"},
		"schema":  {strings.Replace(whole, FixtureSchema, "gmptrace.fixture/9", 1), "record it again with gmptrace fixture record TRACE... -o"},
		"old":     {`{"schema":"gmptrace.fixture/2","traces":[{"series":[{"windows":["1000×2"]}]}]}`, "record it again with gmptrace fixture record TRACE... -o"},
		"last":    {`{"schema":"gmptrace.fixture/3","traces":[]}`, "record it again with gmptrace fixture record TRACE... -o"},
		"null":    {regexp.MustCompile(`"sum=[^"]*"`).ReplaceAllString(whole, "null"), "a window of null"},
		"windows": {strings.Replace(whole, `"windows": 8`, `"windows": 9`, 1), "8 windows, the trace 9"},
		"bins":    {strings.Replace(whole, "×", "x", 1), "not the least value of a bin"},
		"none":    {fmt.Sprintf(`{"schema":%q}`, FixtureSchema), "no trace"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), FixtureFile)
			if err := os.WriteFile(file, []byte(test[0]), 0o666); err != nil {
				t.Fatal(err)
			}
			f, err := ReadFixture(file)
			if err == nil {
				_, err = f.Behaviours()
			}
			if err == nil || !strings.Contains(err.Error(), test[1]) {
				t.Errorf("error %v, want one with %q", err, test[1])
			}
		})
	}
	if _, err := ReadFixture(t.TempDir()); err == nil || !strings.Contains(err.Error(), "fixture record") {
		t.Errorf("error %v for an empty folder", err)
	}
	if !json.Valid(out.Bytes()) {
		t.Error("a fixture is no JSON")
	}
}

// TestBehaviourOfGap: windows stay few where nothing happens for hours, as where a time
// in the trace is damaged.
func TestBehaviourOfGap(t *testing.T) {
	in := replaytest.Scenario(t, `gomaxprocs n=1
status-p q=0 m=0 p=0 state=held
status-g g=1 m=0 p=0 by=1 state=running fn=main.main
newproc g=2 p=0 m=0 by=1 fn=main.work
park g=1 p=0 m=0 reason=sleep
execute g=2 p=0 m=0
log task=1 by=2 p=0 m=0 name=late dt=3h`)
	var counted *collector
	if _, err := replay.Run(t.Context(), in, replay.Options{Name: "scenario"}, func(s *replay.Session) { counted = replay.Shared(s, newCollector) }); err != nil {
		t.Fatal(err)
	}
	var out Behaviour
	if counted.finish(&out); out.Windows > maxWindows {
		t.Errorf("%d windows of %d ns", out.Windows, out.Window)
	}
}
