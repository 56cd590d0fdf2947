package diagnose

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/internal/waits"
	"gmptrace/analyze/names"
	"gmptrace/analyze/replay"
	"gmptrace/analyze/report"
	"gmptrace/analyze/stat"
	"gmptrace/analyze/words"
	"gmptrace/model"
)

// checkLock measures waits for mutexes by the place in the program that locks,
// and what the goroutine that unlocked did meanwhile.
//
// Threshold: a convoy is a place at which at least one goroutine was blocked at
// any time, on average, and eight or more at once, in at least sixteen waits: each
// that passes lets one more in, and all queue again; a warning if one waited 10 ms.
// Or the one that unlocked had itself waited for a P for 5 ms of somebody's wait, half
// a time slice: the mutex was held by a goroutine that the scheduler did not run; a
// warning from 10 ms, critical from 100 ms, like any wait for a P. Or a wait took
// 10 ms until another goroutine unlocked, whatever that had done: to who waits it is
// the same as a wait for a P; a warning, unless somebody waited there for four fifths of
// the time and holders were mostly blocked: so do goroutines that take turns to wait
// for work, which is information, from 100 ms.
//
// False positives: a batch program whose parts need not be quick; one place may lock
// many mutexes; a mutex that is held for long on purpose, to let others wait, is no
// convoy but looks like one. Which mutex it was is not in the trace. Without stacks,
// waits for mutexes and for wait groups are one.
var checkLock = Check{ID: "lock", Costs: costsLocks, Title: "Lock convoys and holders that did not run", Fails: report.SeverityCritical, Begin: func(s *replay.Session) Judge {
	return (&lockJudge{bench: bench{s}, locks: replay.Shared(s, newLocks)}).decide
}}

const (
	lockWait    = measure.StarvedAfter // from which a wait counts as late
	lockDesched = lockWait / 2         // of a wait, while the holder waited for a P: half a time slice
	lockInTurn  = 10 * lockWait        // a wait where goroutines take turns
	convoyWide  = 8                    // blocked at once; in twice as many waits or more

	lockPast  = 2048      // stretches remembered
	lockGrain = 100_000   // ns: shorter stretches are not remembered
	lockSlow  = 1_000_000 // ns: holders are looked at in waits from this
	lockPeak  = 256       // goroutines blocked at one place that are counted
)

type lockJudge struct {
	bench
	slow  *slowness // nil for none
	locks *locks
}

func (r *lockJudge) decide(rep *report.Report) Judgement {
	l := r.locks
	r.slow = slownessOf(rep)
	j := Judgement{Measured: fmt.Sprintf("%s for mutexes, longest %s; up to %s of a wait with the holder waiting for a P", words.Plural(l.waits.N(), "wait"), words.Length(l.waits.Max()), words.Length(l.descheduled))}
	if l.waits.N() == 0 && l.unknown > 0 {
		j.Undecided = fmt.Sprintf("%s for a mutex, wait group or semaphore, without a stack that tells which", words.Plural(l.unknown, "wait"))
		return j
	}
	span := report.Analysed(rep)
	if site, convoy := l.toBlame(span); site != nil {
		j.Findings = []report.Finding{r.describe(site, convoy, span)}
	}
	return j
}

// toBlame is the place that is worth a finding, nil if none is.
func (l *locks) toBlame(span int64) (site *lockSite, convoy bool) {
	site, convoy = l.worstSite(span)
	switch {
	case site == nil || convoy:
		return site, convoy
	case l.descheduled >= lockDesched:
		return l.behind, false
	case site.late == 0, site.inTurn(span) && site.longest.wait < lockInTurn:
		return nil, false
	}
	return site, false
}

