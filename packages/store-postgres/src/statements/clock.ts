/**
 * The store's time as a part of a statement, ms since the epoch: the database's, or the one given as $2 (in tests); and never before $1, the latest that
 * this node has seen.
 */
export const CLOCK = `clock as materialized (
  select greatest($1::bigint, coalesce($2::bigint, floor(extract(epoch from clock_timestamp()) * 1000)::bigint)) as now
)`;

/** The time that `CLOCK` gives. */
export const NOW = '(select now from clock)';
