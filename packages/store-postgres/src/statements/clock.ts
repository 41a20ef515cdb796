/**
 * The store's time as part of a statement, ms since the epoch: the database's time, or $2 in tests,
 * but never before $1, the latest time that this node has seen.
 */
export const CLOCK = `clock as materialized (
  select greatest($1::bigint, coalesce($2::bigint, floor(extract(epoch from clock_timestamp()) * 1000)::bigint)) as now
)`;

/** The time of `CLOCK`. */
export const NOW = '(select now from clock)';
