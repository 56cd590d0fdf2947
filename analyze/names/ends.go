package names

// What to do about waits that never end, by what is waited for.
const (
	EndSends    = "Make sure that somebody receives until all have sent, on every path (by defer, where the channel counts places), and let senders give up when their context ends."
	EndReceives = "Make sure that there is an answer in any case, an error as well; and let who waits give up when its context ends: select on its Done."
	EndLocks    = "Unlock by defer, and hold no lock where something is waited for; a dump of all goroutines (/debug/pprof/goroutine?debug=2) shows who stands where."
)
