package render

import (
	"html"
	"html/template"
	"regexp"
	"strings"
	"sync"
)

// term is a word of the glossary. Said are the ways in which texts say it, as a regular
// expression.
type term struct {
	Name, Text string
	Said       string
}

// glossary has the words that a reader may not know, those of the scheduler first.
var glossary = []term{
	{"G, M, P", "A goroutine; a thread of the operating system; a processor, which an M must hold to run Go code. There are GOMAXPROCS of them.", `Ps?`},
	{"runnable", "Ready to run and waiting for a P. Scheduling latency is the time from ready to execute.", `runnable|[Ss]cheduling latency`},
	{"certain", "No other source of the dispatch fits the scheduler's rules and the trace. Otherwise the likeliest is given.", `certain`},
	{"censored (≥)", "The wait began before the trace or had not ended with it, so it is at least as long as shown.", `censored`},
	{"runnext", "A P's slot for the goroutine made ready last. It runs next and inherits the time slice.", `runnext`},
	{"local and global queue", "Each P has a queue of 256 goroutines; what does not fit, and what was preempted, goes to the one that all Ps share.", `local(?: queue)?|global(?: queue)?`},
	{"61-tick pull", "On every 61st scheduling tick a P looks at the global queue first, so that it can't starve.", `global-tick|61-tick pull`},
	{"steal", "A P without work takes half of another's queue.", `[Ss]teals?|[Ss]tealing|[Ss]tole`},
	{"handoff, retake", "A P leaves an M that is blocked, to be used by another. sysmon retakes the P of a system call that lasts.", `[Hh]andoffs?|retaken?`},
	{"preemption", "A goroutine is made to stop after 10\u00a0ms on a P, by a signal or at a function call.", `[Pp]reemptions?|preempted`},
	{"stop-the-world", "No goroutine may run: phases of the garbage collector, GOMAXPROCS changes and some profiles need it.", `[Ss]top-the-world`},
	{"GC worker, assist", "Marking done by the collector's own goroutines; marking that a goroutine must do because it allocates.", `(?:GC|mark) workers?|gc-worker|gc-idle|(?:GC )?assists?`},
	{"network poller", "Tells which connections and pipes are ready, and so which goroutines can go on. A P without work asks it.", `netpoll|(?:network )?poller`},
	{"blocked: sync, network, other", "On a mutex, a wait group or a condition; on a connection, a pipe or whatever else the poller watches; for another reason, or one that the trace does not give.", `blocked`},
	{"looking for work", "An M holds the P and runs no goroutine: it searches the queues, the poller and other Ps.", `look(?:s|ed|ing) for work`},
}

// ID is the word's place on the page.
func (t term) ID() string {
	return "word-" + strings.Trim(notInID.ReplaceAllString(strings.ToLower(t.Name), "-"), "-")
}

var notInID = regexp.MustCompile(`[^a-z0-9]+`)

// terms finds the words of the glossary, each as a group, where they stand alone: not
// within the name of a function.
var terms = sync.OnceValue(func() *regexp.Regexp {
	var said []string
	for _, t := range glossary {
		said = append(said, "("+t.Said+")")
	}
	return regexp.MustCompile(`(?:^|[\pZ(;:,])(?:` + strings.Join(said, "|") + `)(?:$|[\pZ).,;:])`)
})

// linked is text with each word of the glossary, where it first stands, linked to it.
func linked(text string) template.HTML {
	var b strings.Builder
	seen := make([]bool, len(glossary))
	for text != "" {
		at := terms().FindStringSubmatchIndex(text)
		if at == nil {
			break
		}
		i := 0
		for at[2*i+2] < 0 {
			i++
		}
		from, to := at[2*i+2], at[2*i+3]
		b.WriteString(html.EscapeString(text[:from]))
		word := html.EscapeString(text[from:to])
		if !seen[i] {
			word = `<a class="term" href="#` + glossary[i].ID() + `">` + word + `</a>`
		}
		b.WriteString(word)
		seen[i] = true
		text = text[to:]
	}
	b.WriteString(html.EscapeString(text))
	return template.HTML(b.String())
}
