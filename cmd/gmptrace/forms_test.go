package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestIssueForms: what reports of wrong answers ask for.
func TestIssueForms(t *testing.T) {
	var asked []string
	for _, file := range githubFiles(t, "ISSUE_TEMPLATE") {
		if filepath.Base(file) == "config.yml" {
			continue
		}
		var form struct {
			Name, Description string
			Body              []struct {
				Type, ID   string
				Attributes struct{ Label, Description string }
			}
		}
		readYAML(t, file, &form)
		if form.Name == "" || form.Description == "" {
			t.Errorf("%s has no name or no description", file)
		}
		for _, field := range form.Body {
			if field.Type == "" || field.ID == "" || field.Attributes.Label == "" {
				t.Errorf("%s: a field without type, id or label: %+v", file, field)
			}
			asked = append(asked, field.Attributes.Description)
		}
	}
	for _, want := range []string{"gmptrace version", "gmptrace anonymize"} {
		if !slices.ContainsFunc(asked, func(s string) bool { return strings.Contains(s, want) }) {
			t.Errorf("no form asks for %s", want)
		}
	}
}
