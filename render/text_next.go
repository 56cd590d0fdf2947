package render

import (
	"github.com/rivo/uniseg"

	"gmptrace/analyze/words"
)

// Step is a command to go on with, and what it is for.
type Step struct{ Command, Gives string }

// noTrace is how commands call a trace that can't be read again.
const noTrace = "TRACE"

// command is one of gmptrace's, with what was read.
func (o *TextOptions) command(what string) string {
	if o.Window != "" {
		what += " " + o.Window
	}
	return "gmptrace " + what + " " + o.Trace
}

// named is o for a trace that has this name, unless it is called otherwise.
func (o TextOptions) named(trace string) TextOptions {
	if o.Trace == "" {
		o.Trace = words.Shell(trace)
	}
	return o
}

// next writes what to go on with, each command in one line, to be copied, and what it is
// for where there is room.
func (t *terminal) next(steps []Step, opt TextOptions) {
	if len(steps) == 0 {
		return
	}
	heading := "Next:"
	if opt.Trace == noTrace {
		heading = "Next, with the trace in a file:"
	}
	t.line(t.paint(bold, heading))
	line := func(s Step, widest int) string { return "  " + aligned(s.Command, widest, 'l') + "  # " + s.Gives }
	fits := func(s Step, widest int) bool { return uniseg.StringWidth(line(s, widest)) <= t.width }
	widest := 0
	for _, s := range steps {
		if w := uniseg.StringWidth(s.Command); w > widest && fits(s, w) {
			widest = w
		}
	}
	for _, s := range steps {
		switch {
		case fits(s, widest):
			t.line(line(s, widest))
		case fits(s, 0):
			t.line(line(s, 0))
		default:
			t.line("  " + s.Command)
		}
	}
}
