// Package measure has the watchers that fill the report's tables: latency, dispatches,
// handoffs, preemptions, the collector, Ps, threads, functions, tasks, the worst waits and
// the overview. Checks, rules and explanations ask them by replay.Shared.
package measure
