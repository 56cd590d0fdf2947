package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// manifest is what has to be so in a Job of Kubernetes.
type manifest struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct{ Name string }
	Spec       struct {
		CompletionMode string `yaml:"completionMode"`
		Completions    int
		Parallelism    int
		Suspend        bool
		Template       struct {
			Spec struct {
				RestartPolicy string `yaml:"restartPolicy"`
				Containers    []struct {
					Command, Args []string
					Env           []struct{ Name, Value string }
					VolumeMounts  []struct{ Name, MountPath string } `yaml:"volumeMounts"`
				}
				Volumes []struct{ Name string }
			}
		}
	}
}

func manifests(t *testing.T) []manifest {
	t.Helper()
	var out []manifest
	for _, part := range strings.Split(readFile(t, "docs/kubernetes.yaml"), "\n---\n") {
		var m manifest
		if err := yaml.Unmarshal([]byte(part), &m); err != nil {
			t.Fatal(err)
		}
		out = append(out, m)
	}
	return out
}

// TestKubernetes: the manifest is two Jobs, whose parts fit together, and their commands
// are ones that there are.
func TestKubernetes(t *testing.T) {
	all := manifests(t)
	if len(all) != 2 || all[0].Metadata.Name != "gmptrace-rows" || all[1].Metadata.Name != "gmptrace-fleet" || !all[1].Spec.Suspend {
		t.Fatalf("%+v: want the Jobs gmptrace-rows and gmptrace-fleet, which waits", all)
	}
	for _, m := range all {
		spec := m.Spec.Template.Spec
		if m.APIVersion != "batch/v1" || m.Kind != "Job" || spec.RestartPolicy != "Never" || len(spec.Containers) != 1 {
			t.Fatalf("%+v: want a Job of one container", m)
		}
		c := spec.Containers[0]
		for _, mount := range c.VolumeMounts {
			if !slices.ContainsFunc(spec.Volumes, func(v struct{ Name string }) bool { return v.Name == mount.Name }) {
				t.Errorf("%s: no volume %s", m.Metadata.Name, mount.Name)
			}
		}
		if !slices.Equal(c.Command, []string{"sh", "-c"}) || len(c.Args) != 1 {
			t.Fatalf("%s: command %q", m.Metadata.Name, c.Command)
		}
		fleetFlags(t, c.Args[0])
	}
	rows := all[0].Spec
	if env := rows.Template.Spec.Containers[0].Env; rows.CompletionMode != "Indexed" || rows.Parallelism > rows.Completions || len(env) != 1 || env[0].Name != "PODS" || env[0].Value != "16" || rows.Completions != 16 {
		t.Errorf("%+v: want an Indexed Job of as many pods as PODS says", rows)
	}
	fleetFlags(t, readFile(t, "docs/fleet.md"))
}

// fleetLine matches a command line of a fleet.
var fleetLine = regexp.MustCompile(`gmptrace fleet( -[^\n` + "`" + `]*)`)

// fleetFlags holds the flags of command lines to those that there are.
func fleetFlags(t *testing.T, text string) {
	t.Helper()
	lines := fleetLine.FindAllStringSubmatch(text, -1)
	if len(lines) == 0 {
		t.Errorf("no command line in %q", text)
	}
	for _, line := range lines {
		args := strings.Fields(line[1])
		if err := (&app{}).fleetCommand().Flags().Parse(args); err != nil {
			t.Errorf("%s: %v", line[0], err)
		}
	}
}

// fleetDocs is the line of the page that has xargs.
func fleetDocs(t *testing.T) string {
	t.Helper()
	for line := range strings.Lines(readFile(t, "docs/fleet.md")) {
		if strings.Contains(line, "| ") && strings.Contains(line, " xargs ") {
			return strings.TrimSpace(line)
		}
	}
	t.Fatal("docs/fleet.md has no line with xargs")
	return ""
}

// TestKubernetesRuns does what the pods do, one after the other, in folders of this
// machine: they come to what one process comes to.
func TestKubernetesRuns(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("pods have a shell")
	}
	base := t.TempDir()
	traces, _ := filepath.Abs("../../fixtures/traces")
	for to, from := range map[string]string{"a.trace.gz": "cases/orders.trace.gz", "h1/b c.trace.gz": "cases/jobs.trace.gz", "h2/cut.trace": "broken/truncated.trace", "h2/page.trace": "broken/html.trace"} {
		copyFile(t, filepath.Join(traces, from), filepath.Join(base, "traces", to))
	}
	folders := strings.NewReplacer("/traces", filepath.Join(base, "traces"), "/rows", filepath.Join(base, "rows"))
	all := manifests(t)
	pod := func(m manifest, env ...string) {
		t.Helper()
		c := exec.CommandContext(t.Context(), "sh", "-c", folders.Replace(m.Spec.Template.Spec.Containers[0].Args[0]))
		c.Env = append(os.Environ(), env...)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", m.Metadata.Name, err, out)
		}
	}
	for _, i := range []string{"0", "1", "2"} {
		pod(all[0], "PODS=3", "JOB_COMPLETION_INDEX="+i)
	}
	var apart, alone bytes.Buffer
	run(t.Context(), []string{"fleet", "--format", "json", filepath.Join(base, "rows")}, strings.NewReader(""), &apart, &bytes.Buffer{})
	run(t.Context(), []string{"fleet", "--format", "json", "--rows", filepath.Join(base, "other"), filepath.Join(base, "traces")}, strings.NewReader(""), &alone, &bytes.Buffer{})
	if apart.String() != alone.String() || alone.Len() < 2000 || !strings.Contains(alone.String(), "page.trace") {
		t.Errorf("pods come to\n%s\nand one process to\n%s", &apart, &alone)
	}
	line := fleetDocs(t)
	write := strings.Replace(folders.Replace(line), filepath.Join(base, "rows"), filepath.Join(base, "third"), 1)
	if out, err := exec.CommandContext(t.Context(), "sh", "-c", write).CombinedOutput(); err == nil || err.Error() != "exit status 123" {
		t.Errorf("%s: %v, want 123, as one is damaged\n%s", line, err, out)
	}
	var third bytes.Buffer
	run(t.Context(), []string{"fleet", "--format", "json", filepath.Join(base, "third")}, strings.NewReader(""), &third, &bytes.Buffer{})
	if third.String() != alone.String() {
		t.Errorf("xargs comes to\n%s", &third)
	}
	pod(all[1])
	if page := readFile(t, filepath.Join(base, "rows/fleet.html")); !strings.Contains(page, "page.trace") {
		t.Error("the page does not tell of a trace that cannot be read")
	}
}
