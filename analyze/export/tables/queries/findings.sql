-- What the report found, the worst first.
SELECT number, severity, title, cost_ns, cost_of, culprit, to_do
FROM read_parquet('findings.parquet')
ORDER BY number;