// describe says what happened at a place that locks, in span ns of trace.
func (r *lockJudge) describe(s *lockSite, convoy bool, span int64) report.Finding {
	x, mean := &s.longest, float64(s.waits.Sum())/float64(max(1, span))
	f := report.Finding{
		Severity: s.severity(convoy, span),
		Title:    r.headline(s, convoy),
		CostNS:   s.waits.Sum(),
		CostOf:   "goroutine time blocked there",
		What: fmt.Sprintf("In %s goroutines waited for %s %s, half of the times longer than %s; up to %s at once, %s on average.",
			words.Function(s.name), s.what(), words.Times(s.waits.N()), words.Length(s.waits.Quantile(.5)), orMore(s.peak, lockPeak), words.Mean(mean)),
		Why:    s.held.why(),
		Advice: s.advice(report.Frame{}, s.held.most() != &s.held.rest),
		Sure:   "medium", SureWhy: "the trace names who unlocked, not the mutex; since when that goroutine held it is inferred from when it last waited at that place",
		Evidence: append(s.evidence(mean), s.held.evidence()...),
		Moments:  r.scenes(s),
		Stacks:   r.stack(fmt.Sprintf("where G%d waited longest", x.g), x.stack),
	}
	if at := r.standing(s); at != nil {
		f.Title += ", held in " + placeName(&at.holder)
		f.Why, f.Advice = at.why(s), s.advice(at.holder, true)
		r.slow.same(&f, r.slow.done(&at.holder))
	} else if at := r.ran(s); at.Func != "" {
		f.Title += ", unlocked in " + placeName(&at)
		f.Why += fmt.Sprintf(" It was mostly %s that unlocked it then.", placeName(&at))
		f.Advice = s.advice(at, false)
	}
	r.slow.same(&f, r.slow.waited(func(site string) bool { return strings.HasPrefix(site, s.name+":") }))
	if s.held.most() == &s.held.runnable {
		f.Advice = "The lock is not the cause, it multiplies it: see what kept the holder from running. " + f.Advice
	}
	return f
}

// severity is by how late waits were, and why, in span ns of trace.
func (s *lockSite) severity(convoy bool, span int64) report.Severity {
	worst := report.SeverityInfo
	if convoy && s.waits.Max() >= lockWait || s.late > 0 && !s.inTurn(span) {
		worst = report.SeverityWarning
	}
	if s.deschedMax >= lockDesched {
		worst = worse(worst, graded(s.deschedMax))
	}
	return worst
}

// headline says the worst that happened there.
func (r *lockJudge) headline(s *lockSite, convoy bool) string {
	switch {
	case convoy:
		return fmt.Sprintf("A lock convoy: up to %s goroutines at once waited for %s in %s", orMore(s.peak, lockPeak), s.what(), words.Function(s.name))
	case s.deschedMax >= lockDesched:
		return fmt.Sprintf("A goroutine that others needed a mutex from waited %s for a P", words.Length(s.deschedMax))
	case s.late > 0 && s.longest.by != model.NoG:
		return fmt.Sprintf("Goroutines waited up to %s for %s whose holder %s", words.Length(s.waits.Max()), s.what(), r.did(s))
	}
	return fmt.Sprintf("Goroutines waited up to %s for %s", words.Length(s.waits.Max()), s.what())
}

// what is what they waited for.
func (s *lockSite) what() string {
	if s.once {
		return "a sync.Once"
	}
	switch s.kind {
	case names.LockReading:
		return "a read lock"
	case names.LockWriting:
		return "a write lock"
	}
	return "a mutex"
}

// advice is what to do about the lock, whose holders mostly were there, of no function if
// that is not known, and blocked or not.
func (s *lockSite) advice(at report.Frame, blocks bool) string {
	switch {
	case s.logs:
		return names.LoggerAdvice
	case s.once:
		return names.OnceAdvice
	case s.hidden != "":
		return s.hidden
	}
	return (&waits.Holder{Kind: s.kind, At: at, Blocks: blocks}).Advice()
}

