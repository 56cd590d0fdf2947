package names

import "regexp"

// waitNames are names of functions that wait until somebody else has done something.
var waitNames = regexp.MustCompile(`\.(?i:(try)?(spin|r?lock|acquire|await|wait|poll))([^a-z./][^./]*)?$`)

// WaitsByName reports whether a function waits by its name.
func WaitsByName(fn string) bool { return waitNames.MatchString(Base(fn)) }

// SpinAdvice is what to do about a function of the program's own, called who in words, that
// computes for long, or has a P, though by its name it waits: it likely looks again and again
// whether it may go on. "" where its name is not of that kind.
func SpinAdvice(fn, who string) string {
	if HasPrefix(fn, Plumbing) || !WaitsByName(fn) {
		return ""
	}
	return "If " + who + " looks again and again whether it may go on (a spin lock, a loop), it keeps a P from whoever is to let it: use sync.Mutex, sync.Cond or a channel, which give the P away, and keep what itself waits out of the lock."
}
