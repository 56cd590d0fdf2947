-- Who ran while they waited: of waits of 1 ms and longer, who had the P meanwhile on whose
-- queue the goroutine stood or, out of the global queue, which took it in the end. In a
-- system call a goroutine has its P until somebody takes it.
WITH long AS (
    SELECT g, func, at_ns, at_ns + dur_ns AS until_ns, coalesce(queue_p, p) AS p
    FROM read_parquet('waits.parquet')
    WHERE NOT runtime AND dur_ns >= 1000000
), ran AS (
    SELECT p, func, at_ns, at_ns + dur_ns AS until_ns
    FROM read_parquet('procs.parquet')
    WHERE does IN ('run', 'syscall')
)
SELECT long.func AS waited, ran.func AS ran, count(DISTINCT (long.g, long.at_ns)) AS waits,
    sum(least(long.until_ns, ran.until_ns) - greatest(long.at_ns, ran.at_ns)) AS ran_ns
FROM long JOIN ran ON ran.p = long.p AND ran.at_ns < long.until_ns AND ran.until_ns > long.at_ns
GROUP BY ALL
ORDER BY ran_ns DESC, waited, ran
LIMIT 20;