// did says in a few words what holders mostly did.
func (r *lockJudge) did(s *lockSite) string {
	by := map[*names.Call]int64{}
	for at, ns := range s.stood {
		by[names.CallOf(r.Names.Stacks[at.holder])] += ns
	}
	if c := mostCalled(by); c != nil && s.held.most() == &s.held.syscall {
		return "mostly " + c.Did()
	}
	return s.held.did()
}

// stands is where holders mostly stood while others waited.
type stands struct {
	ns     int64
	holder report.Frame
	callee string
	writer string // who waited to write meanwhile and kept readers out, "" if nobody
}

// standing is where holders stood for most of the time in which they were blocked or in
// system calls, nil if they mostly were not or no place stands out.
func (r *lockJudge) standing(s *lockSite) *stands {
	if m := s.held.most(); m != &s.held.blocked && m != &s.held.syscall {
		return nil
	}
	places, by := r.Names.Places(), map[report.Frame]*stands{}
	var best *stands
	for _, at := range slices.SortedFunc(maps.Keys(s.stood), func(a, b standsAt) int {
		return cmp.Or(cmp.Compare(a.holder, b.holder), cmp.Compare(a.writer, b.writer))
	}) {
		p := places.Of(at.holder)
		if p == nil {
			continue
		}
		x := by[p.At]
		if x == nil {
			x = &stands{holder: p.At, callee: p.Callee}
			by[x.holder] = x
		}
		x.ns += s.stood[at]
		if w := places.Of(at.writer); w != nil {
			x.writer = placeName(&w.At)
		}
		if best == nil || x.ns > best.ns {
			best = x
		}
	}
	if best == nil || best.ns*2 < s.held.blocked+s.held.syscall {
		return nil
	}
	return best
}

// ran is where those unlocked who ran for most of the time in which holders ran, of no
// function if they mostly did not or no place stands out.
func (r *lockJudge) ran(s *lockSite) (none report.Frame) {
	if s.held.most() != &s.held.rest || s.once {
		return none
	}
	places, by := r.Names.Places(), map[report.Frame]int64{}
	for stack, ns := range s.ran {
		if p := places.Of(stack); p != nil {
			by[p.At] += ns
		}
	}
	for at, ns := range by {
		if ns*2 > s.held.rest {
			return at
		}
	}
	return none
}

// why says in sentences where the holder stood.
func (x *stands) why(s *lockSite) string {
	what := fmt.Sprintf("The holder mostly stood in %s", placeName(&x.holder))
	if x.callee != "" {
		what += ", in " + words.Function(x.callee) + ","
	}
	what += " with the lock held"
	switch {
	case x.writer != "":
		return fmt.Sprintf("A writer waited meanwhile in %s, which keeps new readers out; %s.", x.writer, strings.Replace(what, "The holder", "the reader that it waited for", 1))
	case s.kind == names.LockWriting:
		return what + ": that may be a reader, as each of them holds the lock."
	}
	return what + "."
}

// evidence is the figures of a place at which that many were blocked on average.
func (s *lockSite) evidence(mean float64) []report.Evidence {
	return []report.Evidence{
		{Label: "waits", Value: words.Count(s.waits.N())},
		{Label: "longest", Value: words.Length(s.waits.Max())},
		{Label: "of " + words.Length(lockWait) + " or more", Value: fmt.Sprintf("%s, %s in all", words.Count(s.late), words.Length(s.lateNS))},
		{Label: "99th percentile", Value: words.P99(s.waits.N(), words.Length(s.waits.Quantile(.99)))},
		{Label: "blocked there at once, most", Value: orMore(s.peak, lockPeak)},
		{Label: "blocked there on average", Value: words.Number(mean)},
		{Label: "longest time that a holder waited for a P in one wait", Value: words.Length(s.deschedMax)},
	}
}

// scenes are the worst waits.
func (r *lockJudge) scenes(s *lockSite) []report.Moment {
	var out []report.Moment
	for _, w := range s.worst.Best() {
		out = append(out, r.scene(w.start, w.end, w.g, model.NoP, model.NoM, w.text(r.bench, s.what())))
	}
	return out
}

