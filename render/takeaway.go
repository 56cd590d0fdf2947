package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gmptrace/analyze/report"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// Takeaways: what a chart shows, in a sentence worked out from its data.

func timelineTakeaway(r *report.Report) string {
	k := r.Key
	s := fmt.Sprintf("%s busy %s of the time.", procsWere(r), words.Share(k.Utilisation))
	if k.QueuePeak > 0 {
		s += fmt.Sprintf(" At most %s runnable at once, at %s; %s on average.",
			words.Were(int64(k.QueuePeak), "goroutine"), words.At(k.QueuePeakAt), words.Mean(k.QueueMean))
	} else {
		s += " No goroutine was ever seen waiting for a P."
	}
	if r.GC.Cycles > 0 {
		s += fmt.Sprintf(" %s took %s of the wall time.", words.Plural(r.GC.Cycles, "GC cycle"), words.Share(k.GCShare))
	}
	return s
}

// procsWere counts the Ps that there were, and those of them that the trace
// shows where they are fewer.
func procsWere(r *report.Report) string {
	seen, all := len(rows(r)), 0
	for _, g := range r.Trace.Gomaxprocs {
		all = max(all, g.N)
	}
	if seen < all {
		return fmt.Sprintf("%s, of which the trace shows %s, were", words.Plural(int64(all), "P"), words.Count(seen))
	}
	return words.Were(int64(seen), "P")
}

// waits are those that the percentiles of the latency are of.
func waits(r *report.Report) int64 { return r.Latency.Count + r.Latency.Censored }

// within99 is how a sentence on n lengths goes on that has told the median; "" where
// they are too few.
func within99(n, p99 int64) string {
	if p := words.P99(n, words.Length(p99)); p != words.None {
		return fmt.Sprintf(", 99%s%% within %s", words.Tie, p)
	}
	return ""
}

// keyLatency is the key figure of scheduling latency and its name.
func keyLatency(r *report.Report) (figure, name string) {
	if waits(r) == 0 {
		return words.None, "scheduling latency"
	}
	if p := words.P99(waits(r), words.Length(r.Key.LatencyP99)); p != words.None {
		return p, "scheduling latency p99"
	}
	return words.Length(r.Key.LatencyMax), "longest scheduling latency"
}

// besideLatency tells what else there is of it.
func besideLatency(r *report.Report) string {
	if waits(r) == 0 {
		return "no wait was seen"
	}
	p50 := "p50 " + words.Length(r.Key.LatencyP50)
	if waits(r) < 100 {
		return p50 + " of " + words.Plural(waits(r), "wait")
	}
	return p50 + ", longest " + words.Length(r.Key.LatencyMax)
}

func latencyTakeaway(r *report.Report) string {
	l := r.Latency
	if l.Count == 0 {
		return "No goroutine was seen to go from runnable to running."
	}
	s := fmt.Sprintf("Half of %s ended within %s%s; the longest took %s.",
		words.Plural(l.Count, "wait"), words.Length(l.P50), within99(waits(r), l.P99), words.Length(l.Max))
	if i := secondPeak(l.Buckets); i >= 0 {
		s += fmt.Sprintf(" There is a second peak near %s.", words.Length(l.Buckets[i].Lo))
	}
	if l.Censored > 0 {
		s += fmt.Sprintf(" %s cut off by the trace's ends and counted as at least as long as seen.", words.Were(l.Censored, "wait"))
	}
	return s
}

// secondPeak is the index of the highest bucket that is separated from the
// highest of all by one of at most a quarter of its own height; -1 where the
// distribution has one peak. Peaks of fewer than ten waits are noise.
func secondPeak(buckets []report.Bucket) int {
	top, second := -1, -1
	for i, b := range buckets {
		if top < 0 || b.Count > buckets[top].Count {
			top = i
		}
	}
	for i, b := range buckets {
		if b.Count < 10 || second >= 0 && b.Count <= buckets[second].Count {
			continue
		}
		if valley(buckets, min(i, top), max(i, top))*4 <= b.Count {
			second = i
		}
	}
	return second
}

// valley is the smallest count strictly between two buckets.
func valley(buckets []report.Bucket, i, j int) int64 {
	least := min(buckets[i].Count, buckets[j].Count)
	for _, b := range buckets[i:j] {
		least = min(least, b.Count)
	}
	return least
}

func stealsTakeaway(r *report.Report) string {
	m := r.Dispatches.Steals
	if m.Steals == 0 {
		return "No P stole work from another."
	}
	s := fmt.Sprintf("%s moved %s.", words.Plural(m.Steals, "steal"), words.Plural(m.Goroutines, "goroutine"))
	p, n := topVictim(m)
	fair := 1 / float64(max(1, len(m.Procs)))
	switch got := float64(n) / float64(m.Steals); {
	case len(m.Procs) > 2 && got > 2*fair && got >= .1:
		s += fmt.Sprintf(" P%d was the victim of %s of them: its queue had work while others looked for some.", p, words.Share(got))
	case len(m.Procs) > 2:
		s += fmt.Sprintf(" No P stands out: the most frequent victim, P%d, has %s of them.", p, words.Share(got))
	}
	return s
}

