import { createHash } from 'node:crypto';
import type { BarrierRow } from './driver.ts';

/** Longer results are not kept. */
export const MAX_RESULT_BYTES = 16 * 1024;

const NOT_ASCII = /[\u007f-\uffff]/g;

/**
 * The JSON of a result that is to be kept, in ASCII, so that no character set of a connection or
 * table changes it. undefined: nothing is kept, because nothing was returned, or because the value
 * is too long or not JSON; the work has happened, and must not fail for that.
 */
export function resultText(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  let json: string | undefined;
  try {
    json = JSON.stringify(value);
  } catch {
    return undefined;
  }
  if (json === undefined || json.length > MAX_RESULT_BYTES) return undefined;
  const text = json.replace(NOT_ASCII, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return text.length > MAX_RESULT_BYTES ? undefined : text;
}

/** The value of a kept result. */
export const readResult = (kept: string | undefined): { readonly value?: unknown } =>
  kept === undefined ? {} : { value: JSON.parse(kept) as unknown };

/** The id of a call's result in the table of results. */
export const resultId = ({ gid, branchId, op, barrierId }: BarrierRow): string =>
  createHash('sha256')
    .update(JSON.stringify([gid, branchId, op, barrierId]))
    .digest('hex');
