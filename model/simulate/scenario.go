package simulate

import (
	"embed"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Textbook scenarios: what each scheduler is known to have trouble with, as small as can be.
//
//go:embed testdata/lock_contention_local.txt testdata/stranded.txt testdata/imbalance.txt testdata/global_starvation.txt testdata/monopolist.txt
var textbookFiles embed.FS

// textbookOf is the scenario of each trouble, and the settings under which it shows.
var textbookOf = [NumTroubles]struct {
	file string
	cfg  func(*Config)
}{
	Stranded:   {"stranded", func(c *Config) { c.Scheduler = ThreadQueue }},
	Imbalance:  {"imbalance", func(c *Config) { c.Scheduler, c.Procs, c.AllOnCreator = ThreadQueue, 2, true }},
	Starvation: {"global_starvation", func(c *Config) { c.Tick = 0 }},
	Monopoly:   {"monopolist", func(c *Config) { c.NoAsync = true }},
	Contention: {"lock_contention_local", func(c *Config) { c.Scheduler = SharedQueue }},
}

// Textbook is the workload that shows a trouble best, what it is in a sentence, the settings
// that have the trouble, and those of Go's scheduler with as many Ps, which has not.
func Textbook(t Trouble) (w *Workload, about string, bad, good Config, err error) {
	from := textbookOf[t]
	text, err := textbookFiles.ReadFile("testdata/" + from.file + ".txt")
	if err != nil {
		return nil, "", bad, good, err
	}
	w, about, err = ReadWorkload(string(text))
	bad = DefaultConfig(1)
	from.cfg(&bad)
	return w, about, bad, DefaultConfig(bad.Procs), err
}

// ReadWorkload reads a workload that was written by hand, and the comment before it. It has
// goroutines, and below each, indented, its steps; the lines of simulations and checks that
// tests have besides are left out:
//
//	go NAME [COUNT] [created] [tight]
//	    run|sleep|syscall LENGTH, yield, goyield, create NAME, loop COUNT … end
func ReadWorkload(text string) (w *Workload, about string, err error) {
	r := workloadReader{w: &Workload{}, first: map[string]int{}, count: map[string]int{}}
	type body struct {
		name  string
		lines []string
		flags []string
	}
	var bodies []body
	n := 0
	for line := range strings.Lines(text) {
		if note, ok := strings.CutPrefix(line, "# "); ok && n == 0 {
			about += strings.TrimSpace(note) + " "
		}
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		switch {
		case len(f) == 0:
		case f[0] == "go" && len(f) > 1:
			count := 1
			if len(f) > 2 {
				if c, err := strconv.Atoi(f[2]); err == nil {
					count = c
				}
			}
			r.first[f[1]], r.count[f[1]] = n, count
			n += count
			bodies = append(bodies, body{name: f[1], flags: f[2:]})
		case (line[0] == ' ' || line[0] == '\t') && len(bodies) > 0:
			b := &bodies[len(bodies)-1]
			b.lines = append(b.lines, strings.Join(f, " "))
		}
	}
	for _, b := range bodies {
		flags := " " + strings.Join(b.flags, " ") + " "
		for range r.count[b.name] {
			var c Code
			if err := r.steps(&c, b.lines); err != nil {
				return nil, "", fmt.Errorf("go %s: %w", b.name, err)
			}
			r.w.Add(Goroutine{Root: !strings.Contains(flags, " created "), Tight: strings.Contains(flags, " tight ")}, &c)
		}
	}
	return r.w, strings.TrimSpace(about), nil
}

// workloadReader is ReadWorkload at work.
type workloadReader struct {
	w            *Workload
	first, count map[string]int
}

func (r *workloadReader) steps(c *Code, lines []string) error {
	for i := 0; i < len(lines); i++ {
		op, arg, _ := strings.Cut(lines[i], " ")
		switch op {
		case "loop":
			n, err := strconv.Atoi(arg)
			if err != nil {
				return err
			}
			depth, end := 1, i+1
			for ; end < len(lines); end++ {
				if strings.HasPrefix(lines[end], "loop") {
					depth++
				} else if lines[end] == "end" {
					if depth--; depth == 0 {
						break
					}
				}
			}
			if depth > 0 {
				return fmt.Errorf("loop %s has no end", arg)
			}
			for range n {
				if err := r.steps(c, lines[i+1:end]); err != nil {
					return err
				}
			}
			i = end
		case "yield":
			c.Yield()
		case "goyield":
			c.Goyield()
		case "create":
			for k := range r.count[arg] {
				c.Create(r.first[arg] + k)
			}
		default:
			if err := timed(c, op, arg); err != nil {
				return err
			}
		}
	}
	return nil
}

// timed writes a step that takes a length.
func timed(c *Code, op, arg string) error {
	d, err := time.ParseDuration(arg)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	switch op {
	case "run":
		c.Run(int64(d))
	case "sleep":
		c.Wait(int64(d))
	case "syscall":
		c.Syscall(int64(d))
	default:
		return fmt.Errorf("no step %q", op)
	}
	return nil
}
