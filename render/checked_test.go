package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"gmptrace/analyze/report"
)

const checkSchemaPath = "../analyze/schema/check.schema.json"

// hostileChecked are names beside hostile that are aimed at the formats of checks.
var hostileChecked = append([]string{
	"]]>", "]]>]]&gt;<failure/>", "a|b | c", "`code` ``", "</details></summary>", "[link](javascript:alert(1))", "![x](http://x/y.png)",
	"@everyone #1 GH-1 http://example.com www.example.com :tada:", "U+FFFE \ufffe \uffff", "$x^2$", "{0} {1}", "1. one", "- item", "# head",
	"+ plus", "    code", "|---|", "\\| \\`", "<!-- x", "-->", "a\u2028b", "", "  ", "::error::x", "a ::set-output name=x::y", "##[error]x", "x ##vso[task.setvariable variable=x]y", "##teamcity[x]", "../../etc/passwd", "c:\\x\\y.go", "https://h/x.go", strings.Repeat("long ", 500),
}, hostile...)

// sampleChecked has a result of every outcome, and hostile names everywhere.
func sampleChecked() *report.Checked {
	c := report.NewChecked("test")
	var results []report.CheckResult
	add := func(status report.CheckStatus, severity report.CheckSeverity, name string) {
		r := report.CheckResult{Kind: "policy", ID: fmt.Sprintf("%s/%d", status, len(results)), Description: name, Expected: name, Next: name, File: "policy.yaml", Line: 3, Column: 5,
			Severity: severity, Status: status, Message: name, Items: 2, Measured: []report.Evidence{{Label: name, Value: name}}}
		if status == report.CheckFail {
			r.Failures = []report.CheckFailure{{Item: name, Key: name, Message: "it: " + name, Details: []report.Evidence{{Label: name, Value: name}, {Label: "b", Value: "c"}},
				At: []report.Frame{{Func: name, File: name, Line: 7}, {Func: "main.main", File: "/src/app/main.go", Line: 1 << 40}}},
				{Item: "no place", Key: "no place", Message: "bare"}}
			r.FailuresLeft = 3
		}
		results = append(results, r)
	}
	held := func(name string) { // to a fixture: the only failure's message names what it is about
		add(report.CheckFail, report.CheckSeverityError, name)
		r := &results[len(results)-1]
		r.Kind, r.Message, r.Failures, r.FailuresLeft = "fixture", r.Failures[0].Message, r.Failures[:1], 0
	}
	for _, name := range hostileChecked {
		held(name)
		add(report.CheckFail, report.CheckSeverityError, name)
		add(report.CheckFail, report.CheckSeverityWarning, name)
		add(report.CheckError, report.CheckSeverityError, name)
		add(report.CheckSkip, report.CheckSeverityError, name)
		add(report.CheckPass, report.CheckSeverityError, name)
	}
	results[0].File = ""
	for i, name := range hostileChecked {
		t := &report.Trace{Name: name, Program: name, GoVersion: "1.26", DurationNS: 1e9, Events: 1, Start: "2026-11-23T14:02:11.123456789Z", Lost: []report.Loss{{Text: name}}}
		c.Add(t, results[6*i:6*i+6])
	}
	c.AddUnreadable(hostile[0], errors.New(hostile[4]))
	c.Add(&report.Trace{}, nil)
	return c
}

