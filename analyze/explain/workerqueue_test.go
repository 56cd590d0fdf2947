package explain

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"gmptrace/analyze/words"
)

// behindOthers has tasks that one goroutine hands to another, which asks over the network for
// each, for the first one for long, and ends each once it is done, or all of them at once.
func behindOthers(atOnce bool) string {
	s := oneP + reader(10) + "newproc g=10 p=0 m=0 by=1 fn=main.work\npark g=1 p=0 m=0 reason=sleep fn=time.Sleep<main.main\n" +
		"execute g=10 p=0 m=0\npark g=10 p=0 m=0 reason=chan_receive fn=runtime.chanrecv2<main.work\nready g=1 p=0 m=0\nexecute g=1 p=0 m=0\n"
	for i := range 6 {
		s += fmt.Sprintf("task-begin task=%d by=1 p=0 m=0 name=page\n", i+1)
	}
	s += "ready g=10 p=0 m=0 by=1 fn=runtime.chansend1<main.main\npark g=1 p=0 m=0 reason=sleep fn=time.Sleep<main.main\nexecute g=10 p=0 m=0\n"
	ends := ""
	for i := range 6 {
		took := "5ms"
		if i == 0 {
			took = "200ms"
		}
		s += asksNet(10, "main.ask<main.work", took)
		if end := fmt.Sprintf("task-end task=%d by=10 p=0 m=0 name=page\n", i+1); atOnce {
			ends += end
		} else {
			s += end
		}
	}
	return s + ends + "park g=10 p=0 m=0 reason=chan_receive fn=runtime.chanrecv2<main.work\n"
}

// TestStandsInLine: a task waits for its turn while who ends it works on others; of those that
// are ended together it is not said.
func TestStandsInLine(t *testing.T) {
	x := explainScenario(t, behindOthers(false), selectorNamed(t, "task page"))
	const turn = "waiting for its turn with main.work, which had others before it,"
	if said := words.Text(x.Headline); !strings.Contains(said, turn+" while main.ask (main.ask.go:1, called from main.work) waited for the network") {
		t.Errorf("the headline is %q", said)
	}
	if said := words.Text(x.Advice); !strings.Contains(said, "give those a queue and goroutines of their own") {
		t.Errorf("the advice is %q", said)
	}
	if x := explainScenario(t, behindOthers(true), selectorNamed(t, "task page")); strings.Contains(words.Text(x.Headline+x.Detail), turn) {
		t.Errorf("together: the headline is %q", x.Headline)
	}
}

// chained has tasks of which each asks over the network, the first one for long, and then waits
// for the one before it, which closes a channel when it has done.
func chained() string {
	s := oneP
	const n = 6
	for i := range n {
		s += reader(10 + 2*i)
	}
	for i := range n {
		s += fmt.Sprintf("newproc g=%d p=0 m=0 by=1 fn=main.handle\n", 10+2*i)
	}
	s += "park g=1 p=0 m=0 reason=sleep fn=time.Sleep<main.main\n"
	for i := n - 1; i >= 0; i-- {
		g := 10 + 2*i
		s += fmt.Sprintf("execute g=%d p=0 m=0\ntask-begin task=%d by=%d p=0 m=0 name=plate\n", g, g, g)
		if i > 0 {
			s += fmt.Sprintf("park g=%d p=0 m=0 reason=chan_receive fn=runtime.chanrecv1<main.handle\n", g)
		}
	}
	s += asksNet(10, "main.ask<main.handle", "120ms")
	for i := range n {
		g := 10 + 2*i
		if i > 0 {
			s += fmt.Sprintf("execute g=%d p=0 m=0\n", g)
		}
		if i+1 < n {
			s += fmt.Sprintf("ready g=%d p=0 m=0 by=%d fn=main.handle\n", g+2, g)
		}
		s += fmt.Sprintf("task-end task=%d by=%d p=0 m=0 name=plate\ngoexit g=%d p=0 m=0\n", g, g, g)
	}
	return s
}

// TestChain: those that wait for one another are no queue.
func TestChain(t *testing.T) {
	x := explainScenario(t, chained(), selectorNamed(t, "task plate"))
	if said := words.Text(x.Headline); !strings.Contains(said, "waiting for another of them (until that closes a channel) in main.handle (main.handle.go:1) while main.ask (main.ask.go:1, called from main.handle) waited for the network") {
		t.Errorf("the headline is %q", said)
	}
	if said := words.Text(x.Advice); !strings.Contains(said, "let them go on without that order, or give main.ask a time limit") || strings.Contains(said, "line") {
		t.Errorf("the advice is %q", said)
	}
}

// sleeping has tasks that sleep as long as given, in functions of such names.
func sleeping(of ...map[string]string) string {
	s := oneP
	for i, parts := range of {
		s += fmt.Sprintf("task-begin task=%d by=1 p=0 m=0 name=quote\n", i+1)
		for _, fn := range []string{"main.a", "main.b", "main.c"} {
			if took := parts[fn]; took != "" {
				s += fmt.Sprintf("park g=1 p=0 m=0 reason=sleep fn=time.Sleep<%s<main.main\nready g=1 p=0 m=0 dt=%s\nexecute g=1 p=0 m=0\n", fn, took)
			}
		}
		s += fmt.Sprintf("task-end task=%d by=1 p=0 m=0 name=quote\n", i+1)
	}
	return s
}

