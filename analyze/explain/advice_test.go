package explain

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"gmptrace/analyze/report"
)

// TestAdvice: what to do about what the scenarios tell of.
func TestAdvice(t *testing.T) {
	for name, want := range map[string]string{
		"once":              "Whoever comes before it is done waits",
		"pool_inside":       "Let main.archiver have fewer at a time, by a limit of its own",
		"looks_up":          "so that fewer names have to be looked up",
		"tries":             "if it pauses between tries",
		"keeps_to_a_rate":   "No goroutine let main.(*limiter).wait go on there",
		"others_sleep":      "Others wait while main.commit sleeps",
		"lock_there":        "A sync.Map is locked where keys are new or gone",
		"pieces":            "Let main.piece ",
		"launches":          "Loop in main.step instead of starting the next goroutine",
		"never_waits":       "main.forward never waited for anything: if it polls",
		"deadlock":          "Lock both in one order in main.post (main.post.go:1) and main.reconcile (main.reconcile.go:1).",
		"c_code":            "they likely wait within C, as for a lock of the library",
		"file_lock":         "Find the process that has it",
		"file_lock_here":    "Hold the file's lock for less",
		"waits_for_locker":  "Hold the file's lock for less",
		"wakes_often":       "Wake fewer goroutines, as with Signal in place of Broadcast",
		"dials_time_out":    "nobody answers there. See whether that host is up, remember for some time that it is not",
		"spins":             "If main.(*spinLock).Lock looks again and again whether it may go on",
		"runs_command":      "Another process is run there",
		"streams_open":      "All streams that the server allows on one connection were open",
		"no_continue":       "Send no Expect: 100-continue with what is small",
		"context_lock":      "A context is locked while it is cancelled",
		"rate_limited":      "Raise the limiter's rate or burst",
		"second_place":      "Let who has one ask for no other",
		"large_share":       "If main.compact asks for much at once",
		"gathers":           "main.(*bus).gather goes on once a timer is due, and main.(*bus).publish waits for that",
		"output_held":       "something that it started still has its output open",
		"logs_in":           "raise sql.DB.SetMaxIdleConns",
		"slow_reader":       "The other end does not read what main.(*hub).broadcast writes as fast as it comes",
		"for_all":           "All who ask meanwhile wait for that one",
		"sends_under_lock":  "Let main.audit sleep for less while others wait for it",
		"brought_later":     "Others wait while main.(*batcher).run waits for more to come",
		"fan_out":           "If main.search asks several at once, it waits for the slowest of them",
		"shared_connection": "If main.(*kv).readLoop reads what several have asked for",
		"locked_thread":     "Each message to main.(*vm).loop costs a switch of threads",
		"repeats_call":      "do not repeat what is refused",
		"asks_names":        "Let main.pick keep the addresses that it got",
		"no_answer":         "No answer had come to main.(*client).ask when its context's deadline was over",
		"grows":             "24 goroutines of main.follow began, and hardly any ended: see that they end",
		"slow_by_the_same":  "Hold the lock for less in main.audit",
		"unread_body":       "main.forecast (main.forecast.go:1) closes bodies of answers that it has not read to their end",
		"pool_kept":         "Let main.announce not wait for the network while it has one: read what it needs, close the rows",
		"lock_in_call":      "Do what blocks in main.renew outside of the lock",
		"in_library":        "reflect.Select looks at all of its cases each time",
	} {
		ar, err := txtar.ParseFile(filepath.Join("testdata/explain", name+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		sel := selectorNamed(t, "task")
		if kind, _, _ := strings.Cut(ar.Files[1].Name, " "); kind == "request" {
			sel.Kind = report.KindRequest
		}
		if strings.HasPrefix(ar.Files[1].Name, "worst") {
			sel.Kind = report.InstanceKind("")
		}
		if x := explainScenario(t, string(ar.Files[0].Data), sel); !strings.Contains(x.Advice, want) {
			t.Errorf("%s: %q, want %q", name, x.Advice, want)
		}
	}
}

// TestStampede: what several of a handler with quick ones compute at once may be the same.
func TestStampede(t *testing.T) {
	ar, err := txtar.ParseFile("testdata/explain/stampede.txtar")
	if err != nil {
		t.Fatal(err)
	}
	const want = "At least 3 of them were in main.render at once: if they compute the same"
	alone := strings.ReplaceAll(string(ar.Files[0].Data), "fn=main.render<", "fn=main.other<")
	for events, said := range map[string]bool{string(ar.Files[0].Data): true, strings.Replace(alone, "main.other", "main.render", 1): false} {
		x := explainScenario(t, events, Selector{Kind: report.KindRequest})
		if got := strings.Contains(x.Advice, want); got != said {
			t.Errorf("%v: %q", said, x.Advice)
		}
	}
}

// TestForOthers: what many wait for that one of them does has advice of its own; who waits for
// a place among few has not.
func TestForOthers(t *testing.T) {
	root := report.Root{Kind: report.RootNetwork, At: report.Frame{Func: "main.load"}, From: "main.show", Stood: report.Frame{Func: "main.get"}}
	for name, said := range map[string]bool{"main.show": true, "main.other": false} {
		if got := forOthers(&report.Explanation{Name: name, Roots: []report.Root{root}}); (got != "") != said {
			t.Errorf("%s: %q", name, got)
		}
	}
	root.Kind = report.RootPlace
	if got := forOthers(&report.Explanation{Name: "main.show", Roots: []report.Root{root}}); got != "" {
		t.Errorf("a place among few: %q", got)
	}
}

// TestOwnLock: the mutex of a program is to be held for less, one that a sync.Map hides is
// nobody's to hold for less.
func TestOwnLock(t *testing.T) {
	ar, err := txtar.ParseFile("testdata/explain/lock_there.txtar")
	if err != nil {
		t.Fatal(err)
	}
	own := strings.NewReplacer("<sync.(*Map).dirtyLocked", "", "sync.(*Map).dirtyLocked<", "", "sync.(*Map).LoadOrStore<", "").Replace(string(ar.Files[0].Data))
	if x := explainScenario(t, own, selectorNamed(t, "task")); !strings.Contains(x.Advice, "in main.touch: compute outside of it") {
		t.Errorf("the advice is %q", x.Advice)
	}
}

// TestAdviceByMore: what slow ones compute for much longer than typical ones is more of something,
// unless its name says that it waits, or its cost is known.
func TestAdviceByMore(t *testing.T) {
	for _, c := range []struct {
		fn, worksIn string
		ns          int64
		want        bool
	}{
		{"main.contains", "", 10e6, true},
		{"main.contains", "", 5e6, false}, // not by much
		{"main.(*spinLock).Lock", "", 10e6, false},
		{"main.route", "reflect.Select", 10e6, false},
	} {
		x := &report.Root{Kind: report.RootComputing, At: report.Frame{Func: c.fn}, NS: c.ns}
		if got := adviceByMore(x, 100_000, false, c.worksIn); strings.Contains(got, "see what more it does for them") != c.want {
			t.Errorf("%s, %s for %d ns: %q", c.fn, c.worksIn, c.ns, got)
		}
	}
}
