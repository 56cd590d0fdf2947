-- What garbage collection and stopped worlds took of the time that was analysed.
SELECT coalesce(kind, 'none') AS kind, count(gc.at_ns) AS times, coalesce(sum(gc.dur_ns), 0) AS ns, coalesce(max(gc.dur_ns), 0) AS longest_ns,
    coalesce(sum(gc.dur_ns), 0) / any_value(to_ns - from_ns) AS share
FROM read_parquet('trace.parquet') LEFT JOIN read_parquet('gc.parquet') AS gc ON true
GROUP BY kind
ORDER BY kind;
