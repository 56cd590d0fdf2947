package diagnose

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// checkBurst measures how many goroutines were created within 10 ms, and how
// long those then waited to run for the first time.
//
// Threshold: 257 within 10 ms, one more than a P's ring holds, so that they fill the
// global queue as well; worth a finding if one of them waited for 5 ms, a warning
// from 10 ms, critical from 100 ms, like any wait. A P runs some thousand short
// goroutines in a millisecond: where none waits, all is well.
//
// False positives: programs that start all their work at once and wait for the
// end of it anyway. Creation that goes on like this for more than a second is no
// burst but load, which the check on that judges.
//
// Always decided: the creation and the first run of every goroutine are in the trace.
var checkBurst = Check{ID: "burst", Costs: costsOthers, Title: "Bursts of new goroutines", Fails: report.SeverityCritical, Begin: func(s *replay.Session) Judge {
	return (&burstJudge{bench: bench{s}, bursts: replay.Shared(s, newBursts)}).decide
}}

const (
	burstWait = 5_000_000          // ns until the first run: half a time slice
	burstTick = 1_000_000          // ns
	burstSpan = 10                 // ticks
	burstSize = model.RunqSize + 1 // goroutines in a span: more than a P's ring holds
	burstLate = 4096               // ticks for which the first run of a goroutine is waited for
	burstLoad = 1000               // ticks after which it is no burst

	burstRhythm = 3 // bursts that tell a rhythm

	// burstTiny is for how long goroutines run at most, on average, for what each does to be
	// too little for one: to start one and to switch to it and from it takes about 1 µs, more
	// while a trace is recorded.
	burstTiny = 20_000 // ns
)

type burstJudge struct {
	bench
	bursts *bursts
}

func (r *burstJudge) decide(rep *report.Report) Judgement {
	b := r.bursts
	b.finish()
	j := Judgement{Measured: fmt.Sprintf("at most %s created within 10 ms", words.Plural(b.most, "goroutine"))}
	worst := b.worst.Best()
	if len(worst) == 0 || worst[0].longest < burstWait {
		return j
	}
	f := r.describe(&worst[0], r.tiny(rep, &worst[0]))
	for i := range worst {
		f.Moments = append(f.Moments, r.picture(&worst[i]))
	}
	j.Explains = Explained{"starvation": b.starved, "overload": b.starved}
	j.Findings = []report.Finding{f}
	return j
}

// tiny is for how long each of most of a burst's goroutines ran, where that is too little for
// a goroutine and all that they did, but for waiting for locks; else 0.
func (r *burstJudge) tiny(rep *report.Report, x *burst) int64 {
	fn := r.runs(x.fn)
	i := slices.IndexFunc(rep.Functions, func(f report.FunctionTime) bool { return f.Name == fn })
	if i < 0 || x.lead*2 < x.count {
		return 0
	}
	f := &rep.Functions[i]
	other := f.Syscall
	for _, b := range f.Blocked {
		if b.Reason != model.ReasonSync.String() {
			other += b.NS
		}
	}
	if ran := f.Running / max(1, f.Goroutines); ran <= burstTiny && other <= f.Running {
		return ran
	}
	return 0
}

// describe is the finding, of which x is the worst burst, of goroutines that ran for so long
// each if that is too little, else 0.
func (r *burstJudge) describe(x *burst, ran int64) report.Finding {
	f := r.finding(x)
	if ran > 0 {
		f.Title = fmt.Sprintf("%s%s, which ran for %s each, were created within %s and waited up to %s to start", words.Plural(x.count, "goroutine"), r.mostly(x), words.Length(ran), words.Length(x.length()), words.Length(x.longest))
		f.Advice = cmp.Or(x.timerAdvice(), fmt.Sprintf("Each does too little for a goroutine of its own: it runs for %s, and to start and switch goroutines takes about 1 µs each time. Start no more than there are Ps, and give each a part of the work.", words.Length(ran)))
		f.Evidence = append(f.Evidence, report.Evidence{Label: "each ran for", Value: words.Length(ran)})
	}
	return f
}

