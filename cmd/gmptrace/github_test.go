package main

import (
	"path/filepath"
	"regexp"
	"testing"

	"github.com/goccy/go-yaml"
)

// pinned matches actions of GitHub's own, by their major version.
var pinned = regexp.MustCompile(`^(?:actions|github)/[\w-]+(?:/[\w-]+)*@v\d+$`)

// TestWorkflows reads what GitHub is to run: it has jobs on machines, with steps that each
// run or use something, and uses no actions but GitHub's own.
func TestWorkflows(t *testing.T) {
	for _, file := range githubFiles(t, "workflows") {
		var workflow struct {
			On   any `yaml:"on"`
			Jobs map[string]struct {
				RunsOn string `yaml:"runs-on"`
				Steps  []struct {
					Uses, Run string
				}
			}
		}
		readYAML(t, file, &workflow)
		if workflow.On == nil || len(workflow.Jobs) == 0 {
			t.Errorf("%s: nothing starts it, or it has no jobs", file)
		}
		for name, job := range workflow.Jobs {
			if job.RunsOn == "" || len(job.Steps) == 0 {
				t.Errorf("%s: %s has no machine or no steps", file, name)
			}
			for _, step := range job.Steps {
				if (step.Uses == "") == (step.Run == "") || step.Uses != "" && !pinned.MatchString(step.Uses) {
					t.Errorf("%s: %s: a step that uses %q and runs %q", file, name, step.Uses, step.Run)
				}
			}
		}
	}
}

func githubFiles(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../../.github", folder, "*.yml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in .github/%s (%v)", folder, err)
	}
	return files
}

func readYAML(t *testing.T, file string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(readFile(t, file)), into); err != nil {
		t.Errorf("%s: %v", file, err)
	}
}
