package render

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"gmptrace/analyze/whatif"
	"gmptrace/analyze/words"
)

// lesson is one with hostile names wherever a trace can put one, with more threads and
// goroutines than are drawn.
func lesson() *whatif.Result {
	x := predictions()
	step := func(at int64, queue int, places int) whatif.Step {
		s := whatif.Step{At: at, Text: "3 goroutines behind a system call; 1 of 2 threads in one", Global: queue}
		for i := range places {
			s.Places = append(s.Places, whatif.Place{Does: []string{"running", "in a system call", "idle", "collecting", "looking", "waking"}[i%6], Queue: queue * (i % 2)})
		}
		return s
	}
	x.Lesson = &whatif.Lesson{Recorded: []string{"2 Ps ran 12 goroutines. " + hostile[1]}, Otherwise: []string{"It is so: it is not."}}
	for _, id := range []string{"lock", "stranded", "imbalance", "starvation", "monopolist"} {
		e := whatif.Lecture{ID: id, Title: "Trouble with " + id, What: "What it is.", Here: "Here it is 3 ms.", Answer: "What Go does.", Under: "thread-queue", Shown: true, Worst: 1,
			Steps: []whatif.Step{step(ms, 0, 3), step(2*ms, 40, 12), step(3*ms, 5, 3)}}
		switch id {
		case "lock":
			e.Under = "global-queue"
			for n := 1; n <= 128; n *= 2 {
				e.Threads = append(e.Threads, whatif.LockCost{Threads: n, Makespan: 20 * ms, Wait: int64(n) * 1000, Share: float64(n) / 200, Cost: 60, From: map[bool]string{false: "calibrated", true: "extrapolated"}[n > 2]})
			}
		case "starvation", "monopolist":
			e.Under, e.Shown, e.Textbook = "gmp", false, "The textbook's shows it."
		}
		x.Lesson.Effects = append(x.Lesson.Effects, e)
	}
	return x
}

// TestLesson: text and page have each trouble with its number and what Go does about it, the
// same lesson gives the same bytes, and nothing that a trace names gets through.
func TestLesson(t *testing.T) {
	var texts, pages [2]bytes.Buffer
	for i := range 2 {
		if err := WhatIfText(&texts[i], lesson(), TextOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := LessonHTML(&pages[i], lesson()); err != nil {
			t.Fatal(err)
		}
	}
	if texts[0].String() != texts[1].String() || pages[0].String() != pages[1].String() {
		t.Error("the same lesson gives different bytes")
	}
	text, page := words.Text(texts[0].String()), pages[0].String()
	if strings.ContainsAny(text, "\x1b\x07\r") {
		t.Error("the text has control characters")
	}
	for _, bad := range []string{"<script", "<img", "<svg onload", "ZgotmplZ", "NaN"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
	for _, want := range []string{"Go's scheduler, as recorded", "Trouble with lock", "Trouble with monopolist", "Here it is 3 ms.", "What Go does.", "extrapolated", "The textbook's shows it.", "thread 1", "in a system call", "P1", "40", "4 more"} {
		if !strings.Contains(text, want) {
			t.Errorf("the text lacks %q:\n%s", want, text)
		}
	}
	for _, want := range []string{"each ● is a goroutine that waits", "Where Go does otherwise than is usually told", "It is so: it is not."} {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), want) || !strings.Contains(page, want) {
			t.Errorf("the text or the page lacks %q", want)
		}
	}
	if !strings.Contains(text, "whatif --teach --format html") || strings.Contains(text, "whatif --format html") {
		t.Error("the text of a lesson does not go on with its page")
	}
	if n := strings.Count(page, "<figure>"); n != 15 {
		t.Errorf("%d steps are drawn, of 15", n)
	}
	if n := strings.Count(page, `class="far"`); n != 6 {
		t.Errorf("%d bars are marked as extrapolated, of 6", n)
	}
	var nothing bytes.Buffer
	none := lesson()
	none.Lesson, none.Headline = nil, "There is nothing to simulate."
	if err := LessonHTML(&nothing, none); err != nil || !strings.Contains(nothing.String(), "nothing to simulate") {
		t.Error("of nothing:", err)
	}
}

// TestLessonPageAccessible runs axe-core on the page, in both themes and on a phone, which
// nothing sticks out of.
func TestLessonPageAccessible(t *testing.T) {
	for _, v := range []view{{width: desktop, height: 768}, {width: desktop, height: 768, dark: true}, {width: phone, height: 844}, {width: phone, height: 844, dark: true}} {
		p := openWritten(t, func(w io.Writer) error { return LessonHTML(w, lesson()) }, v)
		for _, violation := range p.violations("") {
			t.Errorf("%d pixels, dark %v: %s", v.width, v.dark, violation)
		}
		if wide := eval[float64](p, `document.documentElement.scrollWidth`); int64(wide) > v.width {
			t.Errorf("on %d pixels the page is %.0f wide", v.width, wide)
		}
	}
}

// TestCorridor: the curve of Go's scheduler lies in the corridor that is drawn, which starts
// from zero.
func TestCorridor(t *testing.T) {
	p := newWhatIfPage(predictions())
	if len(p.Scales) != 3 || len(p.Ranges) != 8 || len(strings.Fields(p.Corridor)) != 16 {
		t.Fatalf("%d curves, %d ranges, corridor %s", len(p.Scales), len(p.Ranges), p.Corridor)
	}
	if first := p.ScaleY[0]; first.At != coordinate(plotH) || first.Text != words.Length(0) {
		t.Errorf("the axis begins with %+v", first)
	}
	var page bytes.Buffer
	if err := WhatIfHTML(&page, predictions()); err != nil || !strings.Contains(page.String(), "What no scheduler can change") {
		t.Error("the page lacks the laws", err)
	}
	var text bytes.Buffer
	if err := WhatIfText(&text, predictions(), TextOptions{}); err != nil || !strings.Contains(text.String(), "Graham's bound") {
		t.Error("the text lacks bounds", err)
	}
}