// TestTypicalOfMany: where most are quick, and more than a quarter slow, typical ones are the
// quick ones.
func TestTypicalOfMany(t *testing.T) {
	var of []map[string]string
	for i := range 15 {
		took := "4ms"
		if i%3 == 2 {
			took = fmt.Sprint(300+10*i, "ms")
		}
		of = append(of, map[string]string{"main.a": took})
	}
	x := explainScenario(t, sleeping(of...), selectorNamed(t, "task quote"))
	if x.Typical.Mean < 3_500_000 || x.Typical.Mean > 4_500_000 {
		t.Errorf("%s: a typical one took %d ns", x.Headline, x.Typical.Mean)
	}
}

// shared is the share that a text tells before some words, in percent; 0 for none.
func shared(text, before string) (percent float64) {
	if i := strings.Index(text, before); i >= 0 {
		fields := strings.Fields(text[:i])
		_, _ = fmt.Sscan(strings.TrimLeft(fields[len(fields)-2], "<"), &percent)
	}
	return percent
}

// TestFiguresAgree: in all scenarios the shares of one answer are no more than all, and what is
// typical is near the median.
func TestFiguresAgree(t *testing.T) {
	files, err := filepath.Glob("testdata/explain/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	scenarios := map[string]string{}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		ar := txtar.Parse(data)
		for i := range ar.Files[1:] {
			scenarios[name+" "+ar.Files[i+1].Name] = string(ar.Files[0].Data)
		}
	}
	quick, slow := map[string]string{"main.c": "50ms"}, map[string]string{"main.a": "60ms", "main.b": "40ms"}
	scenarios["less of another.txtar task"] = sleeping(quick, quick, quick, quick, quick, quick, quick, quick, slow, slow)
	two := 0
	for name, events := range scenarios {
		x := explainScenario(t, events, selectorNamed(t, name[strings.LastIndex(name, ".txtar ")+len(".txtar "):]))
		first, second := shared(words.Text(x.Headline), "went to"), 0.0
		if text := words.Text(x.Detail); strings.HasPrefix(text, "Another ") {
			second = shared(text, "went to")
			two++
		}
		if first+second > 101 {
			t.Errorf("%s: %s %s: %v and %v %%", name, x.Headline, x.Detail, first, second)
		}
		if p := x.Durations.P50; x.Typical.Count > 0 && x.Unfinished == 0 && x.Durations.Count >= 4*fewTypical && !strings.Contains(x.Headline, "of those that show no handler") && x.Typical.Mean > farFromMedian*p*17/16 {
			t.Errorf("%s: %s: a typical one took %d", name, x.Headline, x.Typical.Mean)
		}
	}
	if two == 0 {
		t.Error("no scenario tells of two shares")
	}
}

// TestHandlerAsked: of requests that are selected by their handler is said how many more show
// none.
func TestHandlerAsked(t *testing.T) {
	const conn = "http.serverHandler.ServeHTTP<net/http.(*conn).serve"
	const reads = "park g=2 p=0 m=0 reason=network fn=internal/poll.(*FD).Read<bufio.(*Reader).Peek<net/http.(*conn).serve\n"
	s := oneP + "newproc g=2 p=0 m=0 by=1 fn=net/http.(*conn).serve\npark g=1 p=0 m=0 reason=chan_receive fn=main.main\nexecute g=2 p=0 m=0\n" + reads
	for i := range 6 {
		g := 10 + i
		s += fmt.Sprintf("ready g=2 p=0 m=0 dt=5ms\nexecute g=2 p=0 m=0\nnewproc g=%d p=0 m=0 by=2 fn=net/http.(*connReader).backgroundRead\n", g)
		if i%2 == 0 {
			s += "park g=2 p=0 m=0 reason=sleep fn=time.Sleep<main.goods<net/http.HandlerFunc.ServeHTTP<net/" + conn + "\nready g=2 p=0 m=0 dt=9ms\nexecute g=2 p=0 m=0\n"
		}
		s += fmt.Sprintf("park g=2 p=0 m=0 reason=sync fn=sync.(*Cond).Wait<net/http.(*connReader).abortPendingRead<net/http.(*conn).serve\nexecute g=%d p=0 m=0\nready g=2 p=0 m=0 by=%d\ngoexit g=%d p=0 m=0\nexecute g=2 p=0 m=0\n%s", g, g, g, reads)
	}
	x := explainScenario(t, s, selectorNamed(t, "request goods"))
	if said := words.Text(x.Headline); !strings.Contains(said, "3 requests of main.goods") || !strings.Contains(said, "; of 3 more the handler does not show, which may be of these") {
		t.Errorf("the headline is %q", said)
	}
}
