package report

import "cmp"

import "strings"

// CheckSchema names the version of the JSON form of Checked: see Schema.
const CheckSchema = "gmptrace.check/1"

// Checked is what became of holding traces to what is expected of them: to the
// rules of a policy, or to anything else that yields CheckResults. Its JSON form is
// documented in analyze/schema/check.schema.json; units are those of Report.
type Checked struct {
	Schema  string         `json:"schema"`
	Version string         `json:"gmptrace_version"`
	Status  CheckStatus    `json:"status"`  // the worst of the traces'
	Fails   bool           `json:"failed"`  // as the exit code says: a result is a failure that FailOn asks for
	FailOn  CheckSeverity  `json:"fail_on"` // the least severity of a failure that is one for the caller: of others it is told
	Counts  CheckCounts    `json:"counts"`  // over all traces
	Traces  []CheckedTrace `json:"traces"`  // in the order in which they were given
}

// CheckedTrace is one trace and the results of what it was held to.
type CheckedTrace struct {
	Name       string        `json:"name"`
	Program    string        `json:"program"`
	GoVersion  string        `json:"go_version"`
	Start      string        `json:"start"` // as in Trace
	DurationNS int64         `json:"duration_ns"`
	Complete   bool          `json:"complete"`
	Lost       []string      `json:"lost"`  // what is missing, in words
	Error      string        `json:"error"` // why nothing of it could be read; Results is empty then
	Status     CheckStatus   `json:"status"`
	Counts     CheckCounts   `json:"counts"`
	Results    []CheckResult `json:"results"` // in the order of what they were held to
}

// CheckCounts counts results. Failed and Warned are those with CheckFail, by their
// severity.
type CheckCounts struct {
	Passed    int `json:"passed"`
	Failed    int `json:"failed"`
	Warned    int `json:"warned"`
	Skipped   int `json:"skipped"`
	Undecided int `json:"undecided"` // of Skipped: as a check could not be decided
	Errors    int `json:"errors"`    // that could not be evaluated, and traces that could not be read
}

// CheckStatus is what became of one thing that a trace was held to.
type CheckStatus string

// The statuses. Of several, the last in this list that occurs is taken.
const (
	CheckSkip  CheckStatus = "skip"  // the trace is not fit, or there was nothing to hold to it
	CheckPass  CheckStatus = "pass"  //
	CheckFail  CheckStatus = "fail"  //
	CheckError CheckStatus = "error" // neither is known: it could not be evaluated
)

// CheckSeverity says how much a failure matters.
type CheckSeverity string

// The severities.
const (
	CheckSeverityWarning CheckSeverity = "warning"
	CheckSeverityError   CheckSeverity = "error"
)

// CheckResult is one thing that a trace was held to, and what became of it.
type CheckResult struct {
	Kind         string         `json:"kind"` // of what it was held to: "policy" for a rule of a policy
	ID           string         `json:"id"`   // stable, and unique among the results of a trace
	Description  string         `json:"description"`
	Expected     string         `json:"expected"` // what is expected, as it was written down
	File         string         `json:"file"`     // where it was written down; "" for nowhere
	Line         int            `json:"line"`     // counted from 1; 0 when not known
	Column       int            `json:"column"`
	Severity     CheckSeverity  `json:"severity"`
	Status       CheckStatus    `json:"status"`
	Message      string         `json:"message"`           // what it comes to, in a sentence; "" for a pass that has nothing to add
	Items        int            `json:"items"`             // things in the trace that were held to it: 1 for the trace as a whole
	Undecided    []string       `json:"undecided"`         // checks without which it can't be told whether it is as expected, by id
	Measured     []Evidence     `json:"measured"`          // of the trace as a whole
	Failures     []CheckFailure `json:"failures"`          // what failed, worst first where that is known
	FailuresLeft int            `json:"failures_left_out"` // failures beyond those
	Next         string         `json:"next"`              // a command that tells more of a failure; "" where none is known
	Subject      *CheckSubject  `json:"subject"`           // what failed, where it can be explained; else nil
}

