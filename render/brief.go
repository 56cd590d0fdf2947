package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// BriefSchema names the version of the form that Brief writes.
const BriefSchema = "gmptrace.brief/2"

// briefBytes is the most that Brief writes.
const briefBytes = 8 << 10

// briefReport is a report in short: what a chat or a tool has room for.
type briefReport struct {
	Schema   string         `json:"schema"`
	Trace    briefTrace     `json:"trace"`
	Verdict  report.Verdict `json:"verdict"`
	Roots    []briefRoot    `json:"roots"`
	Slowest  []briefSlowest `json:"slowest"`
	Findings []briefFinding `json:"findings"`
	Next     []string       `json:"next"` // commands that tell more
}

type briefTrace struct {
	Name     string `json:"name"`
	Program  string `json:"program"`
	Complete bool   `json:"complete"`
}

type briefRoot struct {
	Kind    report.RootKind `json:"kind"`
	NS      int64           `json:"ns"`
	Typical int64           `json:"typical_ns"`
	At      report.Frame    `json:"at"`
	Text    string          `json:"text"`
	Advice  string          `json:"advice"`
	Sure    string          `json:"sure"` // as text says it: certain, likely, not told; "" where nothing says
	SureWhy string          `json:"sure_why"`
}

type briefSlowest struct {
	Name     string `json:"name"`
	Start    int64  `json:"start_at_ns"`
	Duration int64  `json:"duration_ns"`
	Why      string `json:"why"`
}

type briefFinding struct {
	ID       string          `json:"id"`
	Severity report.Severity `json:"severity"`
	Title    string          `json:"title"`
	Advice   string          `json:"advice"`
	Sure     string          `json:"sure"` // as of a root
	SureWhy  string          `json:"sure_why"`
}

const (
	briefRoots    = 4
	briefShown    = 3 // of the slowest
	briefFindings = 4
	briefText     = 400 // bytes of a text that a trace may have made long
)

// Brief writes a report in short, as JSON of at most 8 kB: the verdict, the roots of
// what slow requests or tasks lost, the slowest of them, the first findings, and which
// commands tell more. Texts of names from the trace are cut where they are long.
func Brief(w io.Writer, r *report.Report) error {
	safe := mapped(*r, func(s string) string { return short(words.Machine(s)) })
	b := briefReport{Schema: BriefSchema, Trace: briefTrace{safe.Trace.Name, safe.Trace.Program, safe.Trace.Complete}, Verdict: safe.Verdict,
		Roots: []briefRoot{}, Slowest: []briefSlowest{}, Findings: []briefFinding{}, Next: nextCommands(r)}
	for _, x := range first(briefRoots, safe.Slowest.Roots) {
		b.Roots = append(b.Roots, briefRoot{x.Kind, x.NS, x.Typical, x.At, x.Text, x.Advice, sureWord(x.Sure, x.SureWhy), x.SureWhy})
	}
	for _, x := range first(briefShown, safe.Slowest.Instances) {
		s := briefSlowest{Name: x.Name, Start: x.Start, Duration: x.Duration}
		if len(x.Story) > 0 {
			s.Why = x.Story[0]
		}
		b.Slowest = append(b.Slowest, s)
	}
	for _, x := range first(briefFindings, safe.Findings) {
		b.Findings = append(b.Findings, briefFinding{x.ID, x.Severity, x.Title, x.Advice, sureWord(x.Sure, x.SureWhy), x.SureWhy})
	}
	data := b.encoded()
	for len(data) > briefBytes && b.shrink() {
		data = b.encoded()
	}
	if _, err := w.Write(data); err != nil {
		return fmt.Errorf("writing the report in short: %w", err)
	}
	return nil
}

func (b *briefReport) encoded() []byte {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetIndent("", " ")
	_ = enc.Encode(b) // of strings and numbers, into memory
	return out.Bytes()
}

// shrink leaves out what says least, and reports whether there was anything.
func (b *briefReport) shrink() bool {
	switch {
	case len(b.Slowest) > 0:
		b.Slowest = b.Slowest[:len(b.Slowest)-1]
	case len(b.Findings) > 1:
		b.Findings = b.Findings[:len(b.Findings)-1]
	case len(b.Roots) > 1:
		b.Roots = b.Roots[:len(b.Roots)-1]
	default:
		return false
	}
	return true
}

// short is s, cut where it is long.
func short(s string) string {
	if len(s) <= briefText {
		return s
	}
	n := briefText
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// nextCommands are what tells more of a trace.
func nextCommands(r *report.Report) []string {
	next := []string{}
	switch r.Slowest.Kind {
	case report.KindRequest:
		next = append(next, "gmptrace explain --http TRACE")
	case report.KindTask, report.KindTurn, report.KindMain:
		next = append(next, "gmptrace explain TRACE")
	}
	if len(r.Findings) > 0 && len(r.Findings[0].Moments) > 0 {
		m := r.Findings[0].Moments[0]
		next = append(next, fmt.Sprintf("gmptrace explain --from %dns --to %dns TRACE", m.Start, max(m.End, m.Start+1)))
	}
	return append(next, "gmptrace report -o report.html TRACE")
}