func (r *burstJudge) finding(x *burst) report.Finding {
	return report.Finding{
		Severity: graded(x.longest),
		Title:    fmt.Sprintf("%s%s were created within %s and waited up to %s to start", words.Plural(x.count, "goroutine"), r.mostly(x), words.Length(x.length()), words.Length(x.longest)),
		CostNS:   r.bursts.cost,
		CostOf:   "goroutine time from creation until the first run, in bursts",
		What: fmt.Sprintf("At %s the program created %s goroutines in %s, mostly %s. Each waited %s for a P on average before it ran at all.",
			words.At(r.Offset(x.start())), words.Count(x.count), words.Length(x.length()), words.Function(r.runs(x.fn)), words.Length(x.waits/x.count)) + r.again(),
		Why:    "New goroutines stand in the queues before all that becomes ready later: until the burst is worked off, everything waits as long as it.",
		Advice: cmp.Or(x.timerAdvice(), "Bound how many run at once: a pool of workers, errgroup's SetLimit, a semaphore taken before the go statement."),
		Sure:   "certain", SureWhy: "creation and first run of each goroutine are in the trace",
		Evidence: []report.Evidence{
			{Label: "goroutines in the worst burst", Value: words.Count(x.count)},
			{Label: "bursts", Value: words.Count(r.bursts.n)},
			{Label: "longest wait until the first run", Value: words.Length(x.longest)},
			{Label: "most created within 10 ms", Value: words.Count(r.bursts.most)},
		},
	}
}

// timerAdvice is what to do about timers that start goroutines, which wait for no limit; "" where
// others start them.
func (x *burst) timerAdvice() string {
	if x.timed*2 > x.count {
		return "Timers started most of them (time.AfterFunc), all due at once: spread them, by a random part of each delay (jitter), or let one goroutine do for all what is due."
	}
	return ""
}

// again says that bursts come in a rhythm, where all of them do.
func (r *burstJudge) again() string {
	all := r.bursts.worst.Best()
	if len(all) < burstRhythm || int64(len(all)) != r.bursts.n {
		return ""
	}
	all = slices.SortedFunc(slices.Values(all), func(a, b burst) int { return cmp.Compare(a.from, b.from) })
	lo, hi := int64(math.MaxInt64), int64(0)
	for i := range all[1:] {
		gap := (all[i+1].from - all[i].from) * burstTick
		lo, hi = min(lo, gap), max(hi, gap)
	}
	if (hi-lo)*10 > hi {
		return ""
	}
	return fmt.Sprintf(" Such a burst comes again each %s.", words.Length((all[len(all)-1].from-all[0].from)*burstTick/int64(len(all)-1)))
}

// mostly names what nearly all of them run, with its line, "" where that are several things.
func (r *burstJudge) mostly(x *burst) string {
	if p := r.Names.Places().Of(x.fn); p != nil && x.lead*2 >= x.count {
		return " of " + placeName(&p.At)
	}
	return ""
}

// picture is a burst on the timeline, until the last of it ran.
func (r *burstJudge) picture(x *burst) report.Moment {
	return r.scene(x.start(), min(x.end()+model.Time(x.longest), r.End), model.NoG, model.NoP, model.NoM,
		fmt.Sprintf("%s goroutines created in %s, mostly %s", words.Count(x.count), words.Length(x.length()), words.Function(r.runs(x.fn))))
}

// bursts answers: when were very many goroutines created at once? A creation is
// known when the goroutine first runs; so that counts are complete, a tick is
// looked at when it is burstLate in the past.
type bursts struct {
	stood *replay.Stood
	ticks [burstLate]burst
	head  int64 // tick up to which ticks were looked at, exclusive
	begun bool

	last  [burstSpan]int64 // goroutines of the ticks looked at last
	sum   int64
	now   burst
	zero  model.Time
	worst *stat.TopK[burst]

	n       int64
	most    int64
	cost    int64
	starved int64
}

// burst is goroutines created in some ticks.
type burst struct {
	from, to int64 // ticks, inclusive
	count    int64
	waits    int64 // until the first run, in all
	timed    int64 // that a timer started
	starved  int64 // of waits: those longer than measure.StarvedAfter
	longest  int64
	fn       uint32 // that most of them started with, if most did
	lead     int64
	zero     model.Time
}

