-- What each P did: time running goroutines (mark workers among them), in system calls that
-- nobody took it from, looking for work, and idle.
SELECT p,
    coalesce(sum(dur_ns) FILTER (does = 'run'), 0) AS running_ns,
    coalesce(sum(dur_ns) FILTER (does = 'run' AND worker), 0) AS gc_worker_ns,
    coalesce(sum(dur_ns) FILTER (does = 'syscall'), 0) AS syscall_ns,
    coalesce(sum(dur_ns) FILTER (does = 'sched'), 0) AS sched_ns,
    any_value(trace.to_ns - trace.from_ns) - coalesce(sum(dur_ns) FILTER (does <> 'idle'), 0) AS idle_ns
FROM read_parquet('procs.parquet') AS procs, read_parquet('trace.parquet') AS trace
GROUP BY p
ORDER BY p;
