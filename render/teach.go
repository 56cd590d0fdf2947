package render

import (
	"fmt"
	"html/template"
	"io"
	"strconv"
	"strings"

	"gmptrace/analyze/report"
	"gmptrace/analyze/whatif"
	"gmptrace/analyze/words"
)

// mostDots is how many goroutines of a queue are drawn one by one.
const mostDots = 12

// mostPlaces is how many Ps or threads of a step are shown.
const mostPlaces = 8

// placeName is a P or a thread of a scheduler.
func placeName(under string, n int) string {
	if under == "gmp" {
		return "P" + strconv.Itoa(n)
	}
	return "thread " + strconv.Itoa(n)
}

// queued says how many stand in a queue.
func queued(n int) string {
	if n == 0 {
		return ""
	}
	return strings.Repeat("●", min(n, mostDots)) + " " + words.Count(n)
}

// worstStep is the step that text shows, nil for none.
func worstStep(e *whatif.Lecture) *whatif.Step {
	if e.Worst < 0 || e.Worst >= len(e.Steps) {
		return nil
	}
	return &e.Steps[e.Worst]
}

// lesson writes what schedulers have trouble with.
func (t *terminal) lesson(l *whatif.Lesson) {
	t.heading("Go's scheduler, as recorded", "")
	for _, text := range l.Recorded {
		t.wrap("  ", "  ", text)
	}
	t.line("")
	t.wrap("  ", "  ", pictureKey)
	t.line("")
	for i := range l.Effects {
		t.lecture(&l.Effects[i])
	}
	if len(l.Otherwise) > 0 {
		t.heading(otherwiseTitle, otherwiseNote)
		for _, text := range l.Otherwise {
			t.wrap("  - ", "    ", text)
		}
		t.line("")
	}
}

// What lessons say of themselves, in text and on the page.
const (
	pictureKey     = "In the pictures below each ● is a goroutine that waits in a queue; a P or thread is running a goroutine, waking (its thread is on its way), in a system call, or idle."
	otherwiseTitle = "Where Go does otherwise than is usually told"
	otherwiseNote  = "Before each colon what is usually said."
)

func (t *terminal) lecture(e *whatif.Lecture) {
	t.heading(e.Title, "")
	for _, text := range []string{e.What, e.Here, e.Textbook} {
		if text != "" {
			t.wrap("  ", "  ", text)
		}
	}
	t.wrap("  ", "  ", e.Answer, bold)
	t.line("")
	if len(e.Threads) > 0 {
		tab := table{align: "rrrrl", left: 3}
		for _, c := range e.Threads {
			tab.add(strconv.Itoa(c.Threads), words.Length(c.Makespan), words.Length(c.Wait), words.Share(c.Share), lockCost(&c))
		}
		t.table(tab, "threads", "the run takes", "waits for the lock", "of their time", "one operation")
	}
	s := worstStep(e)
	if s == nil {
		return
	}
	t.wrap("  ", "  ", fmt.Sprintf("At %s, %s: %s.", words.At(s.At), underWords(e), s.Text))
	tab := table{align: "lll", left: 3}
	if s.Global > 0 || e.Under != "thread-queue" {
		tab.add("queue of all", "", queued(s.Global))
	}
	for i, p := range s.Places[:min(len(s.Places), mostPlaces)] {
		tab.add(placeName(e.Under, i), p.Does, queued(p.Queue))
	}
	t.table(tab, "where", "does", "who waits")
	t.more(len(s.Places)-mostPlaces, "thread")
}

// lockCost is what an operation on the locked queue is taken to cost, and where that is from.
func lockCost(c *whatif.LockCost) string { return words.Length(c.Cost) + ", " + c.From }

// underWords says what the picture is of.
func underWords(e *whatif.Lecture) string {
	what := "on this program"
	if !e.Shown {
		what = "on the textbook's"
	}
	switch {
	case e.Under != "gmp":
		return "under " + e.Under + ", " + what
	case e.ID == "starvation":
		return "under gmp without the tick, " + what
	}
	return "under gmp without signals, " + what
}