// orMore is n, or that it is at least bound where counting stopped there.
func orMore(n, bound int) string {
	if n >= bound {
		return fmt.Sprintf("%s or more", words.Count(bound))
	}
	return words.Count(n)
}

// locks answers: where did goroutines wait for mutexes, and what did the one
// that unlocked do meanwhile? It remembers the latest stretches of goroutines
// that were long enough to matter.
type locks struct {
	names   *names.Table
	mutexes *names.LockSites
	kinds   []int32 // by stack: index into sites + 1, 0 not looked at, -1 no mutex
	sites   []*lockSite
	byName  map[lockPlace]int32
	waits   stat.Sketch
	unknown int64 // waits for something of package sync, without a stack

	descheduled int64     // longest part of a wait that the holder spent waiting for a P
	behind      *lockSite // where

	recent [lockPast]pastG
	n      int
}

// pastG is a stretch of a goroutine that is over.
type pastG struct {
	start, end model.Time
	g          model.GoID
	by         model.GoID // who ended it
	stack      uint32
	site       int32 // that it waited at, 0 if not for a mutex
	state      model.GState
	byStack    uint32 // of by, when it did
}

// lockSite is a place in the program that locks.
type lockSite struct {
	name       string
	kind       names.LockKind
	logs, once bool   // it is the lock of a logger, or a sync.Once
	hidden     string // what to do about a mutex that the standard library hides, "" for others
	waits      stat.Sketch
	open       []model.Time // ends of waits that overlap with the last
	peak       int
	held       holding
	stood      map[standsAt]int64 // ns that holders stood, by where
	ran        map[uint32]int64   // ns that they ran, or what they did is not known, by the stack that unlocked
	late       int64              // waits of lockWait or longer that another goroutine ended
	lateNS     int64
	deschedMax int64
	longest    lockedOut
	worst      *stat.TopK[lockedOut] // by how long the one who unlocked had held it
}

// standsAt is where a holder stood: the stack that it was blocked with, and that of the
// writer that waited for it meanwhile and so kept readers out, 0 if none.
type standsAt struct{ holder, writer uint32 }

// lockedOut is one wait for a mutex.
type lockedOut struct {
	start, end model.Time
	wait       int64
	g, by      model.GoID
	reader     model.GoID // who held up the writer that kept readers out, NoG if none did
	fn, stack  uint32
	byStack    uint32
	held       holding
	earlier    holding // what those did in held.others who had it before by
}

// holding is what holders did while others waited for them.
// rest is the time that they ran, or that is not known; others is the time before
// the last of them had got the mutex.
type holding struct{ runnable, syscall, blocked, rest, others int64 }

func newLocks(s *replay.Session) *locks {
	return &locks{names: s.Names, mutexes: &names.LockSites{Names: s.Names}, byName: map[lockPlace]int32{}}
}

func (l *locks) Watch(f *model.Facts) {
	for i := range f.Gs {
		iv := &f.Gs[i]
		site := int32(0)
		if iv.State == model.GWaiting && iv.Reason == model.ReasonSync && !iv.Runtime && !neverEnds(iv) {
			site = l.waited(iv)
		}
		if iv.End-iv.Start >= lockGrain && iv.State != model.GRunning {
			l.recent[l.n%lockPast] = pastG{iv.Start, iv.End, iv.G, iv.By, iv.Stack, site, iv.State, iv.ByStack}
			l.n++
		}
	}
}

// neverEnds reports whether a wait may be one that never ends: that is no matter of how
// long locks are held. See checkStuck.
func neverEnds(iv *model.GInterval) bool {
	return iv.Open&model.OpenEnd != 0 && iv.End-iv.Start >= waits.LongFrom
}

