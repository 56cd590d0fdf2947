package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestHelpExamples runs every line of the examples that --help shows.
func TestHelpExamples(t *testing.T) {
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		for line := range strings.Lines(cmd.Example) {
			t.Run(strings.TrimSpace(line), func(t *testing.T) { runExample(t, line) })
		}
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
		if cmd.Example == "" && cmd.RunE != nil {
			t.Errorf("%s has no example", cmd.CommandPath())
		}
	}
	visit((&app{}).root())
}

// commandLine matches the lines of the README that run gmptrace.
var commandLine = regexp.MustCompile(`(?m)^ *(?:\$ )?(?:go run \./cmd/)?(gmptrace .*)$`)

// TestReadmeExamples runs every command line in the README that calls gmptrace.
func TestReadmeExamples(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	found := commandLine.FindAllStringSubmatch(string(readme), -1)
	if len(found) < 3 {
		t.Fatalf("%d command lines in the README, which has more", len(found))
	}
	for _, m := range found {
		t.Run(m[1], func(t *testing.T) { runExample(t, m[1]) })
	}
}

// runExample runs a command line in a folder that holds app.trace and the
// fixtures. Its endpoint on localhost:6060 is a server of the test.
func runExample(t *testing.T, line string) {
	fixtures, err := filepath.Abs("../../fixtures")
	if err != nil {
		t.Fatal(err)
	}
	server := endpoints(t)
	t.Chdir(t.TempDir())
	if err := writeTraces("."); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(fixtures, "fixtures"); err != nil {
		t.Fatal(err)
	}
	line, _, _ = strings.Cut(line, " #")
	line = strings.ReplaceAll(line, "http://localhost:6060", server.URL)
	line, stdin, _ := strings.Cut(line, "<")
	args := strings.Fields(line)
	if len(args) == 0 || args[0] != "gmptrace" {
		t.Fatalf("%q does not call gmptrace", line)
	}
	in, err := os.ReadFile(strings.TrimSpace(stdin))
	if stdin != "" && err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), args[1:], bytes.NewReader(in), &stdout, &stderr)
	// What --fail-on finds in a trace of this very process is the scheduler's.
	if code != exitDone && !(code == exitFindings && strings.Contains(line, "--fail-on")) {
		t.Errorf("exit code %d\n%s", code, &stderr)
	}
}
