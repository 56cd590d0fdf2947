package diagnose

import (
	"cmp"
	"slices"

	"gmptrace/analyze/internal/measure"
	"gmptrace/analyze/report"
)

// slowness is what the slow requests or tasks of a trace lost, where it has any: the
// account by which findings are weighed.
type slowness struct {
	*report.Slowest
	extra int64 // ns that a slow one took longer than a typical one; all of it where there is none
}

// slownessOf is nil where the program has neither, or too few to say what is usual.
func slownessOf(rep *report.Report) *slowness {
	s := &slowness{Slowest: &rep.Slowest}
	if s.Kind == "" || len(s.Roots) == 0 || len(s.Groups) == 0 {
		return nil
	}
	few := int64(fewRequests)
	if s.Roots[0].Kind == report.RootNeverEnded || s.waitAlike() {
		few = fewStand
	}
	if s.Durations.Count < few {
		return nil
	}
	for i := range s.Roots {
		s.extra += max(0, s.Roots[i].NS-s.Roots[i].Typical)
	}
	return s
}

// mainOf is what the time of the main goroutine went to, of a program that shows neither
// requests nor tasks; nil where it stood by. It weighs no findings: whether a batch took
// longer than usual no trace of it says.
func mainOf(rep *report.Report) *slowness {
	if rep.Slowest.Kind != report.KindMain || len(rep.Slowest.Roots) == 0 {
		return nil
	}
	r := &rep.Slowest.Roots[0]
	if r.At.Func == "" || r.Kind == report.RootSleep && (r.Stood.Func == "" || r.Stood.Func == r.At.Func) {
		return nil // no place to look at; or it paces itself, or plays somebody who does something
	}
	return &slowness{Slowest: &rep.Slowest, extra: rep.Slowest.Slow.Mean}
}

const (
	// fewRequests is the least number of them that weighs findings.
	fewRequests = 10
	// fewStand is that least number where they were slow as they never ended, or where all of
	// them waited for the same: those that did end, or did not wait, need not be many to tell.
	fewStand = 5
	// sameShare is the share of the slow ones' time from which all of it is one wait.
	sameShare = .8
	// aboutAsSlow is the share of their time by which slow ones must exceed typical ones not
	// to be like those.
	aboutAsSlow = .2
	// slowFrom is by how much the slow ones must have been slower for that to be what a
	// reader asks about.
	slowFrom = 5_000_000 // ns
	// littleShare is the share of what the slow ones lost below which something is not why
	// they were slow.
	littleShare = .05
	// feltShare is likewise that of what they lost below which they did not feel a symptom.
	feltShare = .1
	// nearlyAll is the share of their time that typical ones lose where they do hardly
	// anything else.
	nearlyAll = .9
	// slowerBy is by which part of a typical one's time slow ones must have been slower for
	// that to be worth a warning: half.
	slowerBy = .5
)

// alike reports whether slow ones took about as long as typical ones, so that what those
// have of a root is not told apart.
func (s *slowness) alike() bool {
	return s.Typical.Count > 0 && float64(s.Slow.Mean-s.Typical.Mean) < aboutAsSlow*float64(s.Slow.Mean)
}

// waitAlike reports whether slow ones and typical ones alike did little but wait for others,
// at one place.
func (s *slowness) waitAlike() bool {
	switch s.Roots[0].Kind {
	case report.RootPlace, report.RootLock, report.RootBlocked:
		return s.alike() && float64(s.Roots[0].NS) >= sameShare*float64(s.Slow.Mean)
	}
	return false
}

// little reports whether roots of these kinds are little of why slow ones were slow, or
// made few of them slow and by no more than a time slice, or slow ones hardly took longer
// than typical ones: what all lose is no news. Where threads came late in the first place,
// which the machine is behind, little is also what less than one in a hundred lost as much
// to as is worth asking about: what others take then is longer as well.
func (s *slowness) little(kinds []report.RootKind) bool {
	share := s.share(kinds)
	if s.Roots[0].Kind == report.RootLate && s.Durations.Count >= 100 && float64(s.Durations.P99)*share < slowFrom {
		return true
	}
	if s.Typical.Count > 0 && float64(s.extra)*share < slowerBy*float64(s.Typical.Mean) && !s.typical(kinds) {
		return true
	}
	return share < littleShare || share*float64(s.extra) < float64(measure.StarvedAfter) && float64(s.lost()) < fewLose*float64(s.Groups[0].Total)
}

// beginLate reports whether roots of these kinds may have passed before they began: turns
// begin when something to read is found, and don't tell how late that was.
func (s *slowness) beginLate(kinds []report.RootKind) bool {
	return s.Kind == report.KindTurn && slices.Contains(kinds, report.RootFoundLate)
}

// felt reports whether roots of these kinds are a part of why slow ones were slow, and
// one in a hundred lost as much to them as is worth asking about.
func (s *slowness) felt(kinds []report.RootKind) bool {
	share := s.share(kinds)
	return s.matters() && share >= feltShare && (s.Durations.Count < 100 || float64(s.Durations.P99)*share >= float64(slowFrom))
}

