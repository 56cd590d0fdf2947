package render

import (
	"fmt"
	"io"
	"strings"

	"gmptrace/analyze/words"
)

// GlossaryText writes the words of the page's glossary and what they mean, one a line, as
// Markdown.
func GlossaryText(w io.Writer) error {
	var b strings.Builder
	b.WriteString("# Words of the scheduler\n\n")
	for _, t := range glossary {
		fmt.Fprintf(&b, "- **%s**: %s\n", t.Name, words.Text(t.Text))
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing the glossary: %w", err)
	}
	return nil
}
