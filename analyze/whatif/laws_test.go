package whatif

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestLaws: recorded runs keep the laws of their own programs, whatever the machine did, and
// predictions lie with their ranges in the corridor.
func TestLaws(t *testing.T) {
	files, err := filepath.Glob("../../fixtures/traces/real/*.trace")
	if err != nil || len(files) == 0 {
		t.Fatal("no traces", err)
	}
	near := 0
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			x := simulated(t, file, Settings{Seeds: 1, NoChanges: true})
			l := x.Laws
			if l == nil || len(l.Text) != 3 || l.Work <= 0 || l.Span <= 0 || l.Computed > l.Span || l.Computed > l.Work {
				t.Fatalf("%+v", l)
			}
			v := &x.Variants[0]
			if x.Machine == nil && x.Recorded.Makespan < v.Least {
				t.Errorf("the recorded run took %d, the laws allow no less than %d", x.Recorded.Makespan, v.Least)
			}
			if v.Most == 0 || v.Least > v.Most {
				t.Errorf("at least %d, at most %d", v.Least, v.Most)
			}
			if float64(x.Recorded.Makespan) < 1.1*float64(v.Least) {
				near++
			}
			if !strings.Contains(name, "p16") && float64(v.Makespan) > 1.02*float64(v.Most) {
				t.Errorf("Go's scheduler is predicted to take %d, Graham's bound is %d", v.Makespan, v.Most)
			}
			for i := range x.Variants {
				v := &x.Variants[i]
				if !(v.Least <= v.Low && v.Low <= v.Makespan && v.Makespan <= v.High) || v.greedy() != (v.Most > 0) {
					t.Errorf("%s: at least %d, %d to %d, at most %d", v.Name, v.Least, v.Low, v.High, v.Most)
				}
			}
			for i := 1; i < len(l.Bounds); i++ {
				if a, b := l.Bounds[i-1], l.Bounds[i]; a.Procs >= b.Procs {
					t.Errorf("bounds of %d Ps before those of %d", a.Procs, b.Procs)
				}
			}
			for _, p := range x.Scaling {
				if p.Low > p.Makespan || p.High < p.Makespan || p.Scheduler != "gmp" && p.Low != p.High {
					t.Errorf("%+v", p)
				}
			}
		})
	}
	if near < 5 {
		t.Errorf("only %d recorded runs come near what the laws allow: they say little", near)
	}
}
