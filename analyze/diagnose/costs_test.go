package diagnose

import "testing"

// TestTogether: what exceeds the trace's length says whose times were added up, and
// what can't or says so itself is left alone.
func TestTogether(t *testing.T) {
	for _, test := range []struct {
		cost     int64
		of, want string
	}{
		{10, "goroutine time blocked there", "goroutine time blocked there"},
		{11, "goroutine time blocked there", "goroutine time blocked there, all goroutines together"},
		{11, "P time of mark workers", "P time of mark workers, all Ps together"},
		{11, "goroutine time until they ran; the delay before is not in the trace", "goroutine time until they ran, all goroutines together; the delay before is not in the trace"},
		{11, "time that threads with a P had no CPU, in sum over Ps", "time that threads with a P had no CPU, in sum over Ps"},
		{11, "not a cost in time", "not a cost in time"},
	} {
		if got := together(test.cost, test.of, 10); got != test.want {
			t.Errorf("%d of %q: %q, want %q", test.cost, test.of, got, test.want)
		}
	}
}
