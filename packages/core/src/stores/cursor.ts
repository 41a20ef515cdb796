import { StoreError } from '../store.ts';

/** Where a page of transactions ended: the next one begins below it. */
export interface ListPosition {
  readonly createdAtMs: number;
  readonly gid: string;
}

/** A list position as text that only we read. */
export const encodeListCursor = (position: ListPosition): string =>
  `${position.createdAtMs.toString(36)}.${encodeURIComponent(position.gid)}`;

/** Throws `invalid` for a text that is not one of our cursors. */
export function decodeListCursor(cursor: string): ListPosition {
  const match = /^([0-9a-z]{1,11})\.(.+)$/.exec(cursor);
  const gid = match?.[2] === undefined ? undefined : decoded(match[2]);
  if (match?.[1] === undefined || gid === undefined) throw notOurs(cursor);
  return { createdAtMs: Number.parseInt(match[1], 36), gid };
}

/** A position among keys as text that only we read. */
export const encodeKeyCursor = (key: string): string => `k.${encodeURIComponent(key)}`;

/** Throws `invalid` for a text that is not one of our cursors. */
export function decodeKeyCursor(cursor: string): string {
  const key = cursor.startsWith('k.') ? decoded(cursor.slice(2)) : undefined;
  if (key === undefined) throw notOurs(cursor);
  return key;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

const notOurs = (cursor: string): StoreError =>
  new StoreError('invalid', `"${cursor.slice(0, 64)}" is not a cursor of this store; start again without one`);