func topVictim(m report.StealMatrix) (model.ProcID, int64) {
	best, most := model.NoP, int64(0)
	for victim, p := range m.Procs {
		n := int64(0)
		for _, row := range m.Count {
			if victim < len(row) {
				n += row[victim]
			}
		}
		if n > most {
			best, most = p, n
		}
	}
	return best, most
}

func dispatchesTakeaway(r *report.Report) string {
	d := r.Dispatches
	if d.Count == 0 {
		return "No goroutine was seen to be dispatched."
	}
	top := slices.MaxFunc(d.Sources, func(a, b report.SourceCount) int { return cmp.Compare(a.Count, b.Count) })
	var runtimes int64
	for _, s := range d.Sources {
		runtimes += s.Runtime
	}
	return fmt.Sprintf("Of %s dispatches most came from %s (%s). For %s the place is certain: no other fits the rules of the scheduler.",
		words.Count(d.Count), top.Source, words.ShareOf(top.Count, d.Count), words.ShareOf(d.Certain, d.Count)) + ofRuntime(runtimes, "dispatch", "dispatches")
}

// ofRuntime says how many of what was counted concern the runtime's own
// goroutines; "" where none do.
func ofRuntime(n int64, one, many string) string {
	switch n {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf(" 1%s%s is of a goroutine of the runtime itself.", words.Tie, one)
	}
	return fmt.Sprintf(" %s%s%s are of goroutines of the runtime itself.", words.Count(n), words.Tie, many)
}

// busiest are the functions by time on or waiting for a P, most first.
func busiest(r *report.Report) []report.FunctionTime {
	list := slices.Clone(r.Functions)
	slices.SortStableFunc(list, func(a, b report.FunctionTime) int {
		return cmp.Or(cmp.Compare(b.Running+b.Runnable+b.Syscall, a.Running+a.Runnable+a.Syscall), cmp.Compare(a.Name, b.Name))
	})
	return list
}

func functionsTakeaway(r *report.Report) string {
	list := busiest(r)
	if len(list) == 0 {
		return "No goroutine was seen."
	}
	var running, runnable int64
	for _, f := range list {
		running += f.Running
		runnable += f.Runnable
	}
	return foremost(list, running) + fmt.Sprintf(" All together ran for %s and waited %s for a P.", words.Length(running), words.Length(runnable)) + blockedSentence(list)
}

// seenIn says where goroutines of a function were last seen after most of what they ran;
// "" where that is less than a quarter of it, or nowhere else.
func seenIn(f report.FunctionTime) string {
	if f.Seen.Func == "" || f.SeenNS*4 < f.Running {
		return ""
	}
	return "last seen in " + words.PlaceFrom(f.Seen.Func, fileName(f.Seen.File), f.Seen.Line, f.SeenFrom) + " after " + words.Length(f.SeenNS) + " of that"
}

// ranIn is what a goroutine did that ran while another waited: where it was last seen,
// else what it runs.
func ranIn(c report.Culprit) string {
	if c.At.Func != "" {
		return words.Function(c.At.Func)
	}
	return words.Function(c.Func)
}

// ranInFull is all that is known of that.
func ranInFull(c report.Culprit) string {
	if c.At.Func == "" {
		return c.Func
	}
	return fmt.Sprintf("%s (%s:%d), on %s", c.At.Func, fileName(c.At.File), c.At.Line, words.Function(c.Func))
}

// foremost tells of the function whose goroutines ran longest, or where none
// ran, waited longest for a P.
func foremost(list []report.FunctionTime, running int64) string {
	top := slices.MaxFunc(list, func(a, b report.FunctionTime) int {
		return cmp.Or(cmp.Compare(a.Running, b.Running), cmp.Compare(a.Runnable, b.Runnable))
	})
	name := words.Function(top.Name)
	switch {
	case top.Running == 0 && top.Runnable == 0:
		return "No goroutine was seen to run or to wait for a P."
	case top.Running == 0:
		return fmt.Sprintf("No goroutine was seen to run; those of %s waited longest for a P, %s.", name, words.Length(top.Runnable))
	}
	s := fmt.Sprintf("Goroutines of %s ran for %s, %s of all running time", name, words.Length(top.Running), words.ShareOf(top.Running, running))
	if in := seenIn(top); in != "" {
		s += ", " + in
	}
	switch ratio := float64(top.Runnable) / float64(top.Running); {
	case ratio > 100:
		return s + fmt.Sprintf(", and waited far longer for a P: %s.", words.Length(top.Runnable))
	case ratio > 1:
		return s + ", and waited for a P " + words.Number(ratio) + " times as long."
	case top.Runnable > 0:
		return s + fmt.Sprintf(", and waited %s for a P.", words.Length(top.Runnable))
	}
	return s + "."
}

