package explain

import (
	"fmt"
	"strings"
	"testing"

	"gmptrace/analyze/words"
)

// TestVeryManyCalls: where somebody makes thousands of short calls their number is what is
// wrong, and gathering them what helps; a few long ones at the same place are not told so.
func TestVeryManyCalls(t *testing.T) {
	for _, c := range []struct {
		n         int
		each      string
		says, not string
		todo      string
	}{
		{500, "2us", "went to writing to a file (or pipe) 500 times, 2.00", "", "Gather what main.cell reads or writes there: with a bufio.Writer"},
		{2, "5ms", "went to writing to a file (or pipe): io.WriteString", "times,", "Let main.cell ask less of the operating system"},
	} {
		var s strings.Builder
		s.WriteString(`
gomaxprocs n=1
status-p q=0 m=0 p=0 state=held
status-g g=1 m=0 p=0 by=1 state=running fn=main.main
task-begin task=1 by=1 p=0 m=0 name=export
`)
		for range c.n {
			fmt.Fprintf(&s, "entersyscall g=1 p=0 m=0 dt=100ns fn=syscall.Syscall<syscall.write<os.(*File).Write<io.WriteString<main.cell<main.main\nexitsyscall g=1 p=0 m=0 dt=%s\n", c.each)
		}
		s.WriteString("task-end task=1 by=1 p=0 m=0\npark g=1 p=0 m=0 reason=chan_receive fn=main.main\n")
		x := explainScenario(t, s.String(), selectorNamed(t, "task export"))
		if said := words.Text(x.Headline); !strings.Contains(said, c.says) || c.not != "" && strings.Contains(said, c.not) {
			t.Errorf("%d calls of %s: the headline is %q, want %q", c.n, c.each, said, c.says)
		}
		if !strings.Contains(x.Advice, c.todo) {
			t.Errorf("%d calls of %s: the advice is %q, want %q", c.n, c.each, x.Advice, c.todo)
		}
	}
}