// smallChecked is what the golden files show: no two of a kind.
func smallChecked() *report.Checked {
	c := report.NewChecked("test")
	const slower = "Task order takes longer: mean 12.1 ms → 12.5 ms (+435 µs, +3.6 %), with the machine as before: +412 µs waiting for the mutex in main.cart (cart.go:69), new. Also p90 14.0 ms → 16.2 ms (+2.20 ms, +15.7 %)"
	const next = `gmptrace explain app.trace --func '^main\.\(\*shop\)\.reprice$'`
	at := []report.Frame{{Func: "main.(*shop).reprice", File: "/src/app/shop/shop.go", Line: 173}, {Func: "main.main", File: "/src/app/main.go", Line: 20}}
	c.Add(&report.Trace{Name: "app.trace", Program: "shop", GoVersion: "1.26", DurationNS: 1_573_000_000, Events: 9, Complete: true}, []report.CheckResult{
		{Kind: "policy", ID: "gc-share", Expected: "gc.share < percent(50)", File: "policy.yaml", Line: 3, Severity: report.CheckSeverityWarning, Status: report.CheckPass,
			Items: 1, Measured: []report.Evidence{{Label: "gc.share", Value: "14.8 %"}}},
		{Kind: "policy", ID: "wait-for-a-p", Description: "No goroutine waits long for a P.", Expected: "for functions where it.waits > 9: it.wait_p99 < ms(50)", File: "policy.yaml", Line: 5,
			Next: next, Severity: report.CheckSeverityError, Status: report.CheckFail, Message: "2 of 7 functions: main.(*shop).reprice; main.load", Items: 7,
			Failures: []report.CheckFailure{
				{Item: "main.(*shop).reprice", Key: "main.(*shop).reprice", Message: "main.(*shop).reprice waited long", Details: []report.Evidence{{Label: "wait_p99", Value: "105 ms"}}, At: at},
				{Item: "main.load", Key: "main.load", Message: "main.load: wait_p99 is 52 ms", Details: []report.Evidence{{Label: "wait_p99", Value: "52 ms"}}}}},
		{Kind: "policy", ID: "requests", Expected: "for all requests: it.p99 < ms(5)", File: "policy.yaml", Line: 9, Severity: report.CheckSeverityError, Status: report.CheckSkip,
			Message: "the trace has no requests"},
		{Kind: "policy", ID: "stw", Expected: "stw.max < ms(10)", File: "policy.yaml", Line: 12, Severity: report.CheckSeverityWarning, Status: report.CheckFail,
			Message: "stw.max is 11.2 ms, and the rule wants stw.max < ms(10)", Items: 1, Measured: []report.Evidence{{Label: "stw.max", Value: "11.2 ms"}},
			Failures: []report.CheckFailure{{Message: "stw.max is 11.2 ms, and the rule wants stw.max < ms(10)", Details: []report.Evidence{{Label: "stw.max", Value: "11.2 ms"}}}}},
		{Kind: "fixture", ID: "fixture/task/order", Expected: "as in the fixture, or shorter, but for what varies by itself", File: "fixture/fixture.json", Severity: report.CheckSeverityError, Status: report.CheckFail,
			Message: slower + ".", Items: 1, Next: "gmptrace explain app.trace --task order", Failures: []report.CheckFailure{{Item: "order", Key: "task/order", Message: slower, Details: []report.Evidence{
				{Label: "beside it", Value: "GOMAXPROCS differs: 2 before, 1 now"}, {Label: "in the fixture", Value: "12.1 ms (of 1 trace, 120 lengths)"}, {Label: "now", Value: "12.5 ms (of 1 trace, 119 lengths)"},
				{Label: "how sure", Value: "1 in 488 as clear as that is chance; counts from 12 % on"}}}}},
		{Kind: "policy", ID: "checkout", Expected: `task("chekout").p99 < ms(5)`, File: "policy.yaml", Line: 15, Severity: report.CheckSeverityError, Status: report.CheckError,
			Message: `could not be evaluated: the trace has no task "chekout"; did you mean checkout?`},
	})
	c.Add(&report.Trace{Name: "cut.trace", DurationNS: 5e6, GoVersion: "1.26", Events: 9, Lost: []report.Loss{{Text: "generation 2 was cut short"}}}, nil)
	c.AddUnreadable("no.trace", errors.New("no.trace: is not an execution trace"))
	return c
}

