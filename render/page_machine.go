package render

import "gmptrace/analyze/report"

// lostGroup is how the lane of CPUs shows that there was none. Its number is that of
// what the page's script paints: see static/src/cpus.js.
type lostGroup int

const (
	groupOthers lostGroup = iota // somebody else had it, or the kernel
	groupQuota
	groupStopped
	numGroups
)

var lossGroup = [report.NumCPULosses]lostGroup{report.LossQuota: groupQuota, report.LossStopped: groupStopped}

// groupWords are the legend's.
var groupWords = [numGroups]string{"others had it", "quota used up", "process stopped"}

// laneSpan is one span of the lane: when, what Ps wanted, what they lacked by group, and
// for whom that is not a picture, lines of text.
type laneSpan struct {
	Start  int64            `json:"start"`
	End    int64            `json:"end"`
	Wanted int64            `json:"wanted"`
	Lost   [numGroups]int64 `json:"lost"`
	Why    []laneWhy        `json:"why,omitempty"`
}

// laneWhy is one reason, an index in lane.Reasons.
type laneWhy struct {
	Why int   `json:"why"`
	NS  int64 `json:"ns"`
}

// lane is what the page's script must know of CPUs over time.
type lane struct {
	Spans   []laneSpan `json:"spans"`
	Reasons []string   `json:"reasons"`
	CPUs    float64    `json:"cpus"` // that the program could have at the most; 0 not told
}

// asleepReason stands behind the reasons for which there was no CPU.
const asleepReason = int(report.NumCPULosses)

// newLane is nil where the machine was not asked.
func newLane(r *report.Report) *lane {
	m := said(r)
	if m == nil || len(m.Spans) == 0 {
		return nil
	}
	l := &lane{Reasons: append(lostWords[:len(lostWords):len(lostWords)], "the machine was suspended"), CPUs: float64(m.CPUs)}
	if m.QuotaCPUs > 0 && (l.CPUs == 0 || m.QuotaCPUs < l.CPUs) {
		l.CPUs = m.QuotaCPUs
	}
	for i := range m.Spans {
		l.Spans = append(l.Spans, newLaneSpan(&m.Spans[i]))
	}
	return l
}

func newLaneSpan(s *report.CPUSpan) laneSpan {
	x := laneSpan{Start: s.Start, End: s.End, Wanted: s.Wanted}
	for why := range report.NumCPULosses {
		if ns := *s.Lost.At(why); ns > 0 {
			x.Lost[lossGroup[why]] += ns
			x.Why = append(x.Why, laneWhy{int(why), ns})
		}
	}
	if s.Asleep > 0 {
		x.Why = append(x.Why, laneWhy{asleepReason, s.Asleep})
	}
	return x
}

// laneLegend are its words: what was got comes before what was not.
func laneLegend() []string { return append([]string{"got a CPU"}, groupWords[:]...) }
