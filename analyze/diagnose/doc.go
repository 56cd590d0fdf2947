// Package diagnose judges a trace: its checks say what went wrong, what that cost, what
// to do about it, and how sure it is. What they find is ranked, causes before what they
// explain, and the worst of it is the report's verdict.
//
// [All] is the table of contents. Each [Check] is one file, named for its id: what it
// measures, its threshold and why that, when it is wrong; its constants, its watcher,
// its judgement, its words. What several of them ask has a file of its own:
//
//	blame.go       what a P did while a goroutine waited for it: kinds of that in split.go,
//	               the memory of it in past.go
//	sleepers.go    waits for timers, and which of them ended late: see late.go
//	readers.go     waits for the network, which of them ended late, and who ended them
//	witnesses.go   how much of what the symptoms cost passed while Ps did something
//	saturation.go  for how long all Ps were busy with goroutines waiting
//	queuers.go     waits to be let in on channels, in selects, for condition variables
//	pollers.go     who runs again and again for next to nothing
//	herds.go       who wakes many at one moment, and how many of those wait again at once
//	stages.go      where goroutines wait to send, who receives there, and what those do
//	collector.go   who began collections, how much room there is, who allocates
//	culprits.go    who ran instead of those that waited longest
//
// rank.go puts what they find in order, verdict.go answers whether it was the scheduler.
//
// # To add a check
//
// Write ID.go with a Check in it, name that in All, and show it by scenarios:
// testdata/ID_fires.txtar, ID_just_below.txtar (its threshold) and ID_undecided.txtar (a
// trace that can't tell; where every trace tells, the Check's doc says "Always decided:"
// and why). What reports, policies and the command line say of checks follows from All.
//
// Its Judge is best told in three steps: whether and how severely it fires, by figures of
// which each has a name; the finding, which says in sentences what happened, why, what it
// cost, what to do, and how sure that is; and the moments that show it.
//
// A check asks for the watchers that it needs by [replay.Shared], those of the report's
// tables as well, and judges when the trace has been read to its end:
//
//	var checkIdleP = Check{ID: "idle-p", Title: "Idle Ps while work waited", Symptom: true,
//		Begin: func(s *replay.Session) Judge {
//			return (&idlePJudge{bench: bench{s}, procs: replay.Shared(s, measure.NewProcs)}).decide
//		}}
package diagnose
