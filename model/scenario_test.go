package model

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
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

type scenario struct {
	t    *testing.T
	s    *Sched
	v    *validator
	now  Time
	out  strings.Builder
	rule Rules
}

func runScenario(t *testing.T, text string) string {
	sc := &scenario{t: t, rule: RulesFor(NewestRules)}
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
	return sc.out.String()
}

// block steps the model through commands and writes what it says.
func (sc *scenario) block(lines []string) {
	if sc.s == nil {
		sc.start(&lines)
	}
	for _, line := range lines {
		ev := sc.parse(line)
		sc.v.before(&ev)
		sc.s.Step(&ev)
	}
	sc.s.Drain()
	sc.v.after(sc.s)
	sc.facts()
	sc.queues()
	sc.s.Facts.Reset()
}

// start makes the model by the file's first command, "go VERSION procs=N".
func (sc *scenario) start(lines *[]string) {
	fields := strings.Fields((*lines)[0])
	if fields[0] != "go" {
		sc.t.Fatalf("%q: a scenario begins with: go 1.26 procs=2", (*lines)[0])
	}
	minor, err := strconv.Atoi(strings.TrimPrefix(fields[1], "1."))
	if err != nil {
		sc.t.Fatal(err)
	}
	sc.s = New(RulesFor(minor), 0)
	sc.v = newValidator(sc.t)
	n, err := strconv.Atoi(strings.TrimPrefix(fields[2], "procs="))
	if err != nil {
		sc.t.Fatal(err)
	}
	sc.now = 1000
	ev := Event{Time: sc.now, Op: OpGOMAXPROCS, Arg: int64(n), G: NoG, P: NoP, M: NoM}
	sc.s.Step(&ev)
	*lines = (*lines)[1:]
}

var scenarioOps = map[string]Event{
	"newproc":         {Op: OpNewproc},
	"newproc-blocked": {Op: OpNewprocBlocked},
	"newproc-syscall": {Op: OpNewprocSyscall},
	"execute":         {Op: OpExecute},
	"park":            {Op: OpPark},
	"gosched":         {Op: OpGosched, Reason: ReasonGosched, Flags: FlagStack},
	"preempt":         {Op: OpGosched, Reason: ReasonPreempted, Flags: FlagStack},
	"goyield":         {Op: OpGosched, Reason: ReasonPreempted, Flags: FlagStack | FlagGoyield},
	"ready":           {Op: OpReady, Flags: FlagStack},
	"goexit":          {Op: OpGoexit},
	"goexit-syscall":  {Op: OpGoexitSyscall},
	"entersyscall":    {Op: OpEntersyscall},
	"exitsyscall":     {Op: OpExitsyscall},
	"exitsyscall-nop": {Op: OpExitsyscallNoP},
	"status-g":        {Op: OpGoStatus},
	"status-p":        {Op: OpProcStatus},
	"acquirep":        {Op: OpAcquirep},
	"releasep":        {Op: OpReleasep},
	"retake":          {Op: OpRetake},
	"gomaxprocs":      {Op: OpGOMAXPROCS},
	"stw-begin":       {Op: OpSTWBegin},
	"stw-end":         {Op: OpSTWEnd},
	"label-gc-idle":   {Op: OpLabel, Flags: FlagGCIdle},
	"label-gc":        {Op: OpLabel, Flags: FlagDedicated},
	"generation":      {Op: OpGeneration},
	"task-begin":      {Op: OpTaskBegin},
	"task-end":        {Op: OpTaskEnd},
}

var scenarioFlags = map[string]Flags{
	"async": FlagAsyncPreempt, "nostack": 0, "systemstack": FlagSystemstack, "gcworker": FlagGCWorker, "scavenger": FlagScavenger,
	"semrelease": FlagSemrelease, "reader": FlagTraceReader,
}

var scenarioStates = map[string]int64{
	"runnable": int64(GRunnable), "running": int64(GRunning), "syscall": int64(GSyscall), "waiting": int64(GWaiting),
}

