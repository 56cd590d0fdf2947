package explain

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// next is the command that tells more of an answer, "" where there is none.
func next(x *report.Explanation, sel Selector) string {
	if len(x.Slowest) == 0 {
		if sel.Kind == "" {
			return ""
		}
		return "gmptrace explain " + trace
	}
	if len(x.Roots) > 0 {
		r := &x.Roots[0]
		switch {
		case r.Kind == report.RootNeverEnded && !sel.Open && x.Kind == report.KindRequest:
			return "gmptrace explain --http --unfinished " + trace
		case seenAt(x, r) && sel.Kind != report.KindAt:
			return "gmptrace explain --at " + words.Shell("^"+regexp.QuoteMeta(r.At.Func)+"$") + " " + trace
		}
	}
	from, to := around(&x.Slowest[0])
	return fmt.Sprintf("gmptrace report --from %s --to %s -o report.html %s", from, to, trace)
}

// seenAt reports whether somebody else is behind a root whose stops show what that one
// did.
func seenAt(x *report.Explanation, r *report.Root) bool {
	if r.At.Func == "" || names.Standard(&r.At) || r.Stood.Func == "" || r.At.Func == r.Stood.Func {
		return false
	}
	return slices.ContainsFunc(x.Slowest, func(in report.Instance) bool {
		return slices.ContainsFunc(in.Spent, func(s report.Spent) bool {
			return s.At.Func == r.At.Func && slices.Contains([]string{report.CauseSleep.String(), report.CauseNetwork.String(), report.CauseSyscall.String()}, s.Cause)
		})
	})
}

// around is the time of an instance as flags have it, in a unit that it is some of.
func around(in *report.Instance) (from, to string) {
	unit := int64(time.Millisecond)
	name := "ms"
	if in.Duration < 10*unit {
		unit, name = int64(time.Microsecond), "us"
	}
	return fmt.Sprint(in.Start/unit, name), fmt.Sprint((in.Start+in.Duration)/unit+1, name)
}

// trace stands for the trace in a command, whose name the caller knows.
const trace = "TRACE"
