package names

import "testing"

// TestIsRuntime: who belongs to the runtime is told by the function that the
// goroutine started with; some functions of the runtime tell nothing.
func TestIsRuntime(t *testing.T) {
	for start, want := range map[string]bool{
		"runtime.bgsweep": true, "runtime/trace.Start.func1": true,
		"main.main.func1": false, "runtime.main": false, "runtime.corostart": false, "runtime.cgocallbackg": false,
		"runtime.goexit1": false, "": false,
	} {
		if IsRuntime(start) != want {
			t.Errorf("%q: got %v", start, !want)
		}
	}
}
