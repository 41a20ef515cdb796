import { LIMITS } from '@holdfast/protocol';
import { StoreError } from './store.ts';
import { isStorable, STORE_LIMITS } from './rules.ts';

/** The position at which a page of transactions ended; the next page begins below it. */
export interface ListPosition {
  readonly createdAtMs: number;
  readonly gid: string;
}

/** A list position as an opaque text. */
export const encodeListCursor = (position: ListPosition): string =>
  `${position.createdAtMs.toString(36)}.${encodeURIComponent(position.gid)}`;

/** Throws `invalid` for a text that is not a cursor of this store. */
export function decodeListCursor(cursor: string): ListPosition {
  const match = /^([0-9a-z]{1,11})\.(.+)$/.exec(cursor);
  const gid = match?.[2] === undefined ? undefined : decoded(match[2], LIMITS.gidLength);
  const createdAtMs = Number.parseInt(match?.[1] ?? '', 36);
  if (gid === undefined || !(createdAtMs <= STORE_LIMITS.durationMs)) throw notOurs(cursor);
  return { createdAtMs, gid };
}

/** A position among keys as an opaque text. */
export const encodeKeyCursor = (key: string): string => `k.${encodeURIComponent(key)}`;

/** Throws `invalid` for a text that is not a cursor of this store. */
export function decodeKeyCursor(cursor: string): string {
  const key = cursor.startsWith('k.') ? decoded(cursor.slice(2), STORE_LIMITS.keyLength) : undefined;
  if (key === undefined) throw notOurs(cursor);
  return key;
}

/**
 * A part of a cursor; undefined if no gid or key can have this value, so that it never reaches a
 * database.
 */
function decoded(text: string, longest: number): string | undefined {
  try {
    const part = decodeURIComponent(text);
    return part.length <= longest && isStorable(part) ? part : undefined;
  } catch {
    return undefined;
  }
}

/** A text that a caller gave as a cursor is not one of this store. */
export class CursorError extends StoreError {
  constructor(cursor: string) {
    super('invalid', `"${cursor.slice(0, 64)}" is not a cursor of this store; start again without one`);
  }
}

const notOurs = (cursor: string): CursorError => new CursorError(cursor);
