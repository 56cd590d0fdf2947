// Package diagnose judges a trace: its checks say what went wrong, what that cost, what
// to do about it, and how sure it is. What they find is ranked, causes before what they
// explain, and the worst of it is the report's verdict.
//
// [All] is the table of contents. Each [Check] is one file, named for its id: what it
// measures, its threshold and why that, when it is wrong; its constants, its watcher,
// its judgement, its words. What several of them ask has a file of its own:
//
//	blame.go       what a P did while a goroutine waited for it (past.go remembers it)
//	sleepers.go    waits for timers, and which of them ended late (late.go)
//	readers.go     waits for the network, and who found that they were over
//	saturation.go  for how long all Ps were busy with goroutines waiting
//	culprits.go    who ran instead of those that waited longest
//
// # To add a check
//
// Write ID.go with a Check in it, name that in All, and show it by scenarios:
// testdata/ID_fires.txtar, ID_just_below.txtar (its threshold) and ID_undecided.txtar (a
// trace that can't tell; where every trace tells, the Check's doc says "Always decided:"
// and why). Policies, the schema of findings and all outputs follow from All.
//
// A check asks for the watchers that it needs by [replay.Shared], those of the report's
// tables as well, and judges when the trace has been read to its end:
//
//	var checkIdleP = Check{ID: "idle-p", Title: "Idle Ps while work waited", Symptom: true,
//		Begin: func(s *replay.Session) Judge {
//			return (&idlePJudge{bench: bench{s}, procs: replay.Shared(s, measure.NewProcs)}).decide
//		}}
package diagnose
