package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	_ "net/http/pprof"
	"net/url"
	"os"
	"runtime"
	"strings"
	"testing"

	"gmptrace/analyze/machine"
)

// TestRecord records this process: the trace, what the machine said, the verdict. Nothing
// is replaced unless asked, and a condition that never holds is given up.
func TestRecord(t *testing.T) {
	t.Chdir(t.TempDir())
	server := httptest.NewServer(http.DefaultServeMux)
	defer server.Close()
	record := func(args ...string) (code int, stdout, stderr string) {
		var out, errs bytes.Buffer
		code = run(t.Context(), append([]string{"record"}, args...), strings.NewReader(""), &out, &errs)
		return code, out.String(), errs.String()
	}
	code, stdout, stderr := record(server.URL, "--seconds", "1", "-o", "one.trace")
	if code != exitDone || !strings.Contains(stdout, "gmptrace report one.trace") {
		t.Fatalf("code %d\n%s%s", code, stdout, stderr)
	}
	if runtime.GOOS == "linux" {
		f, err := os.Open("one.trace" + machine.Suffix)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if e, err := machine.ReadAll(f); err != nil || len(e.Records) < 10 || e.Losses.Any() {
			t.Errorf("%d records, %v", len(e.Records), err)
		}
	}
	if code, _, stderr := record(server.URL, "--seconds", "1", "-o", "one.trace"); code != exitUsage || !strings.Contains(stderr, "--force") {
		t.Errorf("a file that is there: code %d, %s", code, stderr)
	}
	code, stdout, stderr = record(server.URL, "--seconds", "1", "-o", "one.trace", "--force", "--until", "gc.cycles > 1000000", "--rounds", "1")
	if code != exitPartial || !strings.Contains(stderr, "gave up after 1 round") {
		t.Errorf("a condition that does not hold: code %d\n%s%s", code, stdout, stderr)
	}
	if code, _, stderr := record(server.URL, "--until", "nonsense >"); code != exitUsage || !strings.Contains(stderr, "--until") {
		t.Errorf("a condition that is none: code %d, %s", code, stderr)
	}
	code, stdout, stderr = record(server.URL, "--seconds", "1", "-o", "one.trace", "--force", "--until", "latency.p99 > ms(50)", "--rounds", "1")
	if code != exitPartial || strings.Contains(stderr, "could not be told") {
		t.Errorf("a condition that a trace tells: code %d\n%s%s", code, stdout, stderr)
	}
	code, _, stderr = record(server.URL, "--pid", "1073741823", "--seconds", "1", "-o", "one.trace", "--force", "--until", "machine.lost.share > 0.5", "--rounds", "3")
	if code != exitUsage || !strings.Contains(stderr, "--until can never be told here: machine.lost.share") || strings.Contains(stderr, "round 2") {
		t.Errorf("a condition that nothing can tell: code %d, %s", code, stderr)
	}
	if code, _, _ := record(server.URL, "--pid", "1073741823", "--seconds", "1", "-o", "two.trace"); code != exitDone {
		t.Errorf("a process that is not there loses more than its samples: code %d", code)
	}
	for _, args := range [][]string{{}, {"ftp://x"}, {"--", "ls"}, {server.URL, "two"}, {"--until", "true", "--", "go", "test", "."}} {
		if code, _, _ := record(args...); code != exitUsage {
			t.Errorf("%q: code %d, want %d", args, code, exitUsage)
		}
	}
}

// TestRecordGoTest records a test that the go command runs.
func TestRecordGoTest(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"go.mod":    "module example/longer_than_the_kernel_keeps\n\ngo 1.21\n",
		"a_test.go": "package slow\n\nimport (\n\t\"testing\"\n\t\"time\"\n)\n\nfunc TestSlow(t *testing.T) {\n\tfor end := time.Now().Add(3 * time.Second); time.Now().Before(end); {\n\t}\n}\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"record", "-o", "test.trace", "--", "go", "test", "-run", "TestSlow", "."}, strings.NewReader(""), &out, &errs)
	if code != exitDone || !strings.Contains(out.String(), "test.trace") {
		t.Fatalf("code %d\n%s%s", code, out.String(), errs.String())
	}
	if _, err := os.Stat("test.trace" + machine.Suffix); err != nil && runtime.GOOS == "linux" {
		t.Error(err, errs.String())
	}
	old, err := os.ReadFile("test.trace")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("a_test.go", []byte("package slow\n\nthis is none\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	code = run(t.Context(), []string{"record", "-o", "test.trace", "--force", "--", "go", "test", "."}, strings.NewReader(""), &out, &errs)
	if code != exitUsage || out.Len() > 0 || !strings.Contains(errs.String(), "written no trace") || !strings.Contains(errs.String(), "of an earlier run") {
		t.Errorf("a test that is not built: code %d\n%s%s", code, out.String(), errs.String())
	}
	if now, err := os.ReadFile("test.trace"); err != nil || !bytes.Equal(now, old) {
		t.Error("what was recorded before is not there any more", err)
	}
}

// TestIsTest: the process of a test is known by what it was told to write, whatever it is
// called and whoever runs it.
func TestIsTest(t *testing.T) {
	for _, test := range []struct {
		args string
		want bool
	}{
		{"/tmp/b001/a.test -test.paniconexit0 -test.trace=/x", true},
		{"./other -test.trace=/x", true},
		{"/tmp/b001/a.test -test.trace=/y", false},
		{"sudo /tmp/b001/a.test -test.trace=/x", false},
		{"go test -trace=/x", false},
		{"", false},
	} {
		if got := isTest(strings.Fields(test.args), "/x"); got != test.want {
			t.Errorf("%s: %v", test.args, got)
		}
	}
}

// TestHere: which hosts are this machine, and at which port its process listens.
func TestHere(t *testing.T) {
	for host, want := range map[string]bool{"localhost": true, "127.0.0.2": true, "::1": true, "192.0.2.1": false} {
		if got := isHere(t.Context(), host); got != want {
			t.Errorf("%s: %v", host, got)
		}
	}
	for address, want := range map[string]int{"http://x": 80, "https://x": 443, "https://x:8443/y": 8443} {
		u, err := url.Parse(address)
		if got := port(u); err != nil || got != want {
			t.Errorf("%s: port %d, want %d", address, got, want)
		}
	}
}