// waited counts a wait of package sync and is the place, 0 if it was not for a
// mutex.
func (l *locks) waited(iv *model.GInterval) int32 {
	if iv.Stack == 0 {
		l.unknown++
		return 0
	}
	k := l.site(iv.Stack)
	if k < 0 {
		return 0
	}
	s, d := l.sites[k-1], int64(iv.End-iv.Start)
	l.waits.Add(d)
	s.waits.Add(d)
	s.count(iv)
	if d >= lockSlow {
		l.waitedLong(iv, k)
	}
	return k
}

// waitedLong looks at what the holder did in a wait at a place.
func (l *locks) waitedLong(iv *model.GInterval, site int32) {
	s, d := l.sites[site-1], int64(iv.End-iv.Start)
	x := lockedOut{start: iv.Start, end: iv.End, wait: d, g: iv.G, by: iv.By, reader: model.NoG, fn: iv.Func, stack: iv.Stack, byStack: iv.ByStack, held: holding{others: d}}
	if iv.By != model.NoG {
		l.holder(&x, site)
	}
	s.add(&x)
	if x.held.runnable > l.descheduled {
		l.descheduled, l.behind = x.held.runnable, s
	}
}

// add counts a long wait.
func (s *lockSite) add(x *lockedOut) {
	s.held.add(&x.held)
	if x.earlier != (holding{}) {
		s.held.others -= x.held.others
		s.held.add(&x.earlier)
	}
	if x.wait >= lockWait && x.by != model.NoG {
		s.late++
		s.lateNS += x.wait
	}
	s.deschedMax = max(s.deschedMax, x.held.runnable)
	if x.wait > s.longest.wait {
		s.longest = *x
	}
	s.worst.Offer(x.wait-x.held.others, *x)
}

// count finds how many waits overlap: they come in the order in which they ended.
func (s *lockSite) count(iv *model.GInterval) {
	if iv.End-iv.Start < lockGrain {
		return
	}
	s.open = slices.DeleteFunc(s.open, func(end model.Time) bool { return end <= iv.Start })
	if len(s.open) < lockPeak {
		s.open = append(s.open, iv.End)
	}
	s.peak = max(s.peak, len(s.open))
}

// holder looks at what the goroutine that ended a wait did in it, since it got the mutex
// itself, and before that who handed it over. A writer that lets readers in had itself
// waited, for a reader: that one held the lock, and the writer kept others out.
func (l *locks) holder(x *lockedOut, site int32) {
	s := l.sites[site-1]
	h, by, unlock := holding{rest: x.wait}, x.by, x.byStack
	ran, ranBy := int64(0), unlock // those before the last mostly unlocked with the same stack
	defer func() { s.ran[ranBy] += ran }()
	done := func() {
		if unlock != ranBy {
			s.ran[ranBy] += ran
			ran, ranBy = 0, unlock
		}
		ran += h.rest
		if by == x.by {
			x.held = h
			return
		}
		x.earlier.others = 0
		x.earlier.add(&h)
	}
	for i := l.n - 1; i >= max(0, l.n-lockPast); i-- {
		p := &l.recent[i%lockPast]
		if p.end <= x.start {
			break
		}
		switch {
		case p.g != by:
		case l.got(p, site, unlock):
			h.before(p.end - x.start)
			done()
			if p.by == model.NoG || p.by == x.by {
				return
			}
			h, by, unlock = holding{rest: h.others}, p.by, p.byStack
		case s.kind == names.LockReading && p.site > 0 && l.sites[p.site-1].kind == names.LockWriting:
			l.behindWriter(x, &h, s, p)
			done()
			return
		case p.stack != 0 && p.state != model.GRunnable && l.letGo(p, x, unlock):
			h.before(p.end - x.start)
			done()
			return
		default:
			s.stand(&h, p, max(p.start, x.start), p.end, standsAt{holder: p.stack})
		}
	}
	done()
}

