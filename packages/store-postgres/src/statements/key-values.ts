import type { Statement } from '../connection.ts';
import { CLOCK, NOW } from './clock.ts';

export const KV_GET: Statement = {
  name: 'kv_get',
  changes: false,
  text: `select namespace, category, key, value, version, created_at, updated_at from key_values
where namespace = $1::text and category = $2::text and key = $3::text`,
};

/** Writes $6 as the first version. */
export const KV_INSERT: Statement = {
  name: 'kv_insert',
  changes: true,
  text: `with ${CLOCK}
insert into key_values (namespace, category, key, value, version, created_at, updated_at)
values ($3::text, $4::text, $5::text, $6::text, 1, ${NOW}, ${NOW})
on conflict (namespace, category, key) do nothing returning version`,
};

/** Writes $6 over version $7. */
export const KV_UPDATE: Statement = {
  name: 'kv_update',
  changes: true,
  text: `with ${CLOCK}
update key_values set value = $6::text, version = version + 1, updated_at = ${NOW}
where namespace = $3::text and category = $4::text and key = $5::text and version = $7::bigint returning version`,
};

/** Deletes version $4; returns whether there was a key-value, and whether it had that version. */
export const KV_DELETE: Statement = {
  name: 'kv_delete',
  changes: true,
  text: `with there as materialized (
  select version from key_values where namespace = $1::text and category = $2::text and key = $3::text for update
),
gone as (
  delete from key_values where namespace = $1 and category = $2 and key = $3 and version = $4::bigint returning version
)
select there.version as version, gone.version as deleted from there left join gone on true`,
};

/**
 * Up to $4 key-values of a category, after key $3, with values of at most $5 bytes together, but at
 * least one. `found` is their number without the bound on bytes. The length of a value is known
 * without reading it.
 */
export const KV_SCAN: Statement = {
  name: 'kv_scan_bytes',
  changes: false,
  text: `with page as (
  select *, sum(octet_length(value)) over (order by key) as bytes, row_number() over (order by key) as place,
    count(*) over () as found
  from (
    select * from key_values
    where namespace = $1::text and category = $2::text and key > $3::text collate "C"
    order by key limit $4::bigint
  ) as listed
)
select namespace, category, key, value, version, created_at, updated_at, found from page
where place = 1 or bytes <= $5::bigint order by key`,
};
