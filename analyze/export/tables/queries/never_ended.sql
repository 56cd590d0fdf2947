-- Goroutines that were started in the trace and had not ended when it did, by what they
-- run and where they stopped last. Those that stay blocked in one place may be leaked.
SELECT func, state, reason, at_func, at_file, at_line, count(*) AS goroutines, min(at_ns) AS first_at_ns, sum(blocked_ns) AS blocked_ns
FROM read_parquet('goroutines.parquet')
WHERE created AND NOT ended AND NOT runtime
GROUP BY ALL
ORDER BY goroutines DESC, blocked_ns DESC, func, state, reason, at_func, at_file, at_line
LIMIT 30;
