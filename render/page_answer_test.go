package render

import (
	"strings"
	"testing"

	"gmptrace/analyze/report"
)

// TestGoesOn: what a text repeats of the title before it is left out, and only that.
func TestGoesOn(t *testing.T) {
	for _, c := range []struct{ title, text, want string }{
		{"92 goroutines wait to send in main.f (main.go:5) and never go on", "92 goroutines wait to send in main.f (main.go:5) until the trace ends.", "… until the trace ends."},
		{"The world was stopped for 17.1 ms", "8 stop-the-world pauses took 36.7 ms in all.", "8 stop-the-world pauses took 36.7 ms in all."},
		{"The world was stopped.", "The world was stopped. It went on later.", "It went on later."},
		{"The world was stopped", "The world was stopped", ""},
		{"A P was idle", "A P was busy", "A P was busy"},
	} {
		if got := goesOn(c.title, c.text); got != c.want {
			t.Errorf("after %q, %q is %q, want %q", c.title, c.text, got, c.want)
		}
	}
}

// TestSplitAside: sentences that put a verdict into proportion are told apart from what
// tells of its cause.
func TestSplitAside(t *testing.T) {
	for _, c := range []struct{ detail, rest, aside string }{
		{"Goroutines waited to send 3 times. Waiting for a P made up 2 % of it. Not counted: 2 goroutines.", "Goroutines waited to send 3 times.", "Waiting for a P made up 2 % of it. Not counted: 2 goroutines."},
		{"It was so. Goroutines waited 3 µs for a P at the median, 5 ms at the longest.", "It was so.", "Goroutines waited 3 µs for a P at the median, 5 ms at the longest."},
		{"Goroutines waited 3 µs for a P at the median, 5 ms at the longest.", "Goroutines waited 3 µs for a P at the median, 5 ms at the longest.", ""},
	} {
		if rest, aside := splitAside(c.detail); rest != c.rest || aside != c.aside {
			t.Errorf("%q is split into %q and %q", c.detail, rest, aside)
		}
	}
}

// TestInSentences: what the time went to is set apart from how long requests took, and
// nothing else is.
func TestInSentences(t *testing.T) {
	for _, c := range [][3]string{
		{"249 requests of main.pay: p50 3 ms. The 5 slowest took 9 ms longer than a typical one; 98 % of that went to main.f (a.go:3).", "249 requests of main.pay: p50 3 ms.", "The 5 slowest took 9 ms longer than a typical one; 98 % of that went to main.f (a.go:3)."},
		{"119 goroutines wait to lock in main.pay (main.go:19).", "", "119 goroutines wait to lock in main.pay (main.go:19)."},
		{"Nothing here cost much time. The worst: a wait.", "", "Nothing here cost much time. The worst: a wait."},
		{"", "", ""},
	} {
		if lead, answer := inSentences(c[0]); lead != c[1] || answer != c[2] {
			t.Errorf("%q is parted into %q and %q", c[0], lead, answer)
		}
	}
}

// TestKeyFigures: requests come first, and what would be nothing is left out.
func TestKeyFigures(t *testing.T) {
	r := &report.Report{Key: report.Key{Utilisation: .0004}}
	r.Slowest = report.Slowest{Kind: report.KindRequest, Unfinished: 2, Durations: report.Durations{Count: 120, P50: ms, P99: 5 * ms, Max: 9 * ms}}
	var got []string
	for _, f := range keyFigures(r) {
		got = append(got, f.Figure+" "+f.Name+" ("+f.Beside+")")
	}
	want := "1.00\u00a0ms request p50 (120\u00a0requests, 2 unfinished); 5.00\u00a0ms request p99 (longest 9.00\u00a0ms); – scheduling latency (no wait was seen)"
	if s := strings.Join(got, "; "); s != want {
		t.Errorf("the figures are %q, want %q", s, want)
	}
}

// TestLinked: words of the glossary are linked once, to a place that there is, and names
// neither act nor are taken for words.
func TestLinked(t *testing.T) {
	for text, want := range map[string]string{
		"6 steals, and steals":          `6 <a class="term" href="#word-steal">steals</a>, and steals`,
		"main.steal(<b>) of P3":         `main.steal(&lt;b&gt;) of P3`,
		"most came from runnext (3 %).": `most came from <a class="term" href="#word-runnext">runnext</a> (3 %).`,
	} {
		if got := string(linked(text)); got != want {
			t.Errorf("%q is linked as %s, want %s", text, got, want)
		}
	}
	for _, x := range glossary {
		if id := x.ID(); strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			t.Errorf("%q has the place %q", x.Name, id)
		}
	}
}
