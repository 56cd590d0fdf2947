package whatif

import (
	"cmp"
	"context"
	"regexp"
	"slices"

	"gmptrace/analyze/names"
	"gmptrace/model/simulate"
)

// candidate is what may get a row of the table.
type candidate struct {
	kind ChangeKind
	name string
	ns   int64

	workers int // of a pool
}

// How many rows of each kind there are at most.
var rowsOf = map[ChangeKind]int{ChangeFunction: 5, ChangeLock: 2, ChangeSyscall: 2, ChangeGC: 1, ChangePool: 1}

// table simulates what has most time cheaper, most first.
func (w *prediction) table(ctx context.Context, a *attribution) error {
	rows := w.candidates(a)
	steps := max(w.w.Steps, 1) * tableSeeds
	fit := int((changesLimit/steps - 1) / int64(len(levels)))
	if rows = rows[:max(0, min(len(rows), fit, mostRows))]; len(rows) == 0 {
		return nil
	}
	before, err := w.try(ctx, a, a.changing(), tableSeeds)
	if err != nil {
		return err
	}
	score := map[string]float64{}
	for _, row := range rows {
		for _, by := range levels {
			if row.kind == ChangeLock || row.kind == ChangePool {
				by = 1
			}
			x := Changed{Kind: row.kind, About: row.kind, Name: row.name, By: by, Time: row.ns, Share: float64(row.ns) / float64(max(w.x.Recorded.Makespan, 1))}
			ch, off := a.changing(), 0.0
			switch row.kind {
			case ChangeFunction:
				match := a.functions(row.name)
				off = x.take(a.matched(match))
				x.Share = float64(x.Time) / float64(max(a.all, 1))
				ch.faster = []matching{{match, by}}
			case ChangeLock:
				ch.lock = a.locksOf(func(fn string) bool { return fn == row.name })
			case ChangeSyscall:
				ch.call, ch.callBy = a.callsOf(row.name), by
			case ChangeGC:
				ch.gcBy = by
			case ChangePool:
				ch.pools = []Pool{{Func: regexp.MustCompile("^" + regexp.QuoteMeta(row.name) + "$"), Workers: 2 * row.workers}}
			}
			after, err := w.try(ctx, a, ch, tableSeeds)
			if err != nil {
				return err
			}
			w.compare(a, ch, before, after, off, &x)
			score[string(x.Kind)+x.Name] = x.gain(a)
			w.x.Changes = append(w.x.Changes, x)
			if by == 1 {
				break
			}
		}
	}
	slices.SortStableFunc(w.x.Changes, func(x, y Changed) int {
		return cmp.Compare(score[string(y.Kind)+y.Name], score[string(x.Kind)+x.Name])
	})
	return nil
}

// gain is by which share requests and tasks get shorter, where that shows most: at p50, p90 or
// p99. They are weighed by their time; without any it is the run.
func (x *Changed) gain(a *attribution) float64 {
	sum, all := 0.0, 0.0
	for i, n := range a.mostTime() {
		weight := 0.0
		for _, ns := range a.groups[n].recorded {
			weight += float64(ns)
		}
		all += weight
		if s := x.Of[i].most(); s != nil {
			sum -= weight * s.Change
		}
	}
	if all == 0 {
		return -x.Run.Change
	}
	return sum / all
}

// callsOf tells of stacks in system calls, by the place in the program that makes them.
func (a *attribution) callsOf(name string) func(stack uint32) bool {
	places := a.c.names.Places()
	return func(stack uint32) bool {
		p := places.Of(stack)
		return p != nil && p.At.Func == name
	}
}

// candidates are what has most time: computing by the program's own functions, waits for
// locks, long system calls, the collector, jobs that waited for somebody to be free.
func (w *prediction) candidates(a *attribution) []candidate {
	places := a.c.names.Places()
	sums := map[candidate]int64{}
	for key, k := range a.kinds {
		if a.sampled && key.ended == anywhere {
			continue
		}
		of := a.of(key)
		all := int64(0)
		for _, n := range of.stacks {
			all += n
		}
		for stack, n := range of.stacks {
			if stack == 0 {
				continue
			}
			if p := places.Of(stack); p != nil && p.Own {
				sums[candidate{kind: ChangeFunction, name: p.At.Func}] += int64(float64(k.ns) * float64(n) / float64(all))
			}
		}
	}
	sites := names.LockSites{Names: a.c.names}
	for _, g := range a.c.order {
		if g.runtime || g.worker {
			continue
		}
		for s := range g.steps() {
			if s.kind == ownRun || s.kind == ownAssist || s.stack == 0 {
				continue
			}
			if fn := sites.Locker(s.stack); fn != "" {
				sums[candidate{kind: ChangeLock, name: fn}] += int64(s.to - s.from)
			} else if (s.kind == ownSyscall || s.kind == ownBlocking) && s.to-s.from >= simulate.ShortCall {
				if p := places.Of(s.stack); p != nil {
					sums[candidate{kind: ChangeSyscall, name: p.At.Func}] += int64(s.to - s.from)
				}
			}
		}
	}
	if ns := w.collected(); ns > 0 {
		sums[candidate{kind: ChangeGC, name: "the collector"}] = ns
	}
	for i, x := range a.c.pools() {
		if ns := a.c.stood(i); ns > 0 && x.workers > 1 {
			sums[candidate{kind: ChangePool, name: x.name(), workers: x.workers}] += ns
		}
	}
	var all []candidate
	for c, ns := range sums {
		if c.ns = ns; float64(ns) >= rowLeast*float64(w.x.Recorded.Makespan) && c.name != "" {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.ns, a.ns), cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name))
	})
	taken := map[ChangeKind]int{}
	var out []candidate
	for _, c := range all {
		if taken[c.kind] < rowsOf[c.kind] && !(c.kind == ChangeFunction && a.among(out, c.name)) {
			taken[c.kind]++
			out = append(out, c)
		}
	}
	return out
}

// sameTime is the share of two functions' computing, of the greater one, that makes them one
// row: one calls the other for hardly anything else.
const sameTime = .9

// among reports whether a function's computing is that of one before.
func (a *attribution) among(before []candidate, name string) bool {
	match := a.functions(name)
	own := a.matched(match).ns
	for _, c := range before {
		if c.kind != ChangeFunction {
			continue
		}
		other := a.functions(c.name)
		theirs := a.matched(other).ns
		both := a.matched(func(stack uint32) bool { return match(stack) && other(stack) }).ns
		if float64(both) >= sameTime*float64(max(own, theirs)) {
			return true
		}
	}
	return false
}

// functions tells of stacks with a function on them.
func (a *attribution) functions(name string) func(stack uint32) bool {
	return stacksWith(a.c.names, func(fn string) bool { return fn == name })
}
