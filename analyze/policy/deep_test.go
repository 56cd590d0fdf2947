package policy

import (
	"strings"
	"testing"
	"time"
)

// TestLarge: policies that are meant to take long, or a deep stack, are refused.
func TestLarge(t *testing.T) {
	rule := func(expr string) string { return "version: 1\nrules:\n  - name: a\n    expr: '" + expr + "'\n" }
	for name, text := range map[string]string{
		"bytes":       strings.Repeat("#", maxFile+1),
		"brackets":    strings.Repeat("[", maxFile),
		"braces":      strings.Repeat("{a: ", maxFile/8),
		"dashes":      strings.Repeat("- ", maxFile/16),
		"parentheses": rule(strings.Repeat("(", maxFile/2)),
		"not UTF-8":   rule("\xff"),
	} {
		began := time.Now()
		if _, err := Load(name, []byte(text)); err == nil {
			t.Errorf("%s: no error", name)
		} else if s := err.Error(); len(s) > 2000 {
			t.Errorf("%s: an error of %d bytes", name, len(s))
		}
		if d := time.Since(began); d > 20*time.Second {
			t.Errorf("%s took %v", name, d)
		}
	}
}
