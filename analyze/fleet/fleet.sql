-- What gmptrace fleet keeps of traces, one file of Parquet each, as DuckDB reads it:
--
--   .read fleet.sql
--   CREATE VIEW rows AS FROM read_parquet('gmptrace-rows/*.parquet');
--   FROM fleet_quantiles(0.99);
--
-- The view must be called "rows". Every statement is plain SQL but for CREATE MACRO: other
-- engines take the queries below with a number in place of q.
--
-- A quantile is the value of rank ceil(q*n), at least 1, in ascending order: the least or
-- the greatest if that is the first or the last one, else the middle of its bin, but no less
-- than the least and no more than the greatest. The product is one of doubles. So it is the
-- very number that gmptrace tells.

-- The view that the macros read, empty until there is another.
CREATE OR REPLACE VIEW rows AS
SELECT CAST(NULL AS VARCHAR) AS kind, CAST(NULL AS VARCHAR) AS trace, CAST(NULL AS VARCHAR) AS host,
       CAST(NULL AS VARCHAR) AS build, CAST(NULL AS VARCHAR) AS trigger, CAST(NULL AS VARCHAR) AS quality,
       CAST(NULL AS VARCHAR) AS id, CAST(NULL AS VARCHAR) AS severity, CAST(NULL AS BIGINT) AS cost_ns,
       CAST(NULL AS BIGINT) AS typical_ns, CAST(NULL AS BIGINT) AS longer_ns, CAST(NULL AS VARCHAR) AS func,
       CAST(NULL AS VARCHAR) AS of, CAST(NULL AS VARCHAR) AS name, CAST(NULL AS BIGINT) AS bin,
       CAST(NULL AS BIGINT) AS count, CAST(NULL AS BIGINT) AS mid_ns, CAST(NULL AS BIGINT) AS least_ns,
       CAST(NULL AS BIGINT) AS greatest_ns
WHERE 1 = 0;

-- Quantiles by what, name and build, of one sample: sketches are merged by adding up the
-- counts of equal bins. The samples are baseline, which was taken by chance and tells how
-- things are; slow, because something was slow; and other, of which nothing tells why.
CREATE OR REPLACE MACRO fleet_quantiles_of(q, wanted) AS TABLE
WITH bins AS (
  SELECT "of", name, build, bin, mid_ns, SUM(count) AS n, MIN(least_ns) AS least, MAX(greatest_ns) AS greatest
  FROM rows
  WHERE kind = 'bin'
    AND CASE WHEN trigger = 'baseline' THEN 'baseline'
             WHEN trigger IN ('slow', 'observed', 'metric') THEN 'slow'
             ELSE 'other' END = wanted
  GROUP BY "of", name, build, bin, mid_ns
), ranked AS (
  SELECT "of", name, build, mid_ns,
         SUM(n) OVER (PARTITION BY "of", name, build ORDER BY bin ROWS UNBOUNDED PRECEDING) AS below,
         SUM(n) OVER (PARTITION BY "of", name, build) AS total,
         MIN(least) OVER (PARTITION BY "of", name, build) AS least,
         MAX(greatest) OVER (PARTITION BY "of", name, build) AS greatest
  FROM bins
), wanted_rank AS (
  SELECT *, CEIL(CAST(q AS DOUBLE) * CAST(total AS DOUBLE)) AS rank FROM ranked
)
SELECT "of", name, build, CAST(MAX(total) AS BIGINT) AS count,
       CAST(CASE WHEN MAX(rank) <= 1 THEN MAX(least)
                 WHEN MAX(rank) >= MAX(total) THEN MAX(greatest)
                 ELSE LEAST(GREATEST(MIN(CASE WHEN below >= rank THEN mid_ns END), MAX(least)), MAX(greatest)) END AS BIGINT) AS ns
FROM wanted_rank
GROUP BY "of", name, build
ORDER BY "of", name, build;

-- The sample that quantiles are of: baseline where there is one, else what nothing is told
-- of. Slow ones never are.
CREATE OR REPLACE MACRO fleet_quantiles(q) AS TABLE
SELECT * FROM fleet_quantiles_of(q, (
  SELECT CASE WHEN COUNT(CASE WHEN trigger = 'baseline' THEN 1 END) > 0 THEN 'baseline' ELSE 'other' END
  FROM rows WHERE kind = 'trace' AND quality <> 'unreadable'));

-- Causes of what was slow, by who is behind them: in how many traces, and what they had of
-- the time that slow ones took longer than typical ones, in ns.
CREATE OR REPLACE MACRO fleet_causes(wanted) AS TABLE
SELECT id, func, COUNT(DISTINCT trace) AS traces, COUNT(DISTINCT host) AS hosts, COUNT(DISTINCT build) AS builds,
       SUM(GREATEST(cost_ns - typical_ns, 0)) AS longer
FROM rows
WHERE kind = 'cause'
  AND CASE WHEN trigger = 'baseline' THEN 'baseline'
           WHEN trigger IN ('slow', 'observed', 'metric') THEN 'slow'
           ELSE 'other' END = wanted
GROUP BY id, func
ORDER BY longer DESC, id, func;
