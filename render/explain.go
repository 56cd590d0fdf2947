package render

import (
	"encoding/json"
	"fmt"
	"io"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// ExplainJSON writes x as analyze/schema/explain.schema.json describes it, in the
// manner of JSON.
func ExplainJSON(w io.Writer, x *report.Explanation) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(mapped(*x, words.Machine)); err != nil {
		return fmt.Errorf("writing the explanation as JSON: %w", err)
	}
	return nil
}

func unfinished(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", and %s that the trace's end cut off", words.Count(n))
}

// instanceName is what an instance is called.
func instanceName(in *report.Instance) string {
	name := words.Function(in.Name)
	if in.Name == "" {
		name = "handler not seen"
	}
	if in.Task >= 0 {
		name += fmt.Sprintf(" (task %s)", words.Count(in.Task))
	}
	return name
}

func instanceLength(in *report.Instance) string {
	if in.Unfinished {
		return "at least " + words.Length(in.Duration)
	}
	return words.Length(in.Duration)
}

// instanceWhere says on which goroutine an instance was, and when.
func instanceWhere(in *report.Instance) string {
	return fmt.Sprintf("G%d (%s), from %s on", in.G, words.Function(in.Func), words.At(in.Start))
}

// explainedMany is what the explained things are called, in the plural.
func explainedMany(kind report.InstanceKind) string {
	if kind == report.KindLog {
		return "messages"
	}
	if kind == "" {
		return "instances"
	}
	return string(kind) + "s"
}
