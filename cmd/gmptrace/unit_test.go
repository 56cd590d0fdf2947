package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/creack/pty"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"gmptrace/analyze/compare"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
)

func TestDefaultOutput(t *testing.T) {
	for trace, want := range map[string]string{
		"app.trace":           "app.html",
		"/tmp/x/app.trace.gz": "app.html",
		"trace.out.zst":       "trace.html",
		"APP.TRACE.GZ":        "APP.html",
		"app":                 "app.html",
		"app.v1.2":            "app.v1.2.html",
		".trace":              "trace.html",
		"..":                  "trace.html",
		"http://h:6060/debug/pprof/trace?seconds=5":  "trace.html",
		"http://h/x/web.trace#frag/../../etc/passwd": "web.html",
		"http://h":                 "trace.html",
		"https://user:secret@h/":   "trace.html",
		"http://h/%2e%2e%2fescape": "escape.html",
		"fixtures/traces/real/http-server.go1.26.trace":       "http-server.go1.26.html",
		"fixtures/traces/real/http-server.go1.26.trace.trace": "http-server.go1.26.html",
	} {
		if got := defaultOutput(trace); got != want {
			t.Errorf("%s: %s, want %s", trace, got, want)
		}
	}
}

// TestExitCode checks which code a report ends with, and that a finding beats a
// part that is missing.
func TestExitCode(t *testing.T) {
	whole := report.Trace{Name: "x", Complete: true, Events: 1}
	part := report.Trace{Name: "x", Events: 1, Lost: []report.Loss{{Text: "the end"}, {Text: "the middle"}}}
	nothing := report.Trace{Name: "x", Complete: true}
	warning := []report.Finding{{Severity: report.SeverityInfo}, {Severity: report.SeverityWarning}}
	tests := []struct {
		name     string
		trace    report.Trace
		findings []report.Finding
		failOn   severity
		want     int
		stderr   string
	}{
		{"whole", whole, nil, "", exitDone, ""},
		{"findings that nobody asked for", whole, warning, "", exitDone, ""},
		{"milder than asked for", whole, warning, "critical", exitDone, ""},
		{"as severe as asked for", whole, warning, "warning", exitFindings, ""},
		{"more severe", whole, warning, "info", exitFindings, ""},
		{"none to be found", whole, nil, "info", exitDone, ""},
		{"part", part, nil, "", exitPartial, "gmptrace: x: analysed in part: the end; the middle\n"},
		{"nothing", nothing, nil, "info", exitPartial, "gmptrace: x: nothing to analyse\n"},
		{"part and finding", part, warning, "warning", exitFindings, "gmptrace: x: analysed in part: the end; the middle\n"},
		{"part and milder finding", part, warning, "critical", exitPartial, "gmptrace: x: analysed in part: the end; the middle\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var stderr bytes.Buffer
			an := newAnalysis(&app{stderr: &stderr})
			an.failOn = test.failOn
			an.conclude(&report.Report{Trace: test.trace, Findings: test.findings})
			if an.code != test.want {
				t.Errorf("code %d, want %d", an.code, test.want)
			}
			if got := stderr.String(); got != test.stderr {
				t.Errorf("standard error %q, want %q", got, test.stderr)
			}
		})
	}
}

func TestPrintable(t *testing.T) {
	const hostile = "a\x1b[2J\u202eb\x9b\xff\r\nc\u2028é"
	if got, want := printable(hostile), `a\x1b[2J\u202eb��\r`+"\n"+`c\u2028é`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := printable("1\u202f234\u202f567\u00a0bytes\u202f"), `1,234,567 bytes\u202f`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := printableName(hostile); strings.Contains(got, "\n") {
		t.Errorf("%q has more than one line", got)
	}
}

// terminal is one that the test looks at, and its other side.
func terminal(t *testing.T) (screen, tty *os.File) {
	t.Helper()
	screen, tty, err := pty.Open()
	switch {
	case errors.Is(err, pty.ErrUnsupported):
		t.Skip("no pseudo-terminals on this system: ", err)
	case err != nil:
		t.Fatal(err)
	}
	return screen, tty
}