// parse reads "op key=value … [flag…]": g is the goroutine acted on, q the P
// acted on, by the goroutine that acts, p and m where; t sets the time, +N
// advances it, in nanoseconds; each event takes 1 µs otherwise.
func (sc *scenario) parse(line string) Event {
	fields := strings.Fields(line)
	ev, ok := scenarioOps[fields[0]]
	if !ok {
		sc.t.Fatalf("%q: no such event", line)
	}
	ev.G, ev.P, ev.M = NoG, NoP, NoM
	step := Time(1000)
	for _, f := range fields[1:] {
		key, val, _ := strings.Cut(f, "=")
		n, err := strconv.ParseInt(val, 10, 64)
		switch key {
		case "g", "q", "task":
			ev.Subject = n
		case "by":
			ev.G = GoID(n)
		case "p":
			ev.P = ProcID(n)
		case "m":
			ev.M = MIndex(n)
		case "n":
			ev.Arg = n
		case "dt":
			step = Time(n)
		case "fn":
			ev.Stack = uint32(n)
		case "reason":
			ev.Reason, err = ReasonNamed(strings.ReplaceAll(val, "_", " ")), nil
		case "state":
			var known bool
			if ev.Arg, known = scenarioStates[val]; !known {
				ev.Arg = int64(PIdle)
				if val == "held" {
					ev.Arg = int64(PRunning)
				}
			}
			err = nil
		default:
			flag, known := scenarioFlags[f]
			if !known {
				sc.t.Fatalf("%q: what is %q?", line, f)
			}
			if f == "nostack" {
				ev.Flags &^= FlagStack
			}
			ev.Flags |= flag
			err = nil
		}
		if err != nil {
			sc.t.Fatalf("%q: %v", line, err)
		}
	}
	if ev.G == NoG && (ev.Op == OpPark || ev.Op == OpGosched || ev.Op == OpGoexit || ev.Op == OpEntersyscall) {
		ev.G = GoID(ev.Subject)
	}
	sc.now += step
	ev.Time = sc.now
	return ev
}

func (sc *scenario) facts() {
	w := &sc.out
	f := &sc.s.Facts
	for _, d := range f.Dispatches {
		fmt.Fprintf(w, "dispatch G%d on P%d from %s", d.G, d.P, d.Source)
		if d.Victim != NoP {
			fmt.Fprintf(w, " of P%d", d.Victim)
		}
		if d.Moved > 1 {
			fmt.Fprintf(w, ", %d moved", d.Moved)
		}
		if d.Certain {
			fmt.Fprintf(w, ", certain")
		} else {
			for src := Source(0); src < NumSources; src++ {
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

func (sc *scenario) queues() {
	s := sc.s
	for _, p := range s.ps {
		if p == nil {
			continue
		}
		var ring []string
		for i := range p.runq.len() {
			ring = append(ring, fmt.Sprintf("G%d", s.g(p.runq.at(i)).id))
		}
		next := "-"
		if p.runnext != 0 {
			next = fmt.Sprintf("G%d", s.g(p.runnext).id)
		}
		if len(ring) > 8 {
			ring = []string{ring[0], "…", ring[len(ring)-1], fmt.Sprintf("(%d)", len(ring))}
		}
		fmt.Fprintf(&sc.out, "P%d runnext=%s runq=%v tick=%d\n", p.id, next, ring, p.tick)
	}
	if s.globq.n > 0 {
		var all []string
		for pos := s.globq.head; pos < s.globq.tail && len(all) < 8; pos++ {
			if r := s.globq.at(pos); r != 0 {
				all = append(all, fmt.Sprintf("G%d", s.g(r).id))
			}
		}
		fmt.Fprintf(&sc.out, "global %v (%d)\n", all, s.globq.n)
	}
}

// FuzzSched steps the model through arbitrary events: whatever a damaged trace
// says, the invariants hold and nothing panics.
func FuzzSched(f *testing.F) {
	f.Add([]byte{1, 7, 0, 0, 4, 7, 0, 0, 5, 7, 0, 0})
	f.Add([]byte("\x01\x01\x00\x00\x01\x02\x00\x00\x04\x02\x00\x00\x06\x02\x00\x00\x04\x01\x01\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := New(RulesFor(22+len(data)%5), 16)
		v := newValidator(t)
		v.broke = true // lives need not be whole: an event may claim anything
		now := Time(0)
		for ; len(data) >= 4; data = data[4:] {
			now += Time(data[3] >> 4)
			ev := Event{Time: now, Op: Op(data[0]) % numOps, Subject: int64(data[1] % 16), G: GoID(data[1]%5) - 1,
				P: ProcID(data[2]%4) - 1, M: MIndex(data[2]>>2%4) - 1, Arg: int64(data[3] % 8), Flags: Flags(data[3]) << 2, Reason: Reason(data[3]) % NumReasons}
			if ev.Op == OpExecute && ev.P < 0 {
				ev.P = 0
			}
			s.Step(&ev)
		}
		s.Drain()
		v.places(s)
		v.counts(s)
		s.Close()
	})
}
