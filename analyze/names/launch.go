package names

// LoopInstead is what to do about goroutines of a function, each of which starts the next
// one as the last thing that it does: that one goes before all that stand in the P's queue.
func LoopInstead(where string) string {
	return "Loop in " + where + " instead of starting the next goroutine, or call runtime.Gosched now and then; more Ps let the others be stolen."
}
