package explain

import (
	"fmt"
	"strings"
	"testing"

	"gmptrace/analyze/words"
)

// asksNet is what a goroutine does that asks over the network and waits for what a goroutine
// of net/http reads, which is g+1.
func asksNet(g int, at, length string) string {
	return fmt.Sprintf(`park g=%d p=0 m=0 reason=select fn=net/http.(*persistConn).roundTrip<net/http.(*Client).Get<%s
ready g=%d p=0 m=0 dt=%s
execute g=%d p=0 m=0
ready g=%d p=0 m=0 by=%d fn=net/http.(*persistConn).readLoop
park g=%d p=0 m=0 reason=network fn=internal/poll.(*FD).Read<net/http.(*persistConn).readLoop
execute g=%d p=0 m=0
`, g, at, g+1, length, g+1, g, g+1, g+1, g)
}

// reader begins a goroutine that reads what g asks for.
func reader(g int) string {
	return fmt.Sprintf(`newproc g=%d p=0 m=0 by=1 fn=net/http.(*persistConn).readLoop
park g=1 p=0 m=0 reason=sleep fn=time.Sleep<main.main
execute g=%d p=0 m=0
park g=%d p=0 m=0 reason=network fn=internal/poll.(*FD).Read<net/http.(*persistConn).readLoop
ready g=1 p=0 m=0
execute g=1 p=0 m=0
`, g+1, g+1, g+1)
}

const oneP = `gomaxprocs n=1
status-p q=0 m=0 p=0 state=held
status-g g=1 m=0 p=0 by=1 state=running fn=main.main
`

// handedOn has two events: the first one is looked up for 90 ms by one goroutine, the second
// one for 2 ms by another; who brings them back into their order keeps the second one until
// the first is there. Another goroutine hands it a third one meanwhile.
func handedOn() string {
	start := func(g int, fn string) string {
		return fmt.Sprintf("newproc g=%d p=0 m=0 by=1 fn=%s\n", g, fn)
	}
	waits := func(g int, fn string) string {
		return fmt.Sprintf("execute g=%d p=0 m=0\npark g=%d p=0 m=0 reason=chan_receive fn=%s\n", g, g, fn)
	}
	takes := func(g int, fn string) string {
		return fmt.Sprintf("ready g=%d p=0 m=0 by=1\npark g=1 p=0 m=0 reason=sleep fn=time.Sleep<main.feed<main.main\nexecute g=%d p=0 m=0\npark g=%d p=0 m=0 reason=select fn=net/http.(*persistConn).roundTrip<net/http.(*Client).Get<main.ask<%s\n", g, g, g, fn)
	}
	answers := func(g int, dt string) string {
		return fmt.Sprintf("ready g=%d p=0 m=0 dt=%s\nexecute g=%d p=0 m=0\nready g=%d p=0 m=0 by=%d fn=net/http.(*persistConn).readLoop\npark g=%d p=0 m=0 reason=network fn=internal/poll.(*FD).Read<net/http.(*persistConn).readLoop\nexecute g=%d p=0 m=0\n",
			g+1, dt, g+1, g, g+1, g+1, g)
	}
	gives := func(g, to int, fn string) string {
		return fmt.Sprintf("ready g=%d p=0 m=0 by=%d fn=main.work\npark g=%d p=0 m=0 reason=chan_receive fn=main.work\nexecute g=%d p=0 m=0\n", to, g, g, to)
	}
	s := oneP
	for _, g := range []int{10, 20, 30} {
		s += reader(g)
	}
	s += start(2, "main.sink") + start(3, "main.merge") + start(10, "main.work") + start(20, "main.work") + start(30, "main.work")
	s += "park g=1 p=0 m=0 reason=sleep fn=time.Sleep<main.feed<main.main\n"
	s += waits(2, "main.sink") + waits(3, "main.merge") + waits(10, "main.work") + waits(20, "main.work") + waits(30, "main.work")
	s += "ready g=1 p=0 m=0 dt=1ms\nexecute g=1 p=0 m=0\ntask-begin task=1 by=1 p=0 m=0 name=event\n" + takes(10, "main.work")
	for i, g := range []int{20, 30} {
		s += fmt.Sprintf("ready g=1 p=0 m=0 dt=5ms\nexecute g=1 p=0 m=0\ntask-begin task=%d by=1 p=0 m=0 name=event\n", i+2) + takes(g, "main.work")
		s += answers(g, "2ms") + gives(g, 3, "main.work") + "park g=3 p=0 m=0 reason=chan_receive fn=main.merge\n"
	}
	s += answers(10, "76ms") + gives(10, 3, "main.work")
	s += "ready g=2 p=0 m=0 by=3 fn=main.merge\npark g=3 p=0 m=0 reason=chan_receive fn=main.merge\nexecute g=2 p=0 m=0\n"
	for i := range 3 {
		s += fmt.Sprintf("task-end task=%d by=2 p=0 m=0 name=event\n", i+1)
	}
	return s + "park g=2 p=0 m=0 reason=chan_receive fn=main.sink\n"
}