// lessonPage is what its template draws on.
type lessonPage struct {
	*whatif.Result
	CSP      template.HTMLAttr
	Style    template.CSS
	Program  string
	Subtitle string
	Lectures []lecture
	Key      string // to the pictures
	Title    string // of where Go does otherwise
	Note     string
}

type lecture struct {
	*whatif.Lecture
	Rows    [][]string // of the lock, by threads
	Bars    []lockBar
	Picture string // what the steps are of
	Drawn   []drawnStep
}

// lockBar is the share of time that goes into the lock, with so many threads.
type lockBar struct{ Y, Width, Threads, Share, Class string }

// drawnStep is what stands where, drawn.
type drawnStep struct {
	Number, At, Text string
	Height           string
	Rows             []drawnRow
}

// drawnRow is a P, a thread or the queue of all.
type drawnRow struct {
	Y, TextY    string
	Name, Does  string
	Class       string
	Dots        []string // x of each goroutine
	More, MoreX string
}

// Sizes of a step's picture, in the units of its viewBox.
const (
	rowHeight = 26
	dotsFrom  = 168
	dotStep   = 11
)

// LessonHTML writes what schedulers have trouble with as a page of its own, in the manner of
// WhatIfHTML.
func LessonHTML(w io.Writer, x *whatif.Result) error {
	safe := mapped(*x, words.Printable)
	rep := &report.Report{Trace: safe.Trace}
	p := &lessonPage{Result: &safe, Key: pictureKey, Title: otherwiseTitle, Note: otherwiseNote, Style: pageStyle(), Program: program(rep), Subtitle: subtitle(rep),
		CSP: template.HTMLAttr(`content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"`)}
	if safe.Lesson != nil {
		for i := range safe.Lesson.Effects {
			p.Lectures = append(p.Lectures, newLecture(&safe.Lesson.Effects[i]))
		}
	}
	if err := pageTemplate().ExecuteTemplate(w, "teach.tmpl", p); err != nil {
		return fmt.Errorf("writing the lesson as a page: %w", err)
	}
	return nil
}

func newLecture(e *whatif.Lecture) lecture {
	l := lecture{Lecture: e, Picture: underWords(e)}
	for i := range e.Threads {
		c := &e.Threads[i]
		l.Rows = append(l.Rows, []string{strconv.Itoa(c.Threads), words.Length(c.Makespan), words.Length(c.Wait), words.Share(c.Share), lockCost(c)})
		b := lockBar{Y: strconv.Itoa(22 * i), Width: coordinate(300 * c.Share), Threads: strconv.Itoa(c.Threads), Share: words.Share(c.Share)}
		if c.From == "extrapolated" {
			b.Class = "far"
		}
		l.Bars = append(l.Bars, b)
	}
	for i := range e.Steps {
		l.Drawn = append(l.Drawn, newDrawnStep(e, i))
	}
	return l
}

func newDrawnStep(e *whatif.Lecture, i int) drawnStep {
	s := &e.Steps[i]
	d := drawnStep{Number: strconv.Itoa(i + 1), At: words.At(s.At), Text: s.Text}
	if s.Global > 0 || e.Under != "thread-queue" {
		d.add("queue of all", "", s.Global)
	}
	for n, p := range s.Places[:min(len(s.Places), mostPlaces)] {
		d.add(placeName(e.Under, n), p.Does, p.Queue)
	}
	if n := len(s.Places) - mostPlaces; n > 0 {
		d.add(fmt.Sprintf("%d more", n), "", 0)
	}
	d.Height = strconv.Itoa(rowHeight * len(d.Rows))
	return d
}

func (d *drawnStep) add(name, does string, queue int) {
	y := rowHeight * len(d.Rows)
	r := drawnRow{Y: strconv.Itoa(y + 2), TextY: strconv.Itoa(y + 17), Name: name, Does: does, Class: strings.ReplaceAll(does, " ", "-")}
	for k := range min(queue, mostDots) {
		r.Dots = append(r.Dots, strconv.Itoa(dotsFrom+dotStep*k))
	}
	if queue > mostDots {
		r.More, r.MoreX = words.Count(queue), strconv.Itoa(dotsFrom+dotStep*mostDots)
	}
	d.Rows = append(d.Rows, r)
}