// blockedFunctions is how many functions blockedSentence tells of.
const blockedFunctions = 3

// blockedSentence says how much of their lives the goroutines of the busiest
// functions of the program were blocked, and on what.
func blockedSentence(list []report.FunctionTime) string {
	var parts []string
	for _, f := range list {
		if f.Runtime || f.Total == 0 || len(parts) == blockedFunctions {
			continue
		}
		part := words.Function(f.Name) + " " + words.ShareOf(blockedTime(f), f.Total)
		if len(f.Blocked) > 0 {
			part += ", mostly on " + f.Blocked[0].Reason
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return ""
	}
	return " Share of their lives blocked: " + strings.Join(parts, "; ") + "."
}

// blockedTime is the time that a function's goroutines were blocked or asleep.
func blockedTime(f report.FunctionTime) (ns int64) {
	for _, b := range f.Blocked {
		ns += b.NS
	}
	return ns
}

func handoffsTakeaway(r *report.Report) string {
	h := r.Handoffs
	if h.Count == 0 {
		return "No P was taken from a thread that was blocked in a system call."
	}
	top := slices.MaxFunc(h.Causes, func(a, b report.HandoffCause) int { return cmp.Compare(a.Count, b.Count) })
	return fmt.Sprintf("%s; the most frequent cause is %s (%s).", words.Plural(h.Count, "handoff"), top.Cause, words.ShareOf(top.Count, h.Count))
}

func preemptionsTakeaway(r *report.Report) string {
	p := r.Preemptions
	if p.Count == 0 {
		return "No goroutine was preempted."
	}
	top := slices.MaxFunc(p.Kinds, func(a, b report.PreemptCount) int { return cmp.Compare(a.Count, b.Count) })
	var runtimes int64
	for _, k := range p.Kinds {
		runtimes += k.Runtime
	}
	return fmt.Sprintf("%s; the most frequent kind is %s (%s), after running for %s at the median.",
		words.Plural(p.Count, "preemption"), top.How, words.ShareOf(top.Count, p.Count), words.Length(top.P50)) + ofRuntime(runtimes, "preemption", "preemptions")
}

func gcTakeaway(r *report.Report) string {
	g := r.GC
	if g.Cycles == 0 && g.STWCount == 0 {
		return "No garbage collection and no stop-the-world pause."
	}
	s := fmt.Sprintf("%s, %s of wall time in mark phases; the workers used %s of P time, goroutines helped for %s.",
		words.Plural(g.Cycles, "cycle"), words.Length(g.Mark), words.Length(g.Workers), words.Length(g.Assist))
	if g.STWCount > 0 {
		s += fmt.Sprintf(" The world was stopped %s, for %s in all, %s at most.", words.Times(g.STWCount), words.Length(g.STWTotal), words.Length(r.Key.STWMax))
	}
	return s
}

func threadsTakeaway(r *report.Report) string {
	t := r.Threads
	s := fmt.Sprintf("%s; at most %s blocked in system calls at once", words.Plural(int64(t.Count), "thread"), words.Count(int64(t.Peak)))
	if t.Peak > 0 {
		s += ", at " + words.At(t.PeakAt)
	}
	s += fmt.Sprintf(". %s first seen after the first tenth of the trace.", words.Count(int64(t.LateNew)))
	if t.Running+t.Syscall+t.Parked > 0 {
		s += fmt.Sprintf(" Summed over threads: %s with a P, %s in system calls without one, %s parked.", words.Length(t.Running), words.Length(t.Syscall), words.Length(t.Parked))
	}
	return s
}

func episodesTakeaway(r *report.Report) string {
	if len(r.Episodes) == 0 {
		return "No wait was long enough to be kept."
	}
	e := slices.MaxFunc(r.Episodes, func(a, b report.Episode) int { return cmp.Compare(a.Wait, b.Wait) })
	s := fmt.Sprintf("The longest: G%d (%s) waited %s from %s.", e.G, words.Function(e.Func), words.Length(e.Wait), words.AtWithin(e.Start, e.Wait))
	if len(e.Culprits) > 0 {
		c := e.Culprits[0]
		s += fmt.Sprintf(" Meanwhile G%d (%s) ran for %s.", c.G, ranIn(c), words.Length(c.NS))
	}
	return s
}

// figure is a key figure: its name, and what else there is of it.
type figure struct{ Figure, Name, Beside string }
