-- Where the time of goroutines went, by the function that they run.
SELECT func, count(*) AS goroutines, sum(running_ns) AS running_ns, sum(runnable_ns) AS runnable_ns, sum(syscall_ns) AS syscall_ns, sum(blocked_ns) AS blocked_ns,
    sum(dispatches) AS dispatches
FROM read_parquet('goroutines.parquet')
GROUP BY func
ORDER BY sum(dur_ns) DESC, func
LIMIT 30;