// CheckSubject is a thing of a trace by what explains it: instances of a kind and name.
type CheckSubject struct {
	Kind InstanceKind `json:"kind"`
	Name string       `json:"name"` // "" for all of the kind, or those without a name
}

// CheckFailure is one thing in a trace that is not as expected.
type CheckFailure struct {
	Item    string     `json:"item"` // a function, a task, a finding …; "" for the trace as a whole
	Key     string     `json:"key"`  // of Item, the same in every trace: without times and numbers of goroutines
	Message string     `json:"message"`
	Details []Evidence `json:"details"` // what was measured
	At      []Frame    `json:"at"`      // where in the program, innermost frame first; empty when not known
}

// MaxCheckFailures bounds CheckResult.Failures: a report is read, not searched.
const MaxCheckFailures = 20

// NewChecked is a result without traces.
func NewChecked(version string) *Checked {
	return &Checked{Schema: CheckSchema, Version: cmp.Or(version, Devel), Status: CheckSkip, FailOn: CheckSeverityError}
}

// Matters reports whether a result is a failure for the caller, whom those below
// FailOn are told of only.
func (c *Checked) Matters(r *CheckResult) bool {
	return r.Status == CheckFail && (r.Severity == CheckSeverityError || c.FailOn == CheckSeverityWarning)
}

// Failed reports whether any result is a failure for the caller.
func (c *Checked) Failed() bool {
	for i := range c.Traces {
		for j := range c.Traces[i].Results {
			if c.Matters(&c.Traces[i].Results[j]) {
				return true
			}
		}
	}
	return false
}

// Add adds a trace and what became of it.
func (c *Checked) Add(t *Trace, results []CheckResult) {
	x := CheckedTrace{Name: t.Name, Program: t.Program, GoVersion: t.GoVersion, Start: t.Start, DurationNS: t.DurationNS,
		Complete: t.Complete && t.Events > 0, Status: CheckSkip, Results: results}
	for _, l := range t.Lost {
		x.Lost = append(x.Lost, l.Text)
	}
	for i := range results {
		x.Counts.add(&results[i])
		x.Status = worseStatus(x.Status, results[i].Status)
	}
	c.add(x)
}

// AddUnreadable adds a trace of which nothing could be read.
func (c *Checked) AddUnreadable(name string, err error) {
	text := strings.Join(strings.Fields(err.Error()), " ") // hints stand on lines of their own
	c.add(CheckedTrace{Name: name, Error: text, Status: CheckError, Counts: CheckCounts{Errors: 1}})
}

func (c *Checked) add(x CheckedTrace) {
	defer func() { c.Fails = c.Failed() }()
	c.Traces = append(c.Traces, x)
	c.Status = worseStatus(c.Status, x.Status)
	c.Counts.Passed += x.Counts.Passed
	c.Counts.Failed += x.Counts.Failed
	c.Counts.Warned += x.Counts.Warned
	c.Counts.Skipped += x.Counts.Skipped
	c.Counts.Undecided += x.Counts.Undecided
	c.Counts.Errors += x.Counts.Errors
}

func (c *CheckCounts) add(r *CheckResult) {
	switch {
	case r.Status == CheckPass:
		c.Passed++
	case r.Status == CheckSkip:
		c.Skipped++
		if len(r.Undecided) > 0 {
			c.Undecided++
		}
	case r.Status == CheckError:
		c.Errors++
	case r.Severity == CheckSeverityWarning:
		c.Warned++
	default:
		c.Failed++
	}
}

// Of is the number of results.
func (c CheckCounts) Of() int { return c.Passed + c.Failed + c.Warned + c.Skipped + c.Errors }

func (s CheckStatus) rank() int {
	switch s {
	case CheckPass:
		return 1
	case CheckFail:
		return 2
	case CheckError:
		return 3
	}
	return 0
}

func worseStatus(a, b CheckStatus) CheckStatus {
	if b.rank() > a.rank() {
		return b
	}
	return a
}
