-- Where dispatched goroutines came from, how often that is certain, and how long they had waited.
SELECT source, count(*) AS dispatches, count(*) FILTER (certain) AS certain, sum(wait_ns) AS waited_ns, max(wait_ns) AS longest_ns
FROM read_parquet('dispatches.parquet')
GROUP BY source
ORDER BY dispatches DESC, source;