// TestGivenWork: what is handed from one goroutine to the other waits for who works on what
// comes before it. What those did before they were given that, such as to wait for who had
// nothing to give, is none of its business.
func TestGivenWork(t *testing.T) {
	x := explainScenario(t, handedOn(), selectorNamed(t, "task event"))
	said := words.Text(x.Headline)
	for _, want := range []string{"3 tasks", "waiting to receive from a channel in main.sink", "while main.ask (main.ask.go:1, called from main.work) waited for the network"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q does not say %q", said, want)
		}
	}
	if r := x.Roots[0]; r.NS < 75_000_000 {
		t.Errorf("%d ns went to %q", r.NS, r.Text)
	}
	for _, r := range x.Roots {
		if strings.Contains(r.Text, "main.feed") && r.NS > 1_000_000 {
			t.Errorf("%d ns went to %q: it had nothing to do with that", r.NS, r.Text)
		}
	}
}

// inLine has tasks that wait for a worker, which asks over the network for each, and once in
// ten times for many that somebody else has sent it first.
func inLine() string {
	s := oneP + reader(10) + "newproc g=10 p=0 m=0 by=1 fn=main.(*pool).work\npark g=1 p=0 m=0 reason=sleep fn=time.Sleep<main.main\n" +
		"execute g=10 p=0 m=0\npark g=10 p=0 m=0 reason=chan_receive fn=main.(*pool).work\nready g=1 p=0 m=0\nexecute g=1 p=0 m=0\n"
	for i := range 20 {
		s += fmt.Sprintf("task-begin task=%d by=1 p=0 m=0 name=page\nready g=10 p=0 m=0 by=1\npark g=1 p=0 m=0 reason=chan_receive fn=main.(*pool).do<main.main\nexecute g=10 p=0 m=0\n", i+1)
		if i%10 == 5 {
			for range 12 {
				s += asksNet(10, "main.(*remote).get<main.(*shop).row<main.(*pool).work", "3ms")
			}
		}
		s += asksNet(10, "main.(*remote).get<main.(*shop).page<main.(*pool).work", "3ms")
		s += fmt.Sprintf("ready g=1 p=0 m=0 by=10 fn=main.(*pool).work\npark g=10 p=0 m=0 reason=chan_receive fn=main.(*pool).work\nexecute g=1 p=0 m=0\ntask-end task=%d by=1 p=0 m=0 name=page\n", i+1)
	}
	return s + "park g=1 p=0 m=0 reason=chan_receive fn=main.main\n"
}

// TestInLine: who waits for a worker is told what that does, and for whom, where others stand
// before it.
func TestInLine(t *testing.T) {
	x := explainScenario(t, inLine(), selectorNamed(t, "task page"))
	if said := words.Text(x.Headline); !strings.Contains(said, "while main.(*remote).get (main.(*remote).get.go:1, called from main.(*pool).work) waited for the network") {
		t.Errorf("the headline is %q", said)
	}
	want := "Slow ones stand in line: main.(*remote).get waits for the network 13 times while they do, 3.00 ms each, for typical ones once. Most of it is for main.(*shop).row: give that a queue or workers of its own"
	if said := words.Text(x.Advice); !strings.Contains(said, want) {
		t.Errorf("the advice is %q, want %q", said, want)
	}
}

// inTurn has tasks that find what they need, and then five that lock in order to get it over
// the network, one after the other.
func inTurn() string {
	s := oneP + reader(10) + reader(20) + reader(30) + reader(40) + reader(50)
	for i := range 12 {
		s += fmt.Sprintf("task-begin task=%d by=1 p=0 m=0 name=order\ntask-end task=%d by=1 p=0 m=0 name=order dt=%dus\n", i+100, i+100, 1000+50*i)
	}
	gs := []int{10, 20, 30, 40, 50}
	for _, g := range gs {
		s += fmt.Sprintf("newproc g=%d p=0 m=0 by=1 fn=main.serve\n", g)
	}
	s += "park g=1 p=0 m=0 reason=chan_receive fn=main.main\n"
	const get = "net/http.(*persistConn).roundTrip<net/http.(*Client).Get<main.(*source).fetch<main.(*source).renew<main.serve"
	for i, g := range gs {
		s += fmt.Sprintf("execute g=%d p=0 m=0\ntask-begin task=%d by=%d p=0 m=0 name=order\n", g, g, g)
		if i == 0 {
			s += fmt.Sprintf("park g=%d p=0 m=0 reason=select fn=%s\n", g, get)
		} else {
			s += fmt.Sprintf("park g=%d p=0 m=0 reason=sync fn=sync.(*Mutex).Lock<main.(*source).renew<main.serve\n", g)
		}
	}
	for i, g := range gs {
		s += fmt.Sprintf("ready g=%d p=0 m=0 dt=40ms\nexecute g=%d p=0 m=0\nready g=%d p=0 m=0 by=%d fn=net/http.(*persistConn).readLoop\npark g=%d p=0 m=0 reason=network fn=internal/poll.(*FD).Read<net/http.(*persistConn).readLoop\nexecute g=%d p=0 m=0\n", g+1, g+1, g, g+1, g+1, g)
		if i+1 < len(gs) {
			s += fmt.Sprintf("ready g=%d p=0 m=0 by=%d fn=sync.(*Mutex).Unlock<main.(*source).renew<main.serve\n", gs[i+1], g)
		}
		s += fmt.Sprintf("task-end task=%d by=%d p=0 m=0 name=order\ngoexit g=%d p=0 m=0\n", g, g, g)
		if i+1 < len(gs) {
			s += fmt.Sprintf("execute g=%d p=0 m=0\npark g=%d p=0 m=0 reason=select fn=%s\n", gs[i+1], gs[i+1], get)
		}
	}
	return s
}

