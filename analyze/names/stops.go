package names

// InsteadOf is what to do in place of calling a function of the runtime that stops the
// world for what it does, "" for others.
func InsteadOf(fn string) string { return otherCalls[fn] }

var otherCalls = map[string]string{
	"runtime.Stack":               "runtime.NumGoroutine counts goroutines, and the goroutine profile (runtime/pprof) hardly stops the world (but with debug=2, which is runtime.Stack again)",
	"runtime.ReadMemStats":        "runtime/metrics reads the same without stopping the world",
	"runtime/debug.WriteHeapDump": "a heap profile (runtime/pprof) does not stop the world",
	"runtime.GOMAXPROCS":          "runtime.GOMAXPROCS(0) alone asks and does not stop the world",
}
