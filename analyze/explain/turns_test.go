package explain

import (
	"fmt"
	"strings"
	"testing"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// turns has a goroutine that reads calls from a connection, with a protocol of its own: it
// gives each to another one, which takes 2 ms, and 40 ms for the last. between is what it does
// before it reads again.
func turns(between string) string {
	const reads = "park g=2 p=0 m=0 reason=network fn=internal/poll.(*FD).Read<net.(*conn).Read<bufio.(*Reader).Read<app/rpc.read<app/rpc.(*Server).conn\n"
	s := oneP + "newproc g=2 p=0 m=0 by=1 fn=app/rpc.(*Server).conn\nnewproc g=3 p=0 m=0 by=1 fn=app/pool.work\npark g=1 p=0 m=0 reason=network fn=main.main\n" +
		"execute g=2 p=0 m=0\n" + reads + "execute g=3 p=0 m=0\npark g=3 p=0 m=0 reason=chan_receive fn=app/pool.work\n"
	for i := range 12 {
		takes := 2
		if i == 11 {
			takes = 40
		}
		s += fmt.Sprintf(`ready g=2 p=0 m=0 dt=5ms
execute g=2 p=0 m=0
entersyscall g=2 p=0 m=0 fn=syscall.Read<internal/poll.(*FD).Read<net.(*conn).Read<bufio.(*Reader).Read<app/rpc.read<app/rpc.(*Server).conn
exitsyscall g=2 p=0 m=0
ready g=3 p=0 m=0 by=2
park g=2 p=0 m=0 reason=chan_receive fn=app/pool.Do<app/rpc.(*Server).conn
execute g=3 p=0 m=0
park g=3 p=0 m=0 reason=sleep fn=time.Sleep<app/pool.price<app/pool.work
ready g=3 p=0 m=0 dt=%dms
execute g=3 p=0 m=0
ready g=2 p=0 m=0 by=3 fn=app/pool.work
park g=3 p=0 m=0 reason=chan_receive fn=app/pool.work
execute g=2 p=0 m=0
`, takes) + between + reads
	}
	return s
}

// TestTurns: a server that annotates nothing, and is nobody's that is known, is told of by
// what it does from one read to the next.
func TestTurns(t *testing.T) {
	x := explainScenario(t, turns(""), selectorNamed(t, "worst"))
	want := "12 turns of rpc.(*Server).conn, from one read to the next: p50 2.01 ms, longest 40.0 ms."
	if said := words.Text(x.Headline); x.Kind != report.KindTurn || !strings.HasPrefix(said, want) || !strings.Contains(said, "in pool.Do (pool.Do.go:1) while pool.price (pool.price.go:1, called from pool.work)") {
		t.Errorf("%s: %q, want %q", x.Kind, said, want)
	}
}

// TestTurnsReadElsewhere: what reads a protocol of one's own may stand in another package of
// the program.
func TestTurnsReadElsewhere(t *testing.T) {
	x := explainScenario(t, strings.ReplaceAll(turns(""), "app/rpc.read", "app/codec.read"), selectorNamed(t, "worst"))
	if want := "12 turns of rpc.(*Server).conn"; x.Kind != report.KindTurn || !strings.HasPrefix(words.Text(x.Headline), want) {
		t.Errorf("%s: %q, want %q", x.Kind, words.Text(x.Headline), want)
	}
}

// TestAskingIsNoTurn: who asks and reads the answer, and then waits until there is more to
// ask for, has no turns: how long it waits is not its own doing.
func TestAskingIsNoTurn(t *testing.T) {
	for _, idle := range []string{
		"park g=2 p=0 m=0 reason=sleep fn=time.Sleep<app/rpc.(*Server).conn\nready g=2 p=0 m=0 dt=50ms\nexecute g=2 p=0 m=0\n",
		"park g=2 p=0 m=0 reason=chan_receive fn=app/rpc.(*Server).conn\nready g=2 p=0 m=0 dt=50ms\nexecute g=2 p=0 m=0\n",
	} {
		if x := explainScenario(t, turns(idle), selectorNamed(t, "worst")); x.Kind == report.KindTurn {
			t.Errorf("%q", words.Text(x.Headline))
		}
	}
}
