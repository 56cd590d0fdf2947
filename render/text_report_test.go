package render

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/rivo/uniseg"

	"gmptrace/analyze/report"
)

func textOf(t *testing.T, r *report.Report, opt TextOptions) string {
	t.Helper()
	var b bytes.Buffer
	if err := Text(&b, r, opt); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTextGolden(t *testing.T) {
	golden(t, "report.txt", []byte(textOf(t, sample(8, 1000), TextOptions{})))
}

func TestSummaryGolden(t *testing.T) {
	var b bytes.Buffer
	if err := Summary(&b, sample(8, 1000), TextOptions{Trace: "'my trace'"}); err != nil {
		t.Fatal(err)
	}
	golden(t, "summary.txt", b.Bytes())
}

// TestAnswerLast: the answer stands at the end again where it has left the screen.
func TestAnswerLast(t *testing.T) {
	r := sample(8, 1000)
	lines := strings.Count(textOf(t, r, TextOptions{}), "\n")
	for height, want := range map[int]int{0: 1, lines: 2, lines + 1: 1} {
		out := textOf(t, r, TextOptions{Height: height})
		if n := strings.Count(out, r.Verdict.Headline); n != want || want == 2 && !strings.HasSuffix(out, r.Verdict.Headline+"\n") {
			t.Errorf("on %d lines the answer of %d stands there %d times, want %d", height, lines, n, want)
		}
	}
}

// TestTable: nothing is cut where a table does not fit.
func TestTable(t *testing.T) {
	const name = "server.(*Server).startGoRoutine.func1"
	for _, c := range []struct {
		align string
		cells []string
		want  string
	}{
		{"lr", []string{"short", "1 s"}, "   what   took\n   short   1 s\n\n"},
		{"rl", []string{"1 s", "who " + name + " waited for, and more"}, "   what  took\n    1 s  who server.(*Server).startGoRoutine.func1 waited\n         for, and more\n\n"},
		{"lrrrr", []string{"gmp, 2 Ps with their own queues", "100.05 ms", "100.05 ms", "100.05 ms", "3"}, "   what                        took       then       last  n\n" +
			"   gmp,                   100.05 ms  100.05 ms  100.05 ms  3\n     2 Ps with their own queues\n\n"},
		{"lrrrr", []string{name, "100.05 ms", "100.05 ms", "100.05 ms", "3"}, "   what\n          took       then       last  n\n   " + name + "\n     100.05 ms  100.05 ms  100.05 ms  3\n\n"},
	} {
		var b bytes.Buffer
		tab := table{align: c.align, left: 3}
		tab.add(c.cells...)
		newTerminal(&b, TextOptions{Width: 60}).table(tab, []string{"what", "took", "then", "last", "n"}[:len(c.cells)]...)
		if b.String() != c.want {
			t.Errorf("%q:\n%swant\n%s", c.cells, b.String(), c.want)
		}
	}
}

// TestTextPartial shows that what was lost comes before the verdict.
func TestTextPartial(t *testing.T) {
	r := partial(sample(2, 100))
	out := textOf(t, r, TextOptions{})
	lost := strings.Index(out, "ends in the middle of a batch")
	if lost < 0 || lost > strings.Index(out, r.Verdict.Headline) {
		t.Errorf("the loss is missing or comes too late:\n%s", out[:600])
	}
	if !strings.Contains(out, "byte 21,000,123") {
		t.Error("the loss does not say where")
	}
}

// TestTextEmpty shows that a report of nothing is text without nonsense.
func TestTextEmpty(t *testing.T) {
	out := textOf(t, &report.Report{}, TextOptions{})
	for _, bad := range []string{"NaN", "Inf", "%!", "<nil>"} {
		if strings.Contains(out, bad) {
			t.Errorf("%s in the text of an empty report:\n%s", bad, out)
		}
	}
}

func TestTextWidth(t *testing.T) {
	for _, width := range []int{60, 80, 100, 140} {
		for line := range strings.Lines(textOf(t, sample(8, 1000), TextOptions{Width: width})) {
			if w := uniseg.StringWidth(strings.TrimSuffix(line, "\n")); w > max(width, 75) { // narrower, tables of numbers keep their columns
				t.Errorf("at width %d a line is %d wide: %q", width, w, line)
			}
		}
	}
}

// TestTextColor shows that colours come only where asked for, and that without
// them the text is the same.
func TestTextColor(t *testing.T) {
	coloured := textOf(t, sample(8, 1000), TextOptions{Color: true})
	if !strings.Contains(coloured, "\x1b[31m") {
		t.Error("no red for a critical finding")
	}
	for _, code := range []ink{bold, red, yellow, blue, faint, "0"} {
		coloured = strings.ReplaceAll(coloured, "\x1b["+string(code)+"m", "")
	}
	bare := textOf(t, sample(8, 1000), TextOptions{})
	if coloured != bare {
		t.Error("colours change more than colours")
	}
	if strings.ContainsAny(bare, "\x1b\x07\r\u202e") {
		t.Error("a control character of a name reached the terminal")
	}
}

func TestTextWriteError(t *testing.T) {
	full := errors.New("disk full")
	if err := Text(failing{full}, sample(1, 10), TextOptions{}); !errors.Is(err, full) {
		t.Errorf("error = %v, want it to wrap %v", err, full)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestShorten(t *testing.T) {
	for _, c := range []struct {
		in    string
		width int
		want  string
	}{{"short", 10, "short"}, {"encoding/json.(*Decoder).Decode", 15, "encodin….Decode"}, {"日本語日本語", 7, "日…本語"}} {
		got := shorten(c.in, c.width)
		if got != c.want || uniseg.StringWidth(got) > c.width {
			t.Errorf("shorten(%q, %d) = %q, want %q", c.in, c.width, got, c.want)
		}
	}
}

func TestMergeBuckets(t *testing.T) {
	var buckets []report.Bucket
	for i := range int64(40) {
		buckets = append(buckets, report.Bucket{Lo: i, Hi: i + 1, Count: min(i, 10) * min(39-i, 10)})
	}
	got := mergeBuckets(buckets, 14)
	if len(got) > 14 || got[0].Lo != 1 || got[len(got)-1].Hi != 39 {
		t.Errorf("merged into %d from %d to %d", len(got), got[0].Lo, got[len(got)-1].Hi)
	}
	var before, after int64
	for _, b := range buckets {
		before += b.Count
	}
	for _, b := range got {
		after += b.Count
	}
	if before != after {
		t.Errorf("merging lost waits: %d, were %d", after, before)
	}
	if mergeBuckets([]report.Bucket{{Hi: 1}}, 3) != nil {
		t.Error("buckets without waits make rows")
	}
}

// TestTooLittle: a trace without a dispatch is not called healthy, neither as
// text nor as a page.
func TestTooLittle(t *testing.T) {
	r := sample(2, 100)
	r.Findings, r.Dispatches, r.Trace.GoVersion = nil, report.Dispatches{}, ""
	for form, out := range map[string]string{"text": textOf(t, r, TextOptions{}), "page": string(htmlOf(t, r))} {
		if !strings.Contains(out, "too little to check") {
			t.Errorf("%s: nothing says that there was too little to check", form)
		}
		for _, bad := range []string{"No check found", "Idle Ps while work waits", "Go rules", "Go  rules"} {
			if strings.Contains(out, bad) {
				t.Errorf("%s: %q in a report on nothing", form, bad)
			}
		}
	}
}

// TestTextStack: the innermost frames of the first stack stand with the finding,
// and no more of them than can be taken in.
func TestTextStack(t *testing.T) {
	frames := make([]report.Frame, 20)
	for i := range frames {
		frames[i] = report.Frame{Func: "main.descend", File: `C:\src\deep.go`, Line: uint64(100 + i)}
	}
	r := &report.Report{Findings: []report.Finding{{Title: "x", Stacks: []report.Stack{{Title: "first", Frames: frames}, {Title: "second", Frames: frames[:1]}}}}}
	out := textOf(t, r, TextOptions{})
	if n := strings.Count(out, "main.descend deep.go:10"); n != textFrames {
		t.Errorf("%d frames, want %d:\n%s", n, textFrames, out)
	}
	if strings.Contains(out, "second") {
		t.Error("the second stack is shown too")
	}
}
