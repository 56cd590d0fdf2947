-- Which functions waited most for a P: the time their goroutines were runnable.
SELECT func, count(*) AS waits, sum(dur_ns) AS waited_ns, quantile_disc(dur_ns, 0.5) AS p50_ns, quantile_disc(dur_ns, 0.99) AS p99_ns, max(dur_ns) AS longest_ns
FROM read_parquet('waits.parquet')
WHERE NOT runtime
GROUP BY func
ORDER BY waited_ns DESC, func
LIMIT 20;
