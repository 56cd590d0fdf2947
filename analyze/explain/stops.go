package explain

import (
	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// stopping says for whom the world that was to stop had to wait.
func (t *tale) stopping() string {
	by := t.by()
	if by == "" {
		return did[report.CauseStopping]
	}
	return "waiting while the world was being stopped and had to wait for " + by + ", which could not be interrupted there, or had no CPU"
}

// inPieces is what to do about that.
func (t *tale) inPieces() string {
	return "Do what " + words.Function(t.At.Func) + " does there in pieces, if it can't be interrupted: the longest code without a call, or what clears or copies memory."
}

// sureOfLast says how sure it is for whom.
func (t *tale) sureOfLast() (string, string) {
	if t.At.Func == "" {
		return "high", ""
	}
	return "medium", "that it was the last to stop is in the trace, why it was so late is not"
}

// stopped says who had stopped the world.
func (t *tale) stopped() string {
	return did[report.CauseStopTheWorld] + t.calling() + t.in()
}

// calling names what was called that stops the world.
func (t *tale) calling() string {
	if names.InsteadOf(t.callee) == "" {
		return ""
	}
	return " (" + words.Function(t.callee) + ")"
}

// stopAdvice is what to do about who stops the world for what it does.
func (t *tale) stopAdvice() string {
	if !t.ours() {
		return ""
	}
	s := "Do not stop the world in " + words.Function(t.At.Func) + " while requests are served, or do it less often"
	if instead := names.InsteadOf(t.callee); instead != "" {
		s += ": " + instead
	}
	return s + "."
}
