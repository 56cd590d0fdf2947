package explain

import "gmptrace/model"

// maxUnshown bounds how many goroutines are followed of which nothing is known: they show soon.
const maxUnshown = 1 << 14

// wakesUnshown reports whether a stretch is a goroutine's wait from before the trace, with a
// stack that is not in it, which nobody in the program ended: as of a server's connection that
// was idle. The first request on that shows only by the stack that it stops with next.
func wakesUnshown(iv *model.GInterval) bool {
	return iv.First && iv.State == model.GWaiting && iv.Stack == 0 && iv.By == model.NoG && iv.Open == model.OpenStart && !iv.Runtime
}

// wakes begins what the goroutine of such a wait may serve.
func (x *requestFinder) wakes(iv *model.GInterval) {
	if len(x.unshown) >= maxUnshown {
		return
	}
	in := &Span{task: -1, g: iv.G, Start: iv.End}
	if x.maybe(in); x.open[iv.G] == in {
		if x.unshown == nil {
			x.unshown = map[model.GoID]*Span{}
		}
		x.unshown[iv.G] = in
	}
}

// firstShows decides by the first stack of such a goroutine: where it reads from its connection, a
// request may have come. Where it is inside of a handler already, or serves nothing, its wait
// was for something else.
func (x *requestFinder) firstShows(iv *model.GInterval) {
	in := x.unshown[iv.G]
	if in == nil || iv.Func == 0 || iv.Stack == 0 && !iv.Exit {
		return
	}
	delete(x.unshown, iv.G)
	if in.fn = iv.Func; x.kind(iv.Func) != servesConn || x.stack(iv.Stack).handled {
		x.end(iv.G, iv.End)
	}
}
