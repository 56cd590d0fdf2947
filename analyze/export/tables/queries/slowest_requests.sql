-- What the ten slowest requests spent their time on, where that was and who did it.
WITH slowest AS (
    SELECT id, handler, at_ns, dur_ns
    FROM read_parquet('requests.parquet')
    ORDER BY dur_ns DESC, at_ns
    LIMIT 10
)
SELECT slowest.id, handler, dur_ns, cause, blocked_for, where_func, who_func, sum(ns) AS ns
FROM slowest JOIN read_parquet('causes.parquet') AS causes ON causes.kind = 'request' AND causes.id = slowest.id
GROUP BY ALL
ORDER BY dur_ns DESC, slowest.id, ns DESC, cause, blocked_for, where_func, who_func;
