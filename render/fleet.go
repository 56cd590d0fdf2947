package render

import (
	"encoding/json"
	"fmt"
	"io"

	"gmptrace/analyze/fleet"
	"gmptrace/analyze/words"
)

// FleetJSON writes r as analyze/schema/fleet.schema.json describes it, in the manner of
// JSON.
func FleetJSON(w io.Writer, r *fleet.Result) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(mapped(*r, words.Machine)); err != nil {
		return fmt.Errorf("writing the fleet as JSON: %w", err)
	}
	return nil
}

// FleetLinks say where the traces of a fleet and their reports are, by the traces' keys.
type FleetLinks struct {
	Traces  map[string]string // their files; what Worst.Path says of those that are not here
	Reports map[string]string // addresses of reports, as seen from the page
}

// File is where a trace is; "" if nothing tells.
func (l *FleetLinks) File(w fleet.Worst) string {
	if name := l.Traces[w.Trace]; name != "" {
		return name
	}
	return w.Path
}

// Command writes a trace's report; "" where its name must not be shown, or is not known.
func (l *FleetLinks) Command(w fleet.Worst) string {
	name := l.File(w)
	if name == "" || words.Printable(name) != name {
		return ""
	}
	if name[0] == '-' {
		name = "./" + name
	}
	return "gmptrace report " + words.Shell(name)
}

// sampleTitles are what the causes of each sample are headed by.
var sampleTitles = []struct {
	Sample fleet.Sample
	Title  string
}{
	{fleet.SampleSlow, "What the slow requests of slow snapshots lost their time to"},
	{fleet.SampleBaseline, "What the slowest requests of baseline snapshots lost their time to"},
	{fleet.SampleOther, "What the slowest requests of traces that do not tell why they were taken lost their time to"},
}

// whereText says of how many hosts and builds something is.
func whereText(hosts, builds int) string {
	switch {
	case hosts == 0 && builds == 0:
		return "–"
	case builds == 0:
		return words.Plural(int64(hosts), "host")
	case hosts == 0:
		return words.Plural(int64(builds), "build")
	}
	return words.Plural(int64(hosts), "host") + ", " + words.Plural(int64(builds), "build")
}

// partyName names a build, host or the like.
func partyName(name string) string {
	if name == "" {
		return "(not told)"
	}
	return name
}

// quantileText is a quantile with its interval.
func quantileText(q fleet.Quantile) string {
	s := words.Length(q.NS)
	switch {
	case q.Lo != nil && q.Hi != nil:
		s += fmt.Sprintf(" (%s–%s)", words.Length(*q.Lo), words.Length(*q.Hi))
	case q.Lo != nil:
		s += fmt.Sprintf(" (%s–)", words.Length(*q.Lo))
	}
	return s
}

// quantileOf names what quantiles are of.
func quantileOf(q fleet.Quantiles) string {
	switch {
	case q.Of == fleet.OfSched:
		return "waits for a P"
	case q.Of == fleet.OfBlocked:
		return "waits: " + q.Name
	case q.Name == "" && q.Of == fleet.OfRequest:
		return "requests whose handler does not show"
	}
	return q.Of + " " + words.Function(q.Name)
}

// changeWord says how a change is to be taken.
func changeWord(c fleet.Change) string {
	if c.Worse {
		return "worse"
	}
	return "better"
}