var checkedFormats = map[string]func(io.Writer, *report.Checked) error{
	"text":     func(w io.Writer, c *report.Checked) error { return CheckedText(w, c, TextOptions{}) },
	"json":     CheckedJSON,
	"junit":    CheckedJUnit,
	"markdown": CheckedMarkdown,
	"sarif": func(w io.Writer, c *report.Checked) error {
		return CheckedSARIF(w, c, SARIFOptions{Root: "/src/app", Dir: "ci", Module: "example.com/shop"})
	},
}

func checkedIn(t *testing.T, format string, c *report.Checked) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := checkedFormats[format](&b, c); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestCheckedGolden shows each format as people see it.
func TestCheckedGolden(t *testing.T) {
	for format := range checkedFormats {
		got := checkedIn(t, format, smallChecked())
		path := "testdata/checked." + format
		if *update {
			if err := os.WriteFile(path, got, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs (go test ./render -update writes it anew):\n%s", path, got)
		}
	}
}

// TestCheckedErrors: the same input gives the same bytes, and an error of the
// writer comes out.
func TestCheckedErrors(t *testing.T) {
	full := errors.New("disk full")
	for format, write := range checkedFormats {
		if !bytes.Equal(checkedIn(t, format, sampleChecked()), checkedIn(t, format, sampleChecked())) {
			t.Errorf("%s differs from one time to the next", format)
		}
		if err := write(failing{full}, sampleChecked()); !errors.Is(err, full) {
			t.Errorf("%s: error = %v, want it to wrap %v", format, err, full)
		}
	}
}

func TestCheckedSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile(checkSchemaPath)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*report.Checked{"hostile": sampleChecked(), "small": smallChecked(), "none": report.NewChecked("")} {
		if err := validateJSON(schema, checkedIn(t, "json", c)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	hasEveryField(t, checkSchemaPath, reflect.TypeFor[report.Checked]())
	bad := smallChecked()
	bad.Traces[0].Results[0].Status = "fine"
	if validateJSON(schema, checkedIn(t, "json", bad)) == nil {
		t.Error("an unknown status is accepted")
	}
}

func validateJSON(schema *jsonschema.Schema, doc []byte) error {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		return err
	}
	return schema.Validate(v)
}

// TestCheckedSARIF validates SARIF against the standard's schema.
func TestCheckedSARIF(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("testdata/sarif-2.1.0.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*report.Checked{"hostile": sampleChecked(), "small": smallChecked(), "none": report.NewChecked("")} {
		if err := validateJSON(schema, checkedIn(t, "sarif", c)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if validateJSON(schema, bytes.Replace(checkedIn(t, "sarif", smallChecked()), []byte(`"level": "error"`), []byte(`"level": "bad"`), 1)) == nil {
		t.Error("an unknown level is accepted")
	}
}

// TestFingerprints: they stay when what was measured changes, or the lines of the
// program, and differ between failures.
func TestFingerprints(t *testing.T) {
	prints := func(c *report.Checked) []string {
		var doc struct {
			Runs []struct{ Results []sarifResult }
		}
		if err := json.Unmarshal(checkedIn(t, "sarif", c), &doc); err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, r := range doc.Runs[0].Results {
			out = append(out, r.Fingerprints["gmptraceCheck/v1"])
		}
		return out
	}
	a := prints(smallChecked())
	later := smallChecked()
	for i := range later.Traces[0].Results {
		r := &later.Traces[0].Results[i]
		r.Message += " 17 ms"
		r.Line += 5
		for j := range r.Failures {
			f := &r.Failures[j]
			f.Message, f.Details = "G17 took 5 s", nil
			for k := range f.At {
				f.At[k].Line += 3
			}
		}
	}
	if b := prints(later); !reflect.DeepEqual(a, b) {
		t.Errorf("fingerprints changed: %v, %v", a, b)
	}
	seen := map[string]bool{}
	for _, f := range a {
		seen[f] = true
	}
	if len(a) != 4 || len(seen) != 4 {
		t.Errorf("%d fingerprints, %d different, want 4", len(a), len(seen))
	}
}

// TestSARIFFiles checks how files of a program, policies and fixtures are named.
func TestSARIFFiles(t *testing.T) {
	s := &sarifWriter{opt: SARIFOptions{Root: "/src/app", Module: "example.com/shop", ModuleDir: "go"}}
	for file, want := range map[string]string{
		"/src/app/shop/shop.go":           "shop/shop.go",
		"/src/app/a b.go":                 "a%20b.go",
		"/src/app/x:y.go":                 "./x:y.go",
		"example.com/shop/worker/work.go": "go/worker/work.go",
		"/src/app/../x.go":                "",
		"/src/apple/x.go":                 "",
		"/usr/lib/go/src/net/http/a.go":   "",
		`C:\src\x.go`:                     "",
		"https://h/x.go":                  "",
		"main.go":                         "",
		"":                                "",
	} {
		l, got := s.location(report.Frame{Func: "f", File: file, Line: 3}), ""
		if l.Physical != nil {
			got = l.Physical.Artifact.URI
		}
		if got != want || (want == "" && file != "") != (l.Message != nil) {
			t.Errorf("%s: %q, want %q (%v)", file, got, want, l.Message)
		}
	}
	x := &report.CheckedTrace{Name: "app.trace"}
	for file, want := range map[string]string{"p.yaml": "ci/p.yaml", "../p.yaml": "p.yaml", "/etc/p.yaml": "../../etc/p.yaml", "/src/app/x/p.yaml": "x/p.yaml",
		`C:\x\p.yaml`: "p.yaml", "/p.yaml": "../../p.yaml", "": "ci/app.trace"} {
		s.opt.Dir = "ci"
		got := s.written(x, &report.CheckResult{File: file})
		if got.Artifact != (sarifArtifact{want, sarifRoot}) || got.Region.Line != 1 {
			t.Errorf("%s: %v, want %s", file, got, want)
		}
	}
	for _, root := range []string{"", "/"} {
		s := &sarifWriter{opt: SARIFOptions{Root: root}}
		if got := s.written(x, &report.CheckResult{File: "p.yaml", Line: 3}).Artifact.URI; got != "p.yaml" {
			t.Errorf("without a repository: %s", got)
		}
	}
	s.opt.Root = "/"
	if got := s.written(x, &report.CheckResult{File: "/etc/p.yaml"}).Artifact.URI; got != "etc/p.yaml" {
		t.Errorf("with the root for a repository: %s", got)
	}
}

// TestSARIFResults: each has one place, a line in a file that is named relative to the
// repository, and a rule whose id says its kind once.
func TestSARIFResults(t *testing.T) {
	bare := report.NewChecked("")
	bare.Add(&report.Trace{Name: "app.trace", Complete: true, Events: 1}, []report.CheckResult{{Kind: "fixture", ID: "fixture/request/main.cart", File: "/elsewhere/fixture.json",
		Severity: report.CheckSeverityError, Status: report.CheckFail, Message: "slower", Failures: []report.CheckFailure{{Key: "request/main.cart/p50", Message: "slower"}}}})
	for name, c := range map[string]*report.Checked{"hostile": sampleChecked(), "small": smallChecked(), "fixture": bare} {
		out := checkedIn(t, "sarif", c)
		var doc sarifLog
		if err := json.Unmarshal(out, &doc); err != nil {
			t.Fatal(err)
		}
		for _, r := range doc.Runs[0].Results {
			if len(r.Locations) != 1 || r.Locations[0].Physical == nil || r.Locations[0].Physical.Region == nil || r.Locations[0].Physical.Region.Line < 1 {
				t.Fatalf("%s: %s has the places %+v", name, r.RuleID, r.Locations)
			}
			if a := r.Locations[0].Physical.Artifact; a.URI == "" || strings.HasPrefix(a.URI, "/") || strings.Contains(a.URI, "://") || a.Base != sarifRoot {
				t.Errorf("%s: %s lies in %+v", name, r.RuleID, a)
			}
			if r.Message.Text == "" && name != "hostile" || len(r.Fingerprints) != 1 || strings.Contains(r.RuleID, "fixture/fixture") {
				t.Errorf("%s: %+v", name, r)
			}
		}
		if bytes.Contains(out, []byte("file:///")) {
			t.Errorf("%s has a file of this machine", name)
		}
	}
}

// TestCheckedJUnit validates JUnit XML against the common schema, and reads back
// what it says.
func TestCheckedJUnit(t *testing.T) {
	schema := readXSD(t, "testdata/junit.xsd")
	for name, c := range map[string]*report.Checked{"hostile": sampleChecked(), "small": smallChecked(), "none": report.NewChecked("")} {
		if err := schema.validate(checkedIn(t, "junit", c)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for bad, why := range map[string]string{
		`<testsuites><testsuite/></testsuites>`: "attributes are missing",
		`<testsuites><x/></testsuites>`:         "an unknown element",
		`<testsuites>text</testsuites>`:         "text",
		`<testsuites x="1"></testsuites>`:       "an unknown attribute",
		`<testsuites></testsuites><x/>`:         "two roots",
	} {
		if schema.validate([]byte(bad)) == nil {
			t.Errorf("the schema accepts %s", why)
		}
	}
	root, err := parseXML(checkedIn(t, "junit", smallChecked()))
	if err != nil {
		t.Fatal(err)
	}
	if len(root.children) != 3 {
		t.Fatalf("%d testsuites, want one for each of 3 traces", len(root.children))
	}
	attrs := map[string]string{}
	for _, a := range root.children[0].attrs {
		attrs[a.Name.Local] = a.Value
	}
	for name, want := range map[string]string{"tests": "6", "failures": "2", "errors": "1", "skipped": "1"} {
		if attrs[name] != want {
			t.Errorf("%s=%q, want %q", name, attrs[name], want)
		}
	}
	strict := smallChecked()
	strict.FailOn = report.CheckSeverityWarning
	if !bytes.Contains(checkedIn(t, "junit", strict), []byte(`failures="3"`)) {
		t.Error("a warning is no failure with --fail-on warning")
	}
}

// TestCheckedHostileText: nothing that a trace names can steer a terminal, XML, or
// a page.
func TestCheckedHostileText(t *testing.T) {
	for format := range checkedFormats {
		if format == "json" { // names stay what they are, as in the report's JSON
			continue
		}
		out := string(checkedIn(t, format, sampleChecked()))
		for _, bad := range []string{"\x1b", "\u2028", "\u2029", "\u202e", "\x00", "\a", "\r"} {
			if strings.Contains(out, bad) {
				t.Errorf("%s has %q", format, bad)
			}
		}
	}
	for _, width := range []int{0, 40, 80} { // a name may begin a line
		var b bytes.Buffer
		if err := CheckedText(&b, sampleChecked(), TextOptions{Width: width, Verbose: true}); err != nil {
			t.Fatal(err)
		}
		if bad := regexp.MustCompile(`(?m)^\s*::.*|.*##(vso|teamcity)?\[.*`).FindString(b.String()); bad != "" {
			t.Errorf("at width %d a runner of CI would obey %q", width, bad)
		}
	}
	colored := &bytes.Buffer{}
	if err := CheckedText(colored, sampleChecked(), TextOptions{Color: true, Width: 80}); err != nil {
		t.Fatal(err)
	}
	rest := regexp.MustCompile("\x1b\\[[0-9]+m").ReplaceAllString(colored.String(), "")
	if strings.Contains(rest, "\x1b") || !strings.Contains(colored.String(), "\x1b[31mFAIL\x1b[0m") {
		t.Error("escape sequences are not the colours alone")
	}
}

// TestCheckedHostileMarkdown: of the Markdown, only what gmptrace wrote is
// Markdown or HTML, and no name begins a line.
func TestCheckedHostileMarkdown(t *testing.T) {
	out := string(checkedIn(t, "markdown", sampleChecked()))
	allowed := regexp.MustCompile(`</?details>|<br>|</?summary>|</?code>|<!-- gmptrace check -->`)
	rest := allowed.ReplaceAllString(out, "")
	for _, bad := range []string{"<", "`", "](", "@", "www.", "://", ":tada:", "$"} {
		if i := strings.Index(rest, bad); i >= 0 {
			t.Errorf("%q is left: %q", bad, rest[max(0, i-40):min(len(rest), i+40)])
		}
	}
	if n, m := strings.Count(out, "<details>"), strings.Count(out, "</details>"); n == 0 || n != m {
		t.Errorf("%d <details>, %d </details>", n, m)
	}
	for line := range strings.Lines(out) {
		if line = strings.TrimRight(line, "\n"); line != "" && !regexp.MustCompile(`^(\* |<|### )`).MatchString(line) {
			t.Errorf("a line that is none of the list's: %q", line)
		}
	}
}

// manyChecked has more of everything than is shown.
func manyChecked(traces int, status report.CheckStatus, severity report.CheckSeverity) *report.Checked {
	c := report.NewChecked("test")
	for i := range traces {
		var results []report.CheckResult
		for j := range 80 {
			r := report.CheckResult{Kind: "fixture", ID: fmt.Sprintf("fixture/task/%d", j), Severity: severity, Status: status, Items: 1,
				Measured: []report.Evidence{{Label: "p50", Value: "1 ms in the fixture, 1 ms now (no change)"}}}
			if status == report.CheckFail {
				r.Message = fmt.Sprintf("Task %d p50 went from 1 ms to 2 ms, and that is a sentence which is far longer than a line of a terminal.", j)
				r.Failures = []report.CheckFailure{{Message: r.Message}}
			}
			results = append(results, r)
		}
		c.Add(&report.Trace{Name: fmt.Sprintf("%d.trace", i), Complete: true, Events: 1, DurationNS: 1e9}, results)
	}
	return c
}

// TestCheckedLength: where all is well there is little to read, a warning is a line,
// and a pull request gets a page at most.
func TestCheckedLength(t *testing.T) {
	for _, traces := range []int{1, 3, 8, 50} {
		pass := manyChecked(traces, report.CheckPass, report.CheckSeverityError)
		if n := bytes.Count(checkedIn(t, "text", pass), []byte("\n")); n > 15 {
			t.Errorf("%d lines where all of %d traces is well:\n%s", n, traces, checkedIn(t, "text", pass))
		}
		for _, c := range []*report.Checked{pass, manyChecked(traces, report.CheckFail, report.CheckSeverityError), manyChecked(traces, report.CheckFail, report.CheckSeverityWarning),
			manyChecked(traces, report.CheckError, report.CheckSeverityError), manyChecked(traces, report.CheckSkip, report.CheckSeverityError), sampleChecked()} {
			if n := bytes.Count(checkedIn(t, "markdown", c), []byte("\n")); n > markdownLines {
				t.Errorf("%d lines of Markdown:\n%s", n, checkedIn(t, "markdown", c))
			}
		}
	}
	warned := strings.Split(string(checkedIn(t, "text", manyChecked(1, report.CheckFail, report.CheckSeverityWarning))), "\n")
	if n := len(warned); n > 5+2*checkedWarned { // of text that is wider than a line
		t.Errorf("%d lines of warnings:\n%s", n, strings.Join(warned, "\n"))
	}
	var all bytes.Buffer
	if err := CheckedText(&all, manyChecked(1, report.CheckPass, report.CheckSeverityError), TextOptions{Verbose: true}); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(all.String(), "pass   fixture/task/"); n != 80 || !strings.Contains(all.String(), "pass   fixture/task/7: p50 is 1 ms in the fixture") {
		t.Errorf("with -v %d passes are listed:\n%s", n, all.String())
	}
}
