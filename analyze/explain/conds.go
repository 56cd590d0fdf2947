package explain

import (
	"fmt"

	"gmptrace/analyze/report"
	"gmptrace/model"
)

// forCond reports whether a condition variable was waited for.
func (t *tale) forCond() bool {
	return t.Kind == report.RootPlace && t.known == nil && t.st != nil && t.st.via == blockedFor(model.ReasonCond)
}

// condAdvice is what to do where who signalled a condition variable had only slept before:
// that is nobody's work, and what was waited for may have been there all the while.
func condAdvice(who string) string {
	return fmt.Sprintf("If what %s waits for was there before, a Signal went to another goroutine, or to nobody: use Broadcast where they wait for different things, or a sync.Cond or channel for each. Else see why it comes that late.", who)
}