// got reports whether a stretch is the wait of a goroutine for the mutex that it unlocked
// with this stack later: at the place, or where it unlocks.
func (l *locks) got(p *pastG, site int32, unlock uint32) bool {
	if p.site == site {
		return true
	}
	return p.site > 0 && l.sites[p.site-1].kind == l.sites[site-1].kind && names.SameSite(l.mutexes.Site(p.stack), l.mutexes.Site(unlock))
}

// letGo reports whether a goroutine that was blocked like this can't have held what it
// unlocked later: it was not in the function that did.
func (l *locks) letGo(p *pastG, x *lockedOut, unlock uint32) bool {
	at := l.mutexes.Site(unlock)
	return len(at.Callers) > 0 && !l.mutexes.Holding(p.stack, l.mutexes.Site(x.stack), at)
}

// before moves the first d of the wait to others.
func (h *holding) before(d model.Time) {
	h.others = min(h.rest, max(0, int64(d)))
	h.rest -= h.others
}

// behindWriter looks at what the reader did that a writer waited for meanwhile.
func (l *locks) behindWriter(x *lockedOut, h *holding, s *lockSite, writer *pastG) {
	h.before(writer.start - x.start)
	x.reader = writer.by
	if writer.by == model.NoG {
		return
	}
	from := max(writer.start, x.start)
	for i := l.n - 1; i >= max(0, l.n-lockPast); i-- {
		p := &l.recent[i%lockPast]
		if p.end <= from {
			break
		}
		if p.g == writer.by && p.start < writer.end {
			s.stand(h, p, max(p.start, from), min(p.end, writer.end), standsAt{p.stack, writer.stack})
		}
	}
}

// stand counts what a holder did from then to then.
func (s *lockSite) stand(h *holding, p *pastG, from, to model.Time, at standsAt) {
	h.spend(p.state, int64(to-from))
	if p.state == model.GWaiting || p.state == model.GSyscall {
		s.stood[at] += int64(to - from)
	}
}

// spend moves time of the rest to what the holder is known to have done in it.
func (h *holding) spend(state model.GState, ns int64) {
	h.rest -= ns
	switch state {
	case model.GRunnable:
		h.runnable += ns
	case model.GSyscall:
		h.syscall += ns
	default:
		h.blocked += ns
	}
}

func (h *holding) add(o *holding) {
	h.runnable += o.runnable
	h.syscall += o.syscall
	h.blocked += o.blocked
	h.rest += o.rest
	h.others += o.others
}

// inTurn reports whether the place looks like one at which goroutines that have
// nothing to do wait to be the next that is blocked holding the mutex: somebody does
// all the time.
func (s *lockSite) inTurn(span int64) bool {
	return s.held.most() == &s.held.blocked && s.waits.Sum()*5 >= span*4
}

// convoy reports whether at any time somebody was blocked there on average, in many
// waits, many at once.
func (s *lockSite) convoy(span int64) bool {
	return s.peak >= convoyWide && s.waits.Sum() >= span && s.waits.N() >= 2*convoyWide
}

// most is the largest part.
func (h *holding) most() *int64 {
	best := &h.rest
	for _, p := range []*int64{&h.runnable, &h.syscall, &h.blocked} {
		if *p > *best {
			best = p
		}
	}
	return best
}

// why says in a sentence what holders mostly did.
func (h *holding) why() string {
	switch h.most() {
	case &h.runnable:
		return "While others waited, the goroutine that held the mutex, or had been woken to take it, was mostly ready to run and waited for a P: with it everybody stood still who needs the mutex."
	case &h.syscall:
		return "While others waited, the goroutine that held the mutex was mostly in a system call (or in C)."
	case &h.blocked:
		return "While others waited, the goroutine that held the mutex was mostly blocked on something else."
	}
	return "While others waited, the goroutines that held the mutex were mostly running: more of them want it than can have it."
}

