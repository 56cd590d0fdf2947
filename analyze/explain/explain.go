package explain

import (
	"context"
	"io"
	"regexp"

	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/model"
)

// Schema names the version of the JSON form of an Explanation: see report.Schema.
const Schema = "gmptrace.explain/2"

// Selector says what to explain. The zero value explains the worst episodes of
// the trace: requests where there are any, else tasks, else the main goroutine unless it
// stood by or a part of the trace is asked for, else stalls.
type Selector struct {
	Kind    report.InstanceKind
	G       model.GoID     // of KindGoroutine where Pattern is nil
	Task    int64          // of KindTask where Pattern is nil: the task's id
	Pattern *regexp.Regexp // on function, task's name, region's name, message or handler; nil for all
	Said    string         // Pattern in words, for the output: `named "x"`; "" for the pattern itself
	Having  *regexp.Regexp // those alone in which a message matching it was logged; nil for all
	Sent    bool           // of KindRequest: those that the program sent alone
	Served  bool           // of KindRequest: those that it served alone
	Open    bool           // those alone that had not ended when the trace did
	Pooled  bool           // compare all with all, whatever they are called; else those of one name
	Top     int            // how many of the slowest to explain; 0 is DefaultTop
}

// DefaultTop is the default of Selector.Top.
const DefaultTop = 5

// Explain reads a trace from r and explains what sel selects. Errors are those of
// analyze.Analyze. Selecting nothing is no error: Durations.Count and Unfinished are 0.
func Explain(ctx context.Context, r io.Reader, opt replay.Options, sel Selector) (*report.Explanation, error) {
	var e *explainer
	tr, err := replay.Run(ctx, r, opt, func(s *replay.Session) { e = explains(s, sel) })
	if err != nil {
		return nil, err
	}
	x := &report.Explanation{Kind: sel.Kind, Headline: report.NoEvents.Headline, Detail: report.NoEvents.Detail}
	if e != nil {
		x = e.explanation()
	}
	x.Schema, x.Version, x.Trace = Schema, report.Devel, tr
	x.Next = next(x, sel)
	return x, nil
}

// explains makes a session explain what sel selects.
func explains(s *replay.Session, sel Selector) *explainer {
	e := newExplainer(s, sel)
	s.Begun = true
	s.WholeTrace = true // what happened before the window may explain what is in it
	s.Add(e)
	return e
}
