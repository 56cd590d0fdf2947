// Package machine is what the machine says beside a trace. A trace says when a thread
// had a P, not whether the thread had a CPU meanwhile: the machine counts that.
// A Sampler reads its counters while a program runs, Append writes them down, a Decoder
// reads them back. It needs the standard library alone, so that a server can carry it.
//
// # The format, version 1
//
// Evidence is lines of text. Each has the name of what it tells and fields
// KEY=VALUE after it, with one space between. Numbers are decimal and not negative;
// times and lengths are nanoseconds; counters count from a beginning of their own and
// only ever grow: the difference of two is what counts. Lines and fields that a reader
// does not know are for later versions: it passes over them, and says so.
//
//	gmptrace.machine 1
//
// is the first line of a file: the format's name and version.
//
//	machine pid=4711 cpus=8 online=8 smt=2 host=web-3
//
// is the machine: the process that the samples are of, the CPUs that it may run on,
// those of the machine that are switched on, and the hardware threads of a core.
//
//	quota cpu=200000000 period=100000000
//
// is how much of the CPUs its cgroup may use in a period, the tightest of all groups
// that it is in. cpu=0 is no limit.
//
//	go gomaxprocs=2 source=quota gogc=100 gomemlimit=268435456
//
// is how the runtime is set. source is where GOMAXPROCS comes from: env, quota, cpus, or
// set by the program. gogc=off is a collector that is switched off; a gomemlimit of 0
// is none. Who samples another process knows only what its environment sets: what that
// leaves open is 0, and there is no source.
//
//	at 812736410000000 4711=15300000,200000 4712=900000,0 throttled=12,3,150000000 steal=0 stall=31000 asleep=0
//
// is a sample (below). And
//
//	snapshot trigger=slow name=GET__orders took=231000000 time=20261129T091501.123Z host=web-3 build=4f2c
//
// says why a flight recorder wrote a snapshot. The time of a sample is CLOCK_MONOTONIC's, on Linux the clock of traces since Go
// 1.22. Fields with a number for a key are threads, by the operating system's id in the
// process's own PID namespace (that of its container), which is the trace's: time
// on a CPU, and time ready to run without one, which includes what throttling took. A
// thread that is not named has run no more since it was named last. The others, where
// the machine has them:
//
//   - throttled: periods of the quota, those in which it was used up, and how long
//     threads stood still for that, in sum over CPUs
//   - steal: what the hypervisor took from the machine, in sum over CPUs
//   - stall: how long some thread of the machine was ready without a CPU (PSI)
//   - asleep: how long the whole machine was suspended
//
// A sample that is too long for one line goes on in further ones of the same time.
//
// # Where it lies
//
// In a file beside the trace (app.trace.machine beside app.trace), or in the trace
// itself: each message that the program logged in Category holds lines of the format,
// and the goroutine that logged it is no part of the program.
package machine
