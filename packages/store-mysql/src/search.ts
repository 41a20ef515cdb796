import type { Connection } from './connection.ts';
import { amongIds, find, findIds, type Found, foundOf, READABLE } from './moves.ts';
import { string } from './records.ts';
import type { Tables } from './schema.ts';
import type { StoreClock } from './store-clock.ts';
import { isUnreadable, readable } from './unreadable.ts';

/** Records that a search examines if some of them cannot be read. */
const EXAMINED = 2_000;
/** Records whose bytes are then read together. */
const CHUNK = 200;

interface Where {
  readonly connection: Connection;
  readonly tables: Tables;
  readonly clock: StoreClock;
}

/** What a search finds at a place. */
export interface Wanted {
  readonly place: string;
  readonly limit: number;
  /** An additional condition, which may use `@now`. */
  readonly condition?: string;
}

/**
 * Up to `limit` transactions of a place, earliest first, without those that the server cannot read.
 */
export async function searchAt({ connection, tables, clock }: Where, wanted: Wanted): Promise<readonly Found[]> {
  const { place, limit, condition } = wanted;
  try {
    const statements = [clock.set(), find(tables, place, limit, condition)];
    const [, result] = await connection.call({ changes: false, statements });
    return (result?.rows ?? []).map(foundOf);
  } catch (thrown) {
    if (!isUnreadable(thrown)) throw thrown;
    return searchByIds({ connection, tables, clock }, wanted, false);
  }
}

/**
 * Like `searchAt`, for transactions that this version can drive, with the bytes of their bodies.
 */
export const searchSizedByIds = (where: Where, place: string, limit: number, except: ReadonlySet<string>) =>
  searchByIds(where, { place, limit, condition: ` and ${READABLE}` }, true, except);

async function searchByIds(
  { connection, tables, clock }: Where,
  { place, limit, condition = '' }: Wanted,
  sized: boolean,
  except: ReadonlySet<string> = new Set(),
): Promise<readonly Found[]> {
  const [all] = await connection.call({ changes: false, statements: [findIds(tables, place, EXAMINED)] });
  const ids = (all?.rows ?? []).map((row) => string(row['id'])).filter((id) => !except.has(id));
  const found: Found[] = [];
  for (let from = 0; from < ids.length && found.length < limit; from += CHUNK) {
    const some = await readable(ids.slice(from, from + CHUNK), async (chunk) => {
      const statements = [clock.set(), amongIds(tables, chunk, condition, sized)];
      const [, result] = await connection.call({ changes: false, statements });
      return (result?.rows ?? []).map(foundOf);
    });
    found.push(...some.found);
  }
  return found.sort((a, b) => a.atMs - b.atMs).slice(0, limit);
}
