package model_test

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"gmptrace/fixtures/scenario"
	"gmptrace/model"
)

var update = flag.Bool("update", false, "write what the scenarios yield into their files; read the difference")

// TestScenarios runs testdata/*.txt. A scenario is a list of blocks: commands,
// one event each, a line of dashes, and what the model says of them, which is
// the facts that they yield and the queues that they leave. The look-ahead ends
// with each block, so a block shows what can be known from its own events.
//
//	# G1 starts G7, which goes to runnext.
//	newproc g=7 p=0 m=0 by=1
//	----
//	P0 runnext=G7 runq=[]
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := runScenario(t, string(want))
			if got == string(want) {
				return
			}
			if *update {
				if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			t.Errorf("%s: the model says\n%s", name, firstDifference(string(want), got))
		})
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range g {
		if i >= len(w) || w[i] != g[i] {
			lo := max(0, i-6)
			wanted := "(nothing)"
			if i < len(w) {
				wanted = w[i]
			}
			return strings.Join(g[lo:min(len(g), i+4)], "\n") + "\nwhere the file has\n" + wanted
		}
	}
	return "less than the file has"
}

// play is one scenario under way.
type play struct {
	t   *testing.T
	in  scenario.Reader
	s   *model.Sched
	v   *model.Validator
	out strings.Builder
}

func runScenario(t *testing.T, text string) string {
	sc := &play{t: t}
	in := bufio.NewScanner(strings.NewReader(text))
	expected := false
	var pending []string
	for in.Scan() {
		line := in.Text()
		switch {
		case line == "----":
			expected = true
			sc.out.WriteString("----\n")
			sc.block(pending)
			pending = nil
		case expected && line != "":
			// what the file expects: replaced by what the model says
		default:
			if line == "" {
				expected = false
			}
			sc.out.WriteString(line + "\n")
			if line != "" && line[0] != '#' {
				pending = append(pending, line)
			}
		}
	}
	sc.s.Close()
	sc.v.After(sc.s)
	sc.v.Lives()
	return sc.out.String()
}

// block steps the model through commands and writes what it says.
func (sc *play) block(lines []string) {
	if sc.s == nil {
		sc.start(&lines)
	}
	for _, line := range lines {
		ev, err := sc.in.Parse(line)
		if err != nil {
			sc.t.Fatal(err)
		}
		sc.v.Before(&ev)
		sc.s.Step(&ev)
	}
	for sc.s.DecideOne() {
		sc.v.State(sc.s)
	}
	sc.v.After(sc.s)
	sc.facts()
	sc.out.WriteString(sc.s.Queues())
	sc.s.Facts.Reset()
}

// start makes the model by the file's first command, "go VERSION procs=N".
func (sc *play) start(lines *[]string) {
	fields := strings.Fields((*lines)[0])
	if fields[0] != "go" {
		sc.t.Fatalf("%q: a scenario begins with: go 1.26 procs=2", (*lines)[0])
	}
	minor, err := strconv.Atoi(strings.TrimPrefix(fields[1], "1."))
	if err != nil {
		sc.t.Fatal(err)
	}
	sc.s = model.New(model.RulesFor(minor), 0)
	sc.v = model.NewValidator(sc.t)
	n, err := strconv.Atoi(strings.TrimPrefix(fields[2], "procs="))
	if err != nil {
		sc.t.Fatal(err)
	}
	ev, err := sc.in.Parse(fmt.Sprintf("gomaxprocs n=%d", n))
	if err != nil {
		sc.t.Fatal(err)
	}
	sc.v.Before(&ev)
	sc.s.Step(&ev)
	*lines = (*lines)[1:]
}

func (sc *play) facts() {
	w := &sc.out
	f := &sc.s.Facts
	for _, d := range f.Dispatches {
		fmt.Fprintf(w, "dispatch G%d on P%d from %s", d.G, d.P, d.Source)
		if d.Victim != model.NoP {
			fmt.Fprintf(w, " of P%d", d.Victim)
		}
		if d.Moved > 1 {
			fmt.Fprintf(w, ", %d moved", d.Moved)
		}
		switch {
		case d.Certain && d.Tick == model.TickUnknown:
			fmt.Fprintf(w, ", certain, in its turn or not")
		case d.Certain:
			fmt.Fprintf(w, ", certain")
		default:
			for src := model.Source(0); src < model.NumSources; src++ {
				if d.Sources.Has(src) && src != d.Source {
					fmt.Fprintf(w, ", or %s", src)
				}
			}
		}
		fmt.Fprintf(w, ", waited %d ns\n", d.Time-d.Ready)
	}
	for _, h := range f.Handoffs {
		fmt.Fprintf(w, "handoff P%d from M%d to M%d: %s after %d ns\n", h.P, h.From, h.To, h.Cause, h.After)
	}
	for _, p := range f.Preempts {
		fmt.Fprintf(w, "preempt G%d on P%d: %s after %d ns\n", p.G, p.P, p.How, p.Ran)
	}
	for _, x := range f.Wastes {
		fmt.Fprintf(w, "idle beside work for %d ns\n", x.End-x.Start)
	}
	for _, d := range f.Divergences {
		fmt.Fprintf(w, "divergence %s of G%d on P%d\n", d.Kind, d.G, d.P)
	}
}
