package explain

import (
	"strings"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/internal/waits"
	"gmptrace/analyze/names"
	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// tale is a root on its way into words.
type tale struct {
	*report.Root
	sum       *rootSum
	st        *standing
	known     *names.Pool
	mean      int64 // of an instance
	times     int64 // that it began, in an instance
	of        int64 // instances
	callee    string
	worksIn   string // function of a library that it computed in there, "" for none
	above     string // who had called who is nearer to the place than Root.From
	caller    string // whom to name as having called the place, see names.Place.Caller
	stills    *measure.StandstillSum
	loss      string // of RootNoCPU: why there was none
	manyHadPs bool   // as many goroutines as there are Ps are behind it
	asked     bool   // the machine was: what is told as computing was on a CPU
	restless  bool   // who is behind it never waits for anything
	launches  bool   // each goroutine of who is behind it starts the next one
	growing   int64  // goroutines of who is behind it that began, where hardly any ended; 0 where they do
	elsewhere bool   // the locks of files that were waited for were likely another process's
	alike     int64  // ns that all long waits for the network take there, 0 where they differ
	dead      deadlocked
	behind    *waits.Behind // of a wait that never ended: where it begins
	unread    report.Frame  // where answers are closed that were not read to their end, of connections that are made for that
	stand     *waits.Stand  // where goroutines stand for good that a wait group likely counts, which was waited for; nil for nowhere
	heap      *measure.HeapRoom
	tight     bool // the collector leaves hardly room
}

// text is what follows "went to".
func (t *tale) text() string {
	s := kinds[t.Kind].what(t)
	if 2*t.sum.likely > t.sum.ns {
		s += ", likely at the other end of its connection"
	}
	return s
}

// advice is what to do about it.
func (t *tale) advice() string {
	if w := names.WorkOf(t.At.Func); w != nil && ran(t.Kind) {
		return w.Advice
	}
	if known := names.CostAdvice(t.worksIn); known != "" {
		return known
	}
	if advise := kinds[t.Kind].advice; advise != nil {
		return advise(t)
	}
	return ""
}

// by is who is behind it, "" for nobody in particular.
func (t *tale) by() string {
	switch w := names.WorkOf(t.At.Func); {
	case t.unseen():
		return "goroutines of " + words.Function(t.At.Func) + ", whose stacks do not show where,"
	case t.At.Func == "":
		return ""
	case w != nil:
		return w.What + " (" + place(t.At, t.caller) + ")"
	case t.inLibrary():
		return called(t.worksIn, t.At, t.caller) + ","
	}
	return place(t.At, t.caller)
}

// inLibrary reports whether it computed in a function of a library, or had a P for that.
func (t *tale) inLibrary() bool {
	return t.worksIn != "" && (t.Kind == report.RootComputing || t.Kind == report.RootQueue)
}

// in says where it was done, after what was.
func (t *tale) in() string {
	switch by := t.by(); {
	case t.unseen():
		return ", in goroutines of " + words.Function(t.At.Func) + ": no stack shows where"
	case by != "":
		return " in " + strings.TrimSuffix(by, ",")
	}
	return ""
}

// place is a place in words: the function with its line, and who called it.
func place(f report.Frame, from string) string {
	return words.PlaceFrom(f.Func, names.FileName(f.File), f.Line, from)
}

// called is a place and what it had called, where that tells more than its line: a
// function of another package.
func called(callee string, f report.Frame, from string) string {
	if callee == "" || names.HasPrefix(callee, []string{"runtime.", "internal/"}) {
		return place(f, from)
	}
	return words.Function(callee) + ", called by " + place(f, from)
}

// while says what the explained goroutine itself waited for meanwhile.
func (t *tale) while() string {
	if t.st == nil || t.st.at.Func == "" || t.st.at.Func == t.At.Func {
		return ""
	}
	return ", which " + words.Function(t.st.at.Func) + " waited for"
}

// through says that the explained goroutine waited for another one that waited in a pool.
func (t *tale) through() string {
	if t.known == nil {
		return ""
	}
	return t.while()
}

// mainCause is the cause of most of it.
func (t *tale) mainCause() report.Cause { return mainOf(&t.sum.causes) }

// forAll reports whether it was something that one goroutine did for all who asked meanwhile.
func (t *tale) forAll() bool { return 2*t.sum.forAll > t.sum.ns }

// unseen reports whether all that shows of who ran is what of the standard library started
// the goroutines, such as a server: that is nobody's name.
func (t *tale) unseen() bool {
	switch t.Kind {
	case report.RootComputing, report.RootQueue:
		return t.At.Func != "" && t.sum.unseen*2 >= t.sum.ns && names.Standard(&t.At)
	}
	return false
}

// ours reports whether the place is in code that the program's owners can change.
func (t *tale) ours() bool { return t.At.Func != "" && !names.Standard(&t.At) }