// TestProgress runs gmptrace's bar on a terminal: it must show bytes and events,
// and leave the line as it found it.
func TestProgress(t *testing.T) {
	screen, stderr := terminal(t)
	defer screen.Close()
	read := make(chan string)
	go func() {
		b, _ := io.ReadAll(screen) // ends with an error when the other side closes
		read <- string(b)
	}()

	bar := newAnalysis(&app{stderr: stderr}).progress(&input{size: 1 << 20})
	bar.update(replay.Progress{Bytes: 1 << 19, Size: 1 << 20, Events: 12345})
	bar.close()
	bar.update(replay.Progress{Bytes: 1 << 20}) // one that comes late
	stderr.Close()

	got := <-read
	for _, want := range []string{"12,345 events", "50%", "1.0 MiB"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	if line := strings.TrimRight(got, "\r"); !strings.HasSuffix(line, " ") || strings.Contains(got, "\n") {
		t.Errorf("the line is not left clean: %q", got)
	}
}

// TestBinaryOnTerminal: what is no text is not written to a terminal.
func TestBinaryOnTerminal(t *testing.T) {
	screen, tty := terminal(t)
	defer screen.Close()
	defer tty.Close()
	for _, args := range [][]string{
		{"export", "--format", "pprof", "-o", "-", "app.trace"},
		{"export", "--format", "perfetto", "-o", "-", "app.trace"},
		{"anonymize", "-o", "-", "app.trace"},
	} {
		var stderr bytes.Buffer
		if code := run(t.Context(), args, nil, tty, &stderr); code != exitUsage || !strings.Contains(stderr.String(), "standard output is a terminal: pipe it, or name a file") {
			t.Errorf("%q: exit code %d, %q", args, code, stderr.String())
		}
	}
}

// TestCompressedEvidence: what the machine said is read as it is, and compressed as traces
// are; what is cut short is an error that says so.
func TestCompressedEvidence(t *testing.T) {
	const said = "gmptrace.machine 1\nmachine pid=1 cpus=2 online=4 smt=1 host=web-3\n"
	var gz, zst bytes.Buffer
	z := gzip.NewWriter(&gz)
	s, err := zstd.NewWriter(&zst)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []io.WriteCloser{z, s} {
		io.WriteString(w, said)
		w.Close()
	}
	for _, packed := range []string{said, gz.String(), zst.String()} {
		e, err := readEvidence(strings.NewReader(packed))
		if err != nil || len(e.Records) != 1 || e.Records[0].Machine.Online != 4 {
			t.Errorf("%.4q…: %+v, %v", packed, e, err)
		}
	}
	for _, cut := range []string{gz.String()[:gz.Len()-9], gz.String()[:5], zst.String()[:zst.Len()-4]} {
		if _, err := readEvidence(strings.NewReader(cut)); err == nil {
			t.Errorf("%.4q…: no error", cut)
		}
	}
}

// TestNoProgress: what is no terminal gets no bar, nor does --quiet.
func TestNoProgress(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/stderr")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, w := range []io.Writer{file, new(bytes.Buffer)} {
		if newAnalysis(&app{stderr: w}).progress(&input{}).bar != nil {
			t.Errorf("a bar on %T", w)
		}
	}
	screen, tty := terminal(t)
	defer screen.Close()
	defer tty.Close()
	an := newAnalysis(&app{stderr: tty})
	an.quiet = true
	if an.progress(&input{}).bar != nil {
		t.Error("a bar in spite of --quiet")
	}
}

// TestWorst: of what has become worse, what users wait for is explained first, else what
// goroutines do; what is not worse, and what no flag selects, is not.
func TestWorst(t *testing.T) {
	change := func(kind compare.SeriesKind, v compare.Verdict) compare.Change {
		return compare.Change{Kind: kind, Name: "n", Verdict: v}
	}
	for _, x := range []struct {
		changes []compare.Change
		want    report.InstanceKind
	}{
		{[]compare.Change{change(compare.SeriesCycle, compare.Worse), change(compare.SeriesTask, compare.Worse)}, report.KindTask},
		{[]compare.Change{change(compare.SeriesAll, compare.Worse), change(compare.SeriesCycle, compare.Worse), change(compare.SeriesTask, compare.Better)}, report.KindAt},
		{[]compare.Change{change(compare.KindRate, compare.Worse), change(compare.SeriesLife, compare.ByMachine)}, ""},
	} {
		var got report.InstanceKind
		if s := worst(&compare.Result{Changes: x.changes}, []*compare.Behaviour{{}}); s != nil {
			got = s.Kind
		}
		if got != x.want {
			t.Errorf("%+v: %q, want %q", x.changes, got, x.want)
		}
	}
}
