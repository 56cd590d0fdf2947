-- How long requests took, by handler. Unfinished ones count as far as they went, as in
-- gmptrace explain.
SELECT handler, count(*) AS requests, count(*) FILTER (NOT finished) AS unfinished, sum(dur_ns) AS total_ns,
    quantile_disc(dur_ns, 0.5) AS p50_ns, quantile_disc(dur_ns, 0.99) AS p99_ns, max(dur_ns) AS longest_ns
FROM read_parquet('requests.parquet')
GROUP BY handler
ORDER BY total_ns DESC, handler;
