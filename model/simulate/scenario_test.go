package simulate

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestScenarios runs the texts of testdata: what is known of each scheduler. A
// text has goroutines, simulations of them, and what must hold of the results.
//
//	go NAME [COUNT] [created] [tight] [job]   and below it, indented, their steps:
//	    run|sleep|net|syscall|blocking LENGTH; until|net-until TIME
//	    gc LENGTH|assist LENGTH|starved LENGTH: a collection of that much work, and marking
//	    yield, goyield, block, wake NAME, send NAME, create NAME (all of them)
//	    hold N, lock N NAME: of a lock that the wake ends, and who holds it
//	    acquire N, share N, release N: a mutex, alone or beside other readers
//	    need NAME: that job ends the block that comes
//	    offer: waits for jobs from then on
//	    put NAME [COUNT]: gives its next job; of all COUNT that many
//	    loop COUNT … end
//	workers COUNT of COUNT: there are to be so many instead of those that offer
//	sim LABEL scheduler=… procs=… [cpus= tick= slice= lock= no-steal bounce= no-async no-handoff creator]
//	check VALUE <|>|~ VALUE             ~: within 10 %
//
// A VALUE is a length, a number, LABEL.METRIC, LABEL.end(NAME) or LABEL.wait(NAME),
// and may be followed by * FACTOR.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scenarios", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			newScenario(t, string(text)).run()
		})
	}
}

type scenario struct {
	t      *testing.T
	lines  []string
	first  map[string]int // number of the first goroutine of that name
	count  map[string]int
	bodies map[string][]string
	order  []string
	flags  map[string]string
	w      Workload
	res    map[string]*Result
}

func newScenario(t *testing.T, text string) *scenario {
	s := &scenario{t: t, first: map[string]int{}, count: map[string]int{}, bodies: map[string][]string{}, flags: map[string]string{}, res: map[string]*Result{}}
	name := ""
	n := 0
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		switch {
		case len(f) == 0:
		case f[0] == "go":
			name = f[1]
			s.order = append(s.order, name)
			s.first[name], s.count[name] = n, 1
			if len(f) > 2 {
				if c, err := strconv.Atoi(f[2]); err == nil {
					s.count[name] = c
				}
			}
			s.flags[name] = line
			n += s.count[name]
		case line[0] == ' ' || line[0] == '\t':
			s.bodies[name] = append(s.bodies[name], strings.Join(f, " "))
		default:
			s.lines = append(s.lines, strings.Join(f, " "))
		}
	}
	if strings.Contains(text, "offer") {
		s.w.Stations = make([]Station, 1)
	}
	blocks := map[string]int{}
	for _, name := range s.order {
		for range s.count[name] {
			var c Code
			s.body(&c, s.bodies[name], blocks)
			job := strings.Contains(s.flags[name], "job")
			s.w.Add(Goroutine{Root: !job && !strings.Contains(s.flags[name], "created"), Tight: strings.Contains(s.flags[name], "tight"), Job: job}, &c)
		}
	}
	return s
}

// body writes steps; blocks counts the wakes of each name so far.
func (s *scenario) body(c *Code, lines []string, blocks map[string]int) {
	for i := 0; i < len(lines); i++ {
		f := strings.Fields(lines[i])
		switch f[0] {
		case "loop":
			depth, j := 1, i+1
			for ; depth > 0; j++ {
				switch strings.Fields(lines[j])[0] {
				case "loop":
					depth++
				case "end":
					depth--
				}
			}
			n, err := strconv.Atoi(f[1])
			if err != nil {
				s.t.Fatal(err)
			}
			for range n {
				s.body(c, lines[i+1:j-1], blocks)
			}
			i = j - 1
		case "run":
			c.Run(s.length(f[1]))
		case "sleep":
			c.Wait(s.length(f[1]))
		case "until":
			c.WaitUntil(s.length(f[1]))
		case "net-until":
			c.NetUntil(s.length(f[1]))
		case "net":
			c.Net(s.length(f[1]))
		case "syscall":
			c.Syscall(s.length(f[1]))
		case "blocking":
			c.Blocking(s.length(f[1]))
		case "yield":
			c.Yield()
		case "goyield":
			c.Goyield()
		case "block":
			c.Block()
		case "gc":
			s.w.Cycles = append(s.w.Cycles, Cycle{Work: s.length(f[1])})
			c.GC(len(s.w.Cycles) - 1)
		case "assist":
			c.Assist(s.length(f[1]))
		case "starved":
			c.Starved(s.length(f[1]))
		case "wake":
			c.Wake(s.first[f[1]], blocks[f[1]])
			blocks[f[1]]++
		case "send":
			c.Send(s.first[f[1]], blocks[f[1]])
			blocks[f[1]]++
		case "hold", "lock":
			n, err := strconv.Atoi(f[1])
			if err != nil {
				s.t.Fatal(err)
			}
			s.w.Holds = max(s.w.Holds, n+1)
			if f[0] == "hold" {
				c.Hold(n)
			} else {
				c.Lock(n, s.first[f[2]])
			}
		case "acquire", "share", "release":
			n, err := strconv.Atoi(f[1])
			if err != nil {
				s.t.Fatal(err)
			}
			s.w.Mutexes = max(s.w.Mutexes, n+1)
			switch f[0] {
			case "acquire":
				c.Acquire(n, -1)
			case "share":
				c.Share(n, -1)
			default:
				c.Release(n)
			}
		case "need":
			c.Need(s.first[f[1]])
		case "offer":
			c.Offer(0)
		case "put":
			n := 1
			if len(f) > 2 {
				n, _ = strconv.Atoi(f[2])
			}
			for range n {
				c.Put(s.first[f[1]] + blocks["put "+f[1]])
				blocks["put "+f[1]]++
			}
		case "create":
			for k := range s.count[f[1]] {
				c.Create(s.first[f[1]] + k)
			}
		default:
			s.t.Fatalf("no step %q", f[0])
		}
	}
}

