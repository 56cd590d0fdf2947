package names

import (
	"strings"

	"gmptrace/analyze/report"
)

// Delay is a wait of a well-known library that goes on until a timer ends it, unless
// something comes before that.
type Delay struct {
	Func   string // a part of the function's full name
	Text   string // what it was for, after "waiting in … in …"
	Advice string // with its own subject
}

var (
	// tries are pauses of libraries that try again what failed.
	tries = Delay{Text: " between tries", Advice: "See why those tries fail; pause for less, or give up sooner."}
	rates = Delay{Text: " until a rate limiter let it go on", Advice: "Raise the limiter's rate or burst, if what it guards can take it, or call less often: several at once instead of one."}

	knownDelays = []Delay{
		{Func: ".waitForContinue", Text: " for 100 Continue, which had not come when http.Transport.ExpectContinueTimeout was over",
			Advice: "Send no Expect: 100-continue with what is small, or shorten http.Transport.ExpectContinueTimeout; a proxy between the two may swallow the answer."},
		{Func: "net.(*sysDialer).dialParallel", Text: " for an address that had not answered when net.Dialer.FallbackDelay was over",
			Advice: "One of the host's addresses (IPv6 is tried first) takes no connections: mend that or take it out of the name's addresses, or shorten net.Dialer.FallbackDelay; and keep connections."},
		rates.of("golang.org/x/time/rate.(*Limiter)."), rates.of("go.uber.org/ratelimit."), rates.of("github.com/juju/ratelimit."),
		tries.of("github.com/cenkalti/backoff/"), tries.of("github.com/hashicorp/go-retryablehttp."), tries.of("github.com/avast/retry-go/"), tries.of("github.com/sethvargo/go-retry."),
		tries.of("google.golang.org/grpc.(*csAttempt).shouldRetry"),
	}
)

func (d Delay) of(fn string) Delay {
	d.Func = fn
	return d
}

// DelayOf is the known delay that a stack waits in, nil for none.
func DelayOf(frames []report.Frame) *Delay {
	for i := range frames {
		for k := range knownDelays {
			if strings.Contains(frames[i].Func, knownDelays[k].Func) {
				return &knownDelays[k]
			}
		}
		if !HasPrefix(frames[i].Func, WaitPackages) && !strings.HasPrefix(frames[i].Func, "time.") {
			return nil
		}
	}
	return nil
}
