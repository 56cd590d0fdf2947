package explain

// sure says how sure it is who is behind a root, and why no surer: of what its text says,
// what is inferred, and from what.
func (t *tale) sure() (string, string) {
	if 2*t.sum.likely > t.sum.ns {
		return "medium", "that it served this shows in the order of what both ends of the connection did, not in the trace itself"
	}
	if sure := kinds[t.Kind].sure; sure != nil {
		return sure(t)
	}
	return "high", ""
}

// untold is why a trace does not tell what a goroutine did, or had to wait for.
type untold uint8

const (
	untoldState  untold = iota // the goroutine's state is not in the trace
	untoldBefore               // it was before the first that the trace has of it
	untoldQueue                // it waited for a P, in whose queue does not show
	untoldP                    // it waited for a P, and what that did does not show
	numUntold
)

var untoldWords = [numUntold]struct{ text, past, why string }{
	untoldState: {"something that the trace does not tell: it has no state of that goroutine for then",
		"did what the trace does not tell: it has no state of it for then", "the trace has no state of that goroutine for then"},
	untoldBefore: {"something that the trace does not tell: it was before the first event of that goroutine",
		"did what the trace does not tell: it was before its first event", "it was before the first event of that goroutine"},
	untoldQueue: {"waiting for a P, in whose queue the trace does not tell: it ends, or breaks off, before that goroutine ran",
		"got no CPU; in whose queue it stood does not show, as it had not run when the trace ended, or broke off", "in whose queue a goroutine stood shows when it runs, which it did not before the trace ended, or broke off"},
	untoldP: {"waiting for a P, of which the trace does not tell what it did then",
		"got no CPU; what the P did that it waited for the trace does not tell", "the trace has no event of that P for then"},
}

func (u untold) text() string { return untoldWords[u].text } // follows "went to"
func (u untold) past() string { return untoldWords[u].past } // follows "it"
func (u untold) why() string  { return untoldWords[u].why }

// untoldSum is for how long which.
type untoldSum [numUntold]int64

func (s *untoldSum) most() untold {
	best := untold(0)
	for u, ns := range s {
		if ns > s[best] {
			best = untold(u)
		}
	}
	return best
}
