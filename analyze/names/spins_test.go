package names

import "testing"

// TestSpinAdvice: what waits by its name, and computes, polls; what only has such a word in its
// name does not.
func TestSpinAdvice(t *testing.T) {
	for fn, want := range map[string]bool{
		"shop/book.(*spinLock).Lock": true, "main.awaitReady": true, "main.(*ring).pollNext.func1": true, "main.spin": true, "main.(*sem).TryAcquire": true,
		"main.lockedSum": false, "main.waiter": false, "main.blockCount": false, "main.unlock": false, "sync.(*Mutex).Lock": false, "": false,
	} {
		if got := SpinAdvice(fn, fn) != ""; got != want {
			t.Errorf("%s: %v, want %v", fn, got, want)
		}
	}
}