// TestLookAgain: who locks to get what others have got by then is told to look again.
func TestLookAgain(t *testing.T) {
	x := explainScenario(t, inTurn(), selectorNamed(t, "task order"))
	if said := words.Text(x.Advice); !strings.Contains(said, "look again once main.(*source).renew has the lock, or let one get it for all (singleflight); else do what blocks in main.(*source).fetch outside of the lock") {
		t.Errorf("%s: the advice is %q", words.Text(x.Headline), said)
	}
}

// TestEmptyPool: who allocates for a sync.Pool is told to put back what it gets there.
func TestEmptyPool(t *testing.T) {
	const stack = "runtime.makeslice<main.newSheet<sync.(*Pool).Get<main.render<main.serve"
	x := explainScenario(t, oneP+`task-begin task=1 by=1 p=0 m=0 name=page
assist-begin by=1 p=0 m=0 fn=`+stack+` dt=100us
assist-end by=1 p=0 m=0 dt=9ms
gosched g=1 p=0 m=0 fn=`+stack+`
execute g=1 p=0 m=0
task-end task=1 by=1 p=0 m=0 name=page
`, selectorNamed(t, "task page"))
	if said := words.Text(x.Advice); !strings.Contains(said, "Allocate less in main.newSheet, for a sync.Pool that had none left: see that what it gives is put back (Put)") {
		t.Errorf("%s: the advice is %q", words.Text(x.Headline), said)
	}
}

// TestAroundHandler: of a wait of middleware is said that it is none of the handler.
func TestAroundHandler(t *testing.T) {
	const around = "net/http.HandlerFunc.ServeHTTP<main.traced.func1<net/http.HandlerFunc.ServeHTTP<net/http.serverHandler.ServeHTTP<net/http.(*conn).serve"
	const reads = "park g=2 p=0 m=0 reason=network fn=internal/poll.(*FD).Read<bufio.(*Reader).Peek<net/http.(*conn).serve\n"
	s := oneP + "newproc g=2 p=0 m=0 by=1 fn=net/http.(*conn).serve\n" + reader(3) + "park g=1 p=0 m=0 reason=chan_receive fn=main.main\nexecute g=2 p=0 m=0\n" + reads
	for i := range 3 {
		g := 10 + i
		s += fmt.Sprintf(`ready g=2 p=0 m=0 dt=5ms
execute g=2 p=0 m=0
newproc g=%d p=0 m=0 by=2 fn=net/http.(*connReader).backgroundRead
park g=2 p=0 m=0 reason=sleep fn=time.Sleep<main.book<%s
ready g=2 p=0 m=0 dt=1ms
execute g=2 p=0 m=0
newproc g=3 p=0 m=0 by=2 fn=main.export
park g=2 p=0 m=0 reason=sync fn=sync.(*WaitGroup).Wait<main.finish<main.traced.func1<net/http.HandlerFunc.ServeHTTP<net/http.serverHandler.ServeHTTP<net/http.(*conn).serve
execute g=3 p=0 m=0
%sready g=2 p=0 m=0 by=3 fn=sync.(*WaitGroup).Done<main.export
goexit g=3 p=0 m=0
execute g=%d p=0 m=0
goexit g=%d p=0 m=0
execute g=2 p=0 m=0
%s`, g, around, asksNet(3, "main.export", "30ms"), g, g, reads)
	}
	x := explainScenario(t, s, selectorNamed(t, "request"))
	want := "It is not the handler that waits for that, but main.finish around it: if nobody needs it by then, let main.finish not wait."
	if said := words.Text(x.Advice); !strings.Contains(said, want) {
		t.Errorf("%s: the advice is %q", words.Text(x.Headline), said)
	}
}