func (s *scenario) length(text string) int64 {
	d, err := time.ParseDuration(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return int64(d)
}

func (s *scenario) run() {
	for _, line := range s.lines {
		f := strings.Fields(line)
		switch f[0] {
		case "sim":
			s.res[f[1]] = Run(&s.w, s.config(f[2:]))
		case "workers":
			s.w.Stations[0].Workers, _ = strconv.Atoi(f[1])
			s.w.Stations[0].Coming, _ = strconv.Atoi(f[3])
		case "check":
			s.check(line, f[1:])
		default:
			s.t.Fatalf("no %q", f[0])
		}
	}
}

func (s *scenario) config(fields []string) Config {
	cfg := DefaultConfig(1)
	cfg.Seed, cfg.Fates = 1, true
	for _, f := range fields {
		key, v, _ := strings.Cut(f, "=")
		n, _ := strconv.Atoi(v)
		switch key {
		case "scheduler":
			sched, ok := Named(v)
			if !ok {
				s.t.Fatalf("no scheduler %q", v)
			}
			cfg.Scheduler = sched
		case "procs":
			cfg.Procs = n
		case "cpus":
			cfg.CPUs = n
		case "tick":
			cfg.Tick = n
		case "slice":
			cfg.Slice = s.length(v)
		case "lock":
			cfg.Costs.Lock = Constant(s.length(v), "given")
		case "bounce":
			cfg.Bounce = int64(s.length(v))
		case "no-steal":
			cfg.NoSteal = true
		case "no-async":
			cfg.NoAsync = true
		case "no-handoff":
			cfg.NoHandoff = true
		case "creator":
			cfg.AllOnCreator = true
		default:
			s.t.Fatalf("no setting %q", key)
		}
	}
	return cfg
}

func (s *scenario) check(line string, f []string) {
	var left, right []string
	op := ""
	for _, x := range f {
		switch {
		case x == "<" || x == ">" || x == "~":
			op = x
		case op == "":
			left = append(left, x)
		default:
			right = append(right, x)
		}
	}
	a, b := s.value(left), s.value(right)
	ok := false
	switch op {
	case "<":
		ok = a < b
	case ">":
		ok = a > b
	case "~":
		ok = a > .9*b && a < 1.1*b
	}
	if !ok {
		s.t.Errorf("%s: %s %s %s", line, show(a), op, show(b))
	}
}

func show(v float64) string { return fmt.Sprintf("%.0f (%v)", v, time.Duration(v)) }

func (s *scenario) value(f []string) float64 {
	v := s.single(f[0])
	if len(f) == 3 && f[1] == "*" {
		v *= s.single(f[2])
	}
	return v
}

func (s *scenario) single(x string) float64 {
	if n, err := strconv.ParseFloat(x, 64); err == nil {
		return n
	}
	if d, err := time.ParseDuration(x); err == nil {
		return float64(d)
	}
	label, metric, _ := strings.Cut(x, ".")
	r := s.res[label]
	if r == nil {
		s.t.Fatalf("no value %q", x)
	}
	if r.Unfinished > 0 {
		s.t.Errorf("%s: %d goroutines never ended", label, r.Unfinished)
	}
	if kind, name, ok := strings.Cut(strings.TrimSuffix(metric, ")"), "("); ok {
		var most int64
		for _, fate := range r.Fates[s.first[name] : s.first[name]+s.count[name]] {
			if kind == "end" {
				most = max(most, fate.End)
			} else {
				most = max(most, fate.Wait)
			}
		}
		return float64(most)
	}
	switch metric {
	case "makespan":
		return float64(r.Makespan)
	case "lockwait":
		return float64(r.LockWait)
	case "idle":
		return float64(r.Idle)
	case "assisted":
		return float64(r.Assisted)
	case "steals":
		return float64(r.Steals)
	case "handoffs":
		return float64(r.Handoffs)
	case "preemptions":
		return float64(r.Preemptions)
	case "overflows":
		return float64(r.Overflows)
	case "tickpulls":
		return float64(r.TickPulls)
	}
	s.t.Fatalf("no metric %q", metric)
	return 0
}
