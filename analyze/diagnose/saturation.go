package diagnose

import "gmptrace/analyze/report"

const (
	crowd     = 3           // goroutines that wait per P
	fullSome  = 10_000_000  // ns with all Ps busy, if that is a fifth of the trace
	fullLong  = 100_000_000 // ns that are enough by themselves
	busyShare = .95         // of a column of the overview in which a P ran goroutines: it was busy
)

// saturation is for how long all Ps were busy with goroutines waiting.
type saturation struct {
	time       int64
	waiting    float64 // goroutines, average over time
	start, end int64   // of the longest time without a break
}

// saturated finds the columns of the overview with all n Ps busy and three
// goroutines waiting per P.
func saturated(rep *report.Report, n int) saturation {
	var s saturation
	var run int64 // of such columns in a row
	o := &rep.Overview
	for c := range o.Columns {
		width := min(o.Width, rep.Trace.DurationNS-int64(c)*o.Width)
		part := float64(width) / float64(max(o.Width, 1)) // the last column is not full
		if width <= 0 || busyIn(o, c) < busyShare*float64(n)*part || o.Runnable[c] < crowd*float64(n)*part {
			run = 0
			continue
		}
		s.time += width
		s.waiting += o.Runnable[c] * float64(o.Width)
		if run += width; run > s.end-s.start {
			s.end = int64(c)*o.Width + width
			s.start = s.end - run
		}
	}
	if s.time > 0 {
		s.waiting /= float64(s.time)
	}
	return s
}

// busyIn is how many Ps ran goroutines in a column, on average.
func busyIn(o *report.Overview, column int) (busy float64) {
	for i := range o.Procs {
		for _, k := range []report.SliceKind{report.SliceUser, report.SliceRuntime, report.SliceGCWorker, report.SliceAssist} {
			busy += float64(o.Procs[i].Share[k][column])
		}
	}
	return busy
}

// partly reports whether Ps were so for a fifth of the trace.
func (s *saturation) partly(rep *report.Report) bool {
	return s.time >= fullSome && s.time*5 >= report.Analysed(rep)
}

// overloaded reports whether there was too much work for long enough.
func (s *saturation) overloaded(rep *report.Report) bool {
	return s.partly(rep) || s.time >= fullLong
}

// gomaxprocsNow is the last GOMAXPROCS of the trace, or the Ps seen where it
// says none.
func gomaxprocsNow(rep *report.Report) int {
	if n := len(rep.Trace.Gomaxprocs); n > 0 {
		return rep.Trace.Gomaxprocs[n-1].N
	}
	return len(rep.Procs)
}
