package whatif

import (
	"fmt"
	"strings"
	"testing"
)

// TestByChance: of one connection's requests a third sleep in their handler, a third are seen
// computing in another one, and of a third it does not show which of both they are of.
func TestByChance(t *testing.T) {
	const on = "<net/http.serverHandler.ServeHTTP<net/http.(*conn).serve"
	const parks = "park g=2 p=0 m=0 reason=network fn=internal/poll.(*FD).Read<bufio.(*Reader).Peek<net/http.(*conn).serve dt=100us\n"
	var b strings.Builder
	b.WriteString(`gomaxprocs n=1
status-p q=0 m=0 p=0 state=held
status-g g=1 m=0 p=0 by=1 state=running fn=main.main
newproc g=2 p=0 m=0 by=1 fn=net/http.(*conn).serve
park g=1 p=0 m=0 reason=network fn=main.main
execute g=2 p=0 m=0
` + parks)
	for round := range 12 {
		shown := fmt.Sprintf("newproc g=%d p=0 m=0 by=2 fn=net/http.(*connReader).backgroundRead dt=20us\n", 3+round)
		reads := fmt.Sprintf("execute g=%[1]d p=0 m=0\ngoexit g=%[1]d p=0 m=0\n", 3+round)
		for _, does := range []string{
			"park g=2 p=0 m=0 reason=sleep fn=time.Sleep<main.list" + on + " dt=100us\nready g=2 p=0 m=0 dt=1ms\nexecute g=2 p=0 m=0\n",
			"cpu-sample by=2 p=0 m=0 fn=main.price" + on + " dt=100us\n",
			shown,
		} {
			b.WriteString("ready g=2 p=0 m=0 dt=5ms\nexecute g=2 p=0 m=0\n" + does + parks)
		}
		b.WriteString(reads)
	}
	c, _ := workloadOf(t, b.String())
	got := map[string]bool{}
	for _, in := range c.attributed().groups {
		got[in.name] = in.chance
	}
	if chance, ok := got["main.list"]; !ok || chance {
		t.Errorf("what sleeps in each request shows by chance: %v", got)
	}
	if !got["main.price"] || got[""] {
		t.Errorf("what shows where it is sampled does not show by chance: %v", got)
	}
}

// TestTelling: a sentence tells what changes most first, and vouches for none that shows by chance.
func TestTelling(t *testing.T) {
	shift := func(x float64) Shift {
		return Shift{Before: 100, Change: x, Low: x - .1, High: x + .1, Agreed: true, Known: true}
	}
	x := Changed{Name: "main.pack", By: .5, Kind: ChangeFunction, Time: 1, Confidence: ConfidenceFair, Of: []Effect{
		{Kind: "request", Name: "main.list", P50: shift(.01), P99: shift(0)},
		{Kind: "request", Name: "main.price", P50: shift(-.4), Chance: true},
		{Kind: "task", Name: "add", P50: shift(-.2)},
	}}
	x.tell(false)
	if want := "main.pack 50 % cheaper: main.price p50 -40.0 % (likely -50.0 % to -30.0 %), which is not sure, as it shows by chance; task add p50 -20.0 %"; !strings.HasPrefix(strings.ReplaceAll(x.Text, "\u00a0", " "), want) {
		t.Errorf("got %q, want %q", x.Text, want)
	}
	if told := x.told(); len(told) != 1 || told[0].Change != -.2 {
		t.Errorf("vouched for: %+v", told)
	}
	if text := x.Of[0].words(); text != "main.list p50 and p99 about as before" {
		t.Errorf("of what does not change: %q", text)
	}
}
