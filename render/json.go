package render

import (
	"encoding/json"
	"fmt"
	"io"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// JSON writes r as analyze/schema/report.schema.json describes it: indented,
// lists that are empty as [] and never as null, the same bytes for the same
// Report.
func JSON(w io.Writer, r *report.Report) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(mapped(*r, words.Machine)); err != nil {
		return fmt.Errorf("writing the report as JSON: %w", err)
	}
	return nil
}
