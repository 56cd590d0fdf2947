package diagnose

import (
	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/model"
)

// bursts answers: when were very many goroutines created at once? A creation is
// known when the goroutine first runs; so that counts are complete, a tick is
// looked at when it is burstLate in the past.
type bursts struct {
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
	return &bursts{zero: s.Zero, worst: stat.NewTopK[burst](report.MaxMoments)}
}

func (b *bursts) Watch(f *model.Facts) {
	for i := range f.Gs {
		iv := &f.Gs[i]
		if iv.First && iv.State == model.GRunnable && iv.Open&model.OpenStart == 0 && !iv.Runtime {
			b.created(iv)
		}
	}
}

func (b *bursts) created(iv *model.GInterval) {
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
