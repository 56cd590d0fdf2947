-- Who stole from whom, and how many goroutines moved.
SELECT victim, p AS thief, count(*) AS steals, sum(moved) AS goroutines
FROM read_parquet('dispatches.parquet')
WHERE victim IS NOT NULL
GROUP BY ALL
ORDER BY steals DESC, victim, thief;