// did says in a few words what holders mostly did.
func (h *holding) did() string {
	switch h.most() {
	case &h.runnable:
		return "mostly waited for a P"
	case &h.syscall:
		return "was mostly in a system call"
	case &h.blocked:
		return "was mostly blocked"
	}
	return "mostly ran"
}

func (h *holding) evidence() []report.Evidence {
	return []report.Evidence{
		{Label: "holders waited for a P, in waits over " + words.Length(lockSlow), Value: words.Length(h.runnable)},
		{Label: "holders were in system calls", Value: words.Length(h.syscall)},
		{Label: "holders were blocked", Value: words.Length(h.blocked)},
		{Label: "holders ran, or it is not known", Value: words.Length(h.rest)},
	}
}

// text says who waited, and what the holder did meanwhile.
func (x *lockedOut) text(r bench, what string) string {
	s := fmt.Sprintf("%s waited %s for %s", words.Goroutine(int64(x.g), r.runs(x.fn)), words.Length(x.wait), what)
	switch {
	case x.by == model.NoG:
		return s
	case x.reader != model.NoG:
		s += fmt.Sprintf(" until G%d unlocked it, which had waited to write until G%d had read", x.by, x.reader)
	default:
		s += fmt.Sprintf(" until G%d unlocked it", x.by)
	}
	switch h := &x.held; h.most() {
	case &h.runnable:
		s += fmt.Sprintf(", which waited %s of that for a P", words.Length(h.runnable))
	case &h.syscall:
		s += fmt.Sprintf(", which was in a system call for %s of that", words.Length(h.syscall))
	case &h.blocked:
		s += fmt.Sprintf(", which was blocked for %s of that", words.Length(h.blocked))
	}
	return s
}

// site is the place of a stack that waits for a mutex as an index into sites,
// counted from 1; -1 if it waits for something else.
func (l *locks) site(stack uint32) int32 {
	for int(stack) >= len(l.kinds) {
		l.kinds = append(l.kinds, 0)
	}
	if l.kinds[stack] == 0 {
		l.kinds[stack] = -1
		if name := l.mutexes.Locker(stack); name != "" {
			k := l.named(name, l.mutexes.Site(stack).Lock)
			at, site := l.mutexes.Site(stack), l.sites[k-1]
			l.kinds[stack], site.logs, site.once, site.hidden = k, names.Logs(l.names.Stacks[stack]), at.Once, at.Advice
		}
	}
	return l.kinds[stack]
}

// lockPlace is a function that locks, and how.
type lockPlace struct {
	name string
	kind names.LockKind
}

// named is the place of this name, as site counts them.
func (l *locks) named(name string, kind names.LockKind) int32 {
	k := lockPlace{name, kind}
	if l.byName[k] == 0 {
		l.sites = append(l.sites, &lockSite{name: name, kind: kind, stood: map[standsAt]int64{}, ran: map[uint32]int64{}, worst: stat.NewTopK[lockedOut](report.MaxMoments)})
		l.byName[k] = int32(len(l.sites))
	}
	return l.byName[k]
}

// worstSite is the place with the longest time blocked, in long waits first; convoys
// before all, and those that look as if it were meant so behind all.
func (l *locks) worstSite(span int64) (worst *lockSite, convoy bool) {
	if len(l.sites) == 0 {
		return nil, false
	}
	worst = slices.MinFunc(l.sites, func(a, b *lockSite) int {
		return cmp.Or(cmp.Compare(a.class(span), b.class(span)), cmp.Compare(b.lateNS, a.lateNS), cmp.Compare(b.waits.Sum(), a.waits.Sum()), cmp.Compare(a.name, b.name), cmp.Compare(a.kind, b.kind))
	})
	return worst, worst.convoy(span)
}

// class is by what kind of place it is, the worst first.
func (s *lockSite) class(span int64) int {
	n := 0
	if !s.convoy(span) {
		n += 2
	}
	if s.inTurn(span) {
		n++
	}
	return n
}
