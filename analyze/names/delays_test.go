package names

import (
	"strings"
	"testing"
)

// TestDelayOf: known waits for a timer are told where they stand innermost, and no other
// is taken for one.
func TestDelayOf(t *testing.T) {
	for fns, want := range map[string]string{
		"runtime.selectgo<net/http.(*persistConn).writeLoop.(*persistConn).waitForContinue.func1<net/http.(*Request).write": "100 Continue",
		"net/http.(*persistConn).waitForContinue.func1":                                                                     "100 Continue",
		"runtime.selectgo<golang.org/x/time/rate.(*Limiter).wait<golang.org/x/time/rate.(*L":                                "rate limiter",
		"time.Sleep<go.uber.org/ratelimit.(*atomicInt64Limiter).Take<main.poll":                                             "rate limiter",
		"net.(*sysDialer).dialParallel<net.(*Dialer).DialContext":                                                           "FallbackDelay",
		"github.com/cenkalti/backoff/v5.Retry[...]<main.charge":                                                             "between tries",
		"google.golang.org/grpc.(*csAttempt).shouldRetry<google.golang.org/grpc.(*clientStream).":                           "between tries",
		"main.wait<golang.org/x/time/rate.(*Limiter).wait":                                                                  "",
		"net/http.(*persistConn).roundTrip<net/http.(*Transport).roundTrip":                                                 "",
	} {
		d := DelayOf(stackOf(fns))
		if (d == nil) != (want == "") || d != nil && !strings.Contains(d.Text, want) {
			t.Errorf("%s: %+v, want %q", fns, d, want)
		}
	}
}