// lost is how much longer all of them took than typical ones, which may be others than those
// whose handler shows.
func (s *slowness) lost() int64 {
	first := &s.Groups[0]
	if s.Typical.Count == 0 {
		return first.Lost
	}
	return max(first.Lost, first.Total-first.Count*s.Typical.Mean)
}

// fewLose is the share of the time of all of them below which few lost any.
const fewLose = .25

// share is the part of what slow ones took longer that is of these kinds, in [0, 1].
func (s *slowness) share(kinds []report.RootKind) float64 {
	var ns int64
	for i := range s.Roots {
		if r := &s.Roots[i]; slices.Contains(kinds, r.Kind) {
			ns += max(0, r.NS-r.Typical)
		}
	}
	return float64(ns) / float64(max(1, s.extra))
}

// typical reports whether typical ones lost hardly less than all of their time to roots of
// these kinds, and so long that a reader asks about that.
func (s *slowness) typical(kinds []report.RootKind) bool {
	var ns int64
	for i := range s.Roots {
		if r := &s.Roots[i]; slices.Contains(kinds, r.Kind) {
			ns += r.Typical
		}
	}
	return ns >= slowFrom && float64(ns) >= nearlyAll*float64(s.Typical.Mean)
}

// matters reports whether the slow ones were so much slower that it is worth asking why.
func (s *slowness) matters() bool { return s != nil && s.extra >= slowFrom }

// leads reports whether findings with these costs explain what the slow ones lost most to.
func (s *slowness) leads(c costs) bool {
	kind := s.Roots[0].Kind
	return slices.Contains(c.roots(), kind) || c == costsEnds && kind == report.RootNeverEnded
}

// waited is the root that is a wait for others at a place, nil where that is little of the
// slow ones' time, or none.
func (s *slowness) waited(at func(site string) bool) *report.Root {
	return s.root(func(r *report.Root) bool { return at(r.Site) })
}

// done is likewise the root that is what one of them did there.
func (s *slowness) done(there *report.Frame) *report.Root {
	return s.root(func(r *report.Root) bool { return r.Site == "" && r.At == *there })
}

func (s *slowness) root(is func(*report.Root) bool) *report.Root {
	if !s.matters() {
		return nil
	}
	for i := range s.Roots {
		if r := &s.Roots[i]; rootShare*r.NS >= s.Slow.Mean && is(r) {
			return r
		}
	}
	return nil
}

// same makes a finding one that is about the same as a root, nil for none: what to do about
// it is then what the account of the slow ones says.
func (s *slowness) same(f *report.Finding, r *report.Root) {
	if r != nil && f.Root == nil {
		f.Root, f.Advice = r, cmp.Or(s.adviceOn(r), f.Advice)
	}
}

// rootShare is the part of the slow ones' time from which a root is worth a finding: a
// quarter, from which one is told of too.
const rootShare = 4

// severity is that of the root, where no check has found it: by what it does to the time
// that nearly all take. What a program does of its own is for its authors to judge.
func (s *slowness) severity() report.Severity {
	r := &s.Roots[0]
	switch r.Kind {
	case report.RootNeverEnded:
		return report.SeverityCritical
	case report.RootQueue, report.RootNoCPU, report.RootStoodStill, report.RootGC, report.RootForcedGC, report.RootStopping, report.RootStopped, report.RootLock, report.RootPlace, report.RootFoundLate:
	case report.RootSleep:
		// For as long each time it is meant, and of goroutines that were started for the slow
		// one it is their work.
		if s.alike() || r.NS < muchMore*r.Typical || r.Stood.Func != "" && r.Stood.Func != r.At.Func && !r.OfAnother(s.Name) {
			return report.SeverityInfo
		}
	case report.RootComputing, report.RootSyscall, report.RootNetwork:
		if s.alike() || r.NS < muchMore*r.Typical || !r.Awaited && !r.OfAnother(s.Name) || 2*s.lost() < s.Groups[0].Total {
			return report.SeverityInfo
		}
	default:
		return report.SeverityInfo
	}
	long := s.Durations.P99
	if s.Durations.Count < 100 {
		long = s.Durations.Max
	}
	if s.Others && s.Typical.Count > 0 && s.Durations.P50 < lostLong && long < 2*s.Durations.P50 {
		return report.SeverityInfo // what they take is no news, unless half of them take as long as is worth a warning
	}
	lost := int64(float64(long) * float64(r.NS-r.Typical) / float64(max(1, s.Slow.Mean)))
	if lost >= lostLong && long >= 2*(long-lost) {
		return report.SeverityWarning
	}
	return report.SeverityInfo
}

// adviceOn is what to do about a root: about the first, what an explanation says.
func (s *slowness) adviceOn(r *report.Root) string {
	if r == &s.Roots[0] {
		return s.Advice
	}
	return r.Advice
}

// muchMore is how many times as long as typical ones slow ones must do what a program does
// of its own for that to be worth a warning.
const muchMore = 4

// lostLong is what 1 % of the requests or tasks must lose at least for a warning.
const lostLong = 20_000_000 // ns