func (x *burst) start() model.Time { return x.zero + model.Time(x.from*burstTick) }
func (x *burst) end() model.Time   { return x.zero + model.Time((x.to+1)*burstTick) }
func (x *burst) length() int64     { return (x.to - x.from + 1) * burstTick }

func newBursts(s *replay.Session) *bursts {
	return &bursts{stood: replay.Shared(s, replay.NewStood), zero: s.Zero, worst: stat.NewTopK[burst](report.MaxMoments)}
}

func (b *bursts) Watch(f *model.Facts) {
	for _, i := range b.stood.Edges {
		iv := &f.Gs[i]
		if iv.First && iv.State == model.GRunnable && iv.Open&model.OpenStart == 0 && !iv.Runtime {
			b.created(iv, byTimer(f, iv))
		}
	}
}

// byTimer reports whether nobody started a goroutine that has come to run: a timer did.
func byTimer(f *model.Facts, iv *model.GInterval) bool {
	i := sort.Search(len(f.Dispatches), func(i int) bool { return f.Dispatches[i].Time >= iv.End })
	for ; i < len(f.Dispatches) && f.Dispatches[i].Time == iv.End; i++ {
		if d := &f.Dispatches[i]; d.G == iv.G {
			return d.By == model.NoG
		}
	}
	return false
}

// created counts a new goroutine, which has come to run.
func (b *bursts) created(iv *model.GInterval, timed bool) {
	t := int64(iv.Start-b.zero) / burstTick
	if !b.begun {
		b.begun, b.head = true, max(0, t-burstLate+1)
	}
	for b.head+burstLate <= t {
		if t-b.head > 3*burstLate && b.sum == 0 && b.idle() {
			b.head = t - burstLate + 1
			break
		}
		b.look()
	}
	if t < b.head {
		return // it waited for longer than creations are remembered
	}
	x, d := &b.ticks[t%burstLate], int64(iv.End-iv.Start)
	x.add(&burst{count: 1, waits: d, longest: d, fn: iv.Func, lead: 1})
	if timed {
		x.timed++
	}
	if d > measure.StarvedAfter {
		x.starved += d
	}
}

// idle reports whether no creation is left to look at.
func (b *bursts) idle() bool {
	for i := range b.ticks {
		if b.ticks[i].count > 0 {
			return false
		}
	}
	return true
}

// add joins two bursts; fn stays that of the majority, if there is one.
func (x *burst) add(o *burst) {
	x.count += o.count
	x.waits += o.waits
	x.starved += o.starved
	x.timed += o.timed
	x.longest = max(x.longest, o.longest)
	switch {
	case x.fn == o.fn:
		x.lead += o.lead
	case x.lead < o.lead:
		x.fn, x.lead = o.fn, o.lead-x.lead
	default:
		x.lead -= o.lead
	}
}

// look takes the oldest tick.
func (b *bursts) look() {
	t := b.head
	b.head++
	x := b.ticks[t%burstLate]
	b.ticks[t%burstLate] = burst{}
	b.sum += x.count - b.last[t%burstSpan]
	b.last[t%burstSpan] = x.count
	b.most = max(b.most, b.sum)
	if x.count > 0 {
		if b.now.count == 0 {
			b.now = burst{from: t, zero: b.zero}
		}
		b.now.to = t
		b.now.add(&x)
	}
	if b.now.count > 0 && b.sum*2 < burstSize && t-b.now.from >= burstSpan-1 {
		b.close()
	}
}

// close ends the burst under way, which creation has slackened after.
func (b *bursts) close() {
	x := b.now
	b.now = burst{}
	if x.count < burstSize || x.to-x.from >= burstLoad {
		return
	}
	b.n++
	b.cost += x.waits
	b.starved += x.starved
	b.worst.Offer(x.waits, x)
}

// finish looks at what is left. It may be called again.
func (b *bursts) finish() {
	for range burstLate {
		b.look()
	}
	b.close()
}
