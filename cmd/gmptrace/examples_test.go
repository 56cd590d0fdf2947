package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"gmptrace/analyze/policy"

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
var commandLine = regexp.MustCompile(`(?m)^ +(?:\$ )?(?:go run \./cmd/)?(gmptrace .*)$`)

// TestReadmeExamples runs every command line in the README that calls gmptrace.
func TestReadmeExamples(t *testing.T) {
	found := commandLine.FindAllStringSubmatch(readFile(t, "../../README.md"), -1)
	if len(found) < 3 {
		t.Fatalf("%d command lines in the README, which has more", len(found))
	}
	for _, m := range found {
		t.Run(m[1], func(t *testing.T) { runExample(t, m[1]) })
	}
}

// TestReadmePolicy reads the policy that the README shows.
func TestReadmePolicy(t *testing.T) {
	_, text, _ := strings.Cut(readFile(t, "../../README.md"), "```yaml\n")
	text, _, found := strings.Cut(text, "```\n")
	if !found {
		t.Fatal("no policy in the README")
	}
	if _, err := policy.Load("README.md", []byte(text)); err != nil {
		t.Error(err)
	}
}

// shopTest is a test as of a service that is checked in CI.
const shopTest = `package shop

import (
	"context"
	"runtime/trace"
	"testing"
	"time"
)

func TestCheckout(t *testing.T) {
	for range 20 {
		ctx, task := trace.NewTask(context.Background(), "checkout")
		trace.WithRegion(ctx, "pay", func() { time.Sleep(time.Millisecond) })
		task.End()
	}
}
`

// TestInCI does what the README's job does: go test -trace, then check. A failure
// is annotated in the test's own source.
func TestInCI(t *testing.T) {
	t.Chdir(t.TempDir())
	files := map[string]string{
		".git":              "",
		"go.mod":            "module example.com/shop\n\ngo 1.26\n",
		"shop/shop_test.go": shopTest,
		"policy.yaml":       "version: 1\nrules:\n  - {name: checkout, expr: 'task(\"checkout\").p50 < us(1)'}\n",
	}
	if err := os.Mkdir("shop", 0o777); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	goCommand(t, ".", "test", "-run", "TestCheckout", "-trace", "app.trace", "./shop")
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"check", "app.trace", "--policy", "policy.yaml", "-o", "sarif=gmptrace.sarif"}, nil, &stdout, &stderr)
	if code != exitFindings || !strings.Contains(stdout.String(), `FAIL   checkout: task("checkout").p50 is `) {
		t.Errorf("exit code %d\n%s%s", code, &stdout, &stderr)
	}
	if sarif := readFile(t, "gmptrace.sarif"); !strings.Contains(sarif, `"uri": "shop/shop_test.go"`) {
		t.Errorf("no place in the test's source:\n%s", sarif)
	}
}

// runExample runs a command line in a folder that holds app.trace, policy.yaml,
// costs.json and the fixtures. Its endpoint on localhost:6060 is a server of the test.
func runExample(t *testing.T, line string) {
	server := endpoints(t)
	chdirBesideFixtures(t)
	if err := writeTraces("."); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(line, " policy init") { // which writes it
		if err := os.WriteFile("policy.yaml", policy.Starter, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile("costs.json", []byte(`{"source": "calibrated", "wake_ns": 9000, "parallel_compute": 1.1}`), 0o666); err != nil {
		t.Fatal(err)
	}
	line, _, _ = strings.Cut(line, " #")
	if strings.Contains(line, " --until ") { // which this process does not make true
		line = strings.Replace(line, "--until 'latency.p99 > ms(50)'", "--rounds 1 --until latency.p99>ms(50)", 1)
	}
	if strings.Contains(line, " ./checkout") {
		writeCheckout(t)
	}
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
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if args[1] == "serve" { // until Ctrl-C
		time.AfterFunc(2*time.Second, cancel)
	}
	code := run(ctx, args[1:], bytes.NewReader(in), &stdout, &stderr)
	// What --fail-on and checks find in a trace of this very process is the scheduler's,
	// and it has none of what explain, or a profile, is asked for; and some of the traces that a
	// fleet is of are damaged.
	none := code == exitPartial && (args[1] == "explain" && stderr.Len() == 0 || args[1] == "fleet" || strings.Contains(stderr.String(), "no profile is written") || strings.Contains(line, " --until "))
	if args[1] == "serve" && code == exitInterrupted { // a slow machine still read the traces
		return
	}
	if code != exitDone && !none && !(code == exitFindings && (strings.Contains(line, "--fail-on") || strings.Contains(line, " check "))) {
		t.Errorf("exit code %d\n%s", code, &stderr)
	}
}

// chdirBesideFixtures goes to an empty folder, but for the fixtures.
func chdirBesideFixtures(t *testing.T) {
	t.Helper()
	fixtures, err := filepath.Abs("../../fixtures")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	switch err := os.Symlink(fixtures, "fixtures"); {
	case err != nil && runtime.GOOS == "windows":
		t.Skip("Windows lets only some accounts make symbolic links: ", err)
	case err != nil:
		t.Fatal(err)
	}
}

// writeCheckout makes the folder a module with a test to record.
func writeCheckout(t *testing.T) {
	t.Helper()
	for name, text := range map[string]string{"go.mod": "module example.com/shop\n\ngo 1.26\n", "checkout/shop_test.go": shopTest} {
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// TestReadmeLibrary builds and runs the README's program in a module of its own,
// which requires and replaces gmptrace as the README says.
func TestReadmeLibrary(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	readme := readFile(t, filepath.Join(root, "README.md"))
	_, program, _ := strings.Cut(readme, "```go\n")
	program, _, found := strings.Cut(program, "```\n")
	if !found {
		t.Fatal("no program in the README")
	}
	// The module's own requirements, so that nothing has to be looked up.
	for name, content := range map[string]string{
		"main.go": program,
		"go.mod":  readFile(t, filepath.Join(root, "go.mod")),
		"go.sum":  readFile(t, filepath.Join(root, "go.sum")),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := writeTraces(dir); err != nil {
		t.Fatal(err)
	}
	goCommand(t, dir, "mod", "edit", "-module=example", "-require=gmptrace@v0.0.0", "-replace=gmptrace="+root)
	if out := goCommand(t, dir, "run", "-mod=mod", ".", "app.trace"); strings.TrimSpace(out) == "" {
		t.Error("the program printed nothing")
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func goCommand(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, &stderr)
	}
	return string(out)
}

// namedPath matches what looks like a path within the repository: in backquotes, or what
// a link points to.
var namedPath = regexp.MustCompile("`((?:analyze|cmd|fixtures|model|render)(?:/[\\w.-]+)*)`|\\]\\(([\\w./-]+)(?:#[\\w-]+)?\\)")

// TestNamedPathsExist looks for the files and folders that the documents name. ID is that
// of any check.
func TestNamedPathsExist(t *testing.T) {
	pages := []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "fixtures/README.md", "analyze/schema/README.md"}
	for _, page := range docs(t) {
		pages = append(pages, filepath.Join("cmd/gmptrace", page))
	}
	for _, doc := range pages {
		found := namedPath.FindAllStringSubmatch(readFile(t, "../../"+doc), -1)
		if len(found) == 0 {
			t.Errorf("%s names no file", doc)
		}
		for _, m := range found {
			path := filepath.Join("../..", strings.ReplaceAll(m[1], "ID", "hog"))
			if m[2] != "" {
				path = filepath.Join("../..", filepath.Dir(doc), m[2])
			}
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s names %s, which does not exist", doc, m[1]+m[2])
			}
		}
	}
}
