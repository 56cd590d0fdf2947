package whatif

import (
	"regexp"
	"strings"
	"testing"

	"gmptrace/analyze/words"
)

// lessonOf teaches on a recorded program.
func lessonOf(t *testing.T, file string) *Lesson {
	t.Helper()
	x := simulated(t, "../../fixtures/traces/real/"+file, Settings{Teach: true, NoChanges: true, NoScaling: true, Seeds: 1})
	if x.Lesson == nil || len(x.Lesson.Effects) != 5 || len(x.Lesson.Recorded) == 0 {
		t.Fatalf("%+v", x.Lesson)
	}
	return x.Lesson
}

// TestTeach: each trouble has a number on this program and a sentence of what Go does, and what
// this program does not show is shown on the textbook's.
func TestTeach(t *testing.T) {
	for _, file := range []string{"esbuild-go1.22-p2.trace", "webshop-go1.26-p4.trace", "typecheck-go1.22-p1.trace"} {
		shown := 0
		l := lessonOf(t, file)
		for _, e := range l.Effects {
			if e.Title == "" || e.What == "" || e.Answer == "" || !regexp.MustCompile(`\d`).MatchString(e.Here) && e.Shown {
				t.Errorf("%s: %+v", file, e)
			}
			if e.Shown == (e.Textbook != "") {
				t.Errorf("%s, %s: shown here %v, and on the textbook's: %q", file, e.ID, e.Shown, e.Textbook)
			}
			if e.Shown {
				shown++
			}
			if len(e.Steps) < 2 {
				t.Errorf("%s, %s: a picture of %d steps", file, e.ID, len(e.Steps))
			}
			worst := e.Steps[e.Worst].Global
			for _, p := range e.Steps[e.Worst].Places {
				worst += p.Queue
			}
			if worst == 0 {
				t.Errorf("%s, %s: at the worst moment nobody waits", file, e.ID)
			}
			for i := 1; i < len(e.Steps); i++ {
				if e.Steps[i].At <= e.Steps[i-1].At {
					t.Errorf("%s, %s: steps out of order", file, e.ID)
				}
			}
		}
		if len(l.Otherwise) == 0 {
			t.Errorf("%s: nothing is said of what Go does otherwise", file)
		}
		if lock := l.Effects[0]; !strings.Contains(lock.Steps[lock.Worst].Text, "stand in line for the lock") {
			t.Errorf("%s: at the worst moment nobody stands in line for the lock: %s", file, lock.Steps[lock.Worst].Text)
		}
		if e := l.Effects[3]; !e.Shown && !strings.Contains(words.Text(e.Steps[e.Worst].Text), "1 goroutine") {
			t.Errorf("%s: who starves is not in the picture: %s", file, e.Steps[e.Worst].Text)
		}
		if file == "esbuild-go1.22-p2.trace" && shown == 0 {
			t.Errorf("%s shows nothing of what schedulers have trouble with", file)
		}
	}
}

// TestTeachLock: the one queue's lock is waited for longer, the more threads there are, and
// longer than Go's scheduler waits for that of its global queue.
func TestTeachLock(t *testing.T) {
	for _, file := range []string{"esbuild-go1.22-p2.trace", "webshop-go1.26-p4.trace", "typecheck-go1.25-p4.trace"} {
		x := simulated(t, "../../fixtures/traces/real/"+file, Settings{Teach: true, NoChanges: true, Seeds: 3})
		e := x.Lesson.Effects[0]
		if e.ID != "lock" || len(e.Threads) != 8 || e.Threads[0].Wait > e.Threads[7].Wait/2 {
			t.Fatalf("%s: %+v", file, e)
		}
		if last := e.Threads[7]; last.Wait < e.Threads[1].Wait || last.Threads != mostThreads || last.From != "extrapolated" || last.Cost != 60 {
			t.Errorf("%s: %+v with many threads, %+v with two", file, last, e.Threads[1])
		}
		waits := map[string]map[int]int64{}
		for _, p := range x.Scaling {
			if waits[p.Scheduler] == nil {
				waits[p.Scheduler] = map[int]int64{}
			}
			waits[p.Scheduler][p.Procs] = p.LockWait
		}
		for _, n := range []int{2, 4, 8} {
			if own, one := waits["gmp"][n], waits["global-queue"][n]; own > one {
				t.Errorf("%s with %d: Go's scheduler waits for the lock for %d ns, one queue for all %d", file, n, own, one)
			}
		}
	}
}

// TestTeachAsked: the number of Ps that was asked for is taught with.
func TestTeachAsked(t *testing.T) {
	x := simulated(t, esbuild, Settings{Teach: true, NoChanges: true, NoScaling: true, Seeds: 1, Procs: []int{4}})
	for _, e := range x.Lesson.Effects {
		if e.ID == "imbalance" && !strings.Contains(words.Text(e.Here), "4 threads") {
			t.Errorf("with 4 Ps: %s", e.Here)
		}
	}
	if x := simulated(t, esbuild, Settings{NoChanges: true, NoScaling: true, Seeds: 1}); x.Lesson != nil {
		t.Error("a lesson for which nobody asked")
	}
}
