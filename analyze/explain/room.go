package explain

import "gmptrace/analyze/words"

// limited says why the collector runs that often, where the room that it leaves tells.
func (t *tale) limited() string {
	if !t.tight {
		return ""
	}
	return ", which has hardly room (likely a memory limit, or a very low GOGC)"
}

// roomAdvice is what to do about the collector: more memory helps where nothing but its
// goal keeps the heap small.
func (t *tale) roomAdvice() string {
	allocate := "Allocate less"
	if t.ours() {
		allocate += " in " + words.Function(t.At.Func)
	}
	if t.tight {
		return "Raise the memory limit or hold less in memory: raising GOGC does not help under a limit. If there is none, raise GOGC. " + allocate + "."
	}
	return allocate + ", or give the collector more memory to work with."
}
