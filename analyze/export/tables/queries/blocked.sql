-- What goroutines of the program were blocked for, and where.
SELECT reason, at_func, at_file, at_line, at_call, count(*) AS times, sum(dur_ns) AS blocked_ns, max(dur_ns) AS longest_ns
FROM read_parquet('slices.parquet')
WHERE state = 'blocked' AND NOT runtime
GROUP BY ALL
ORDER BY blocked_ns DESC, reason, at_func, at_file, at_line, at_call
LIMIT 30;
