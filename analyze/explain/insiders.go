package explain

import (
	"cmp"
	"fmt"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
)

// insider is where one is who has a place of a pool, and the function of the program that had
// called that.
type insider struct {
	at   report.Frame
	from string
}

// place is it in words.
func (in insider) place() string { return place(in.at, in.from) }

// inside is what most of those did, at one place, who had what a known pool gives before the
// explained ones; no place where that is none of its own.
func (t *tale) inside() insider {
	if t.known == nil || t.known.Makes() {
		return insider{}
	}
	in := mostInside(t.sum.inside, t.sum.ns)
	if in.at.Func == t.Stood.Func || in.at.Func == t.At.Func {
		return insider{}
	}
	return in
}

// another is where most of those who had what a known pool gives waited for another one; no
// place where they did not.
func (t *tale) another() insider {
	if t.known == nil {
		return insider{}
	}
	return mostInside(t.sum.another, t.sum.ns)
}

// ahead is where somebody else stood in line before the explained ones for most of it; no
// frame for nobody.
func (t *tale) ahead() report.Frame {
	at := mostFrame(t.sum.ahead, "")
	if t.known == nil || 2*t.sum.ahead[at] <= t.sum.ns {
		return report.Frame{}
	}
	return at
}

// mostInside is the place that at least half of all went to, with who had called it if that
// holds for most of it; no place where there is none.
func mostInside(by map[insider]int64, all int64) (in insider) {
	places, froms := map[report.Frame]int64{}, map[string]int64{}
	for x, ns := range by {
		places[x.at] += ns
	}
	if in.at = mostFrame(places, ""); 2*places[in.at] < all {
		return insider{}
	}
	for x, ns := range by {
		if x.at == in.at {
			froms[x.from] += ns
		}
	}
	if from, ns := most(froms); 2*ns > places[in.at] {
		in.from = from
	}
	return in
}

// whileInside says what those did who had what a known pool gives; "" where that does not show.
func (t *tale) whileInside() string {
	if more := t.another(); more.at.Func != "" {
		until := ""
		if fired := t.fired(); fired != "" {
			until = untilFired(fired)
		}
		return whileDid(more.place()+", which had one,", "waited for another") + until
	}
	in, ahead := t.inside(), t.ahead()
	switch {
	case in.at.Func == "" || t.fired() != "":
		return ""
	case ahead.Func != "":
		return whileDid(place(ahead, "")+" stood in line before and "+in.place(), doing[t.mainCause()].one)
	}
	return whileDid(in.place()+", which let it go on,", doing[t.mainCause()].one)
}

// insideAdvice is what to do about those who have what a known pool gives, "" where it does
// not show what they do.
func (t *tale) insideAdvice() string {
	if t.another().at.Func != "" {
		return "Let who has one ask for no other: once all who have one do, each waits for the others, and more of them only put that off. " + t.known.Another
	}
	in, ahead := t.inside(), t.ahead()
	who := words.Function(in.at.Func)
	switch {
	case in.at.Func == "":
		return ""
	case ahead.Func != "" && t.known.Ahead != "":
		return fmt.Sprintf("If %s asks for much at once, all that come later wait behind it though some is free: %s; and let %s keep what it has for less.", words.Function(ahead.Func), t.known.Ahead, cmp.Or(words.Function(in.from), who))
	}
	return "Let " + who + " keep what it has for less. " + t.known.Advice
}
