import { createHash } from 'node:crypto';
import { keptJson, type KeptJson } from '../kept-json.ts';
import type { StepCodec } from '../workflow/flow.ts';
import type { BarrierRow } from './dialect.ts';
import { BarrierResultUnavailable } from './errors.ts';

/** Longer results are not kept. */
export const MAX_RESULT_BYTES = 16 * 1024;

/** How a result is kept; undefined: as it is. */
export type Codec = StepCodec<unknown> | undefined;

/** The stored form of the value that the work returned. */
export async function keptResult(value: unknown, codec: Codec): Promise<KeptJson> {
  return keptJson(codec === undefined ? value : await codec.encode(value), MAX_RESULT_BYTES);
}

/** The value of a kept result. */
export function readResult(kept: string, codec: Codec): { readonly value: unknown } {
  const json = JSON.parse(kept) as unknown;
  return { value: codec === undefined ? json : codec.decode(json) };
}

/** The error that replaces a result for which the reason `why` was kept. */
export function unavailable(
  call: Pick<BarrierRow, 'gid' | 'branchId' | 'op'>,
  why: string,
): { readonly unavailable: BarrierResultUnavailable } {
  return { unavailable: new BarrierResultUnavailable(call, why === 'too_large' ? 'too_large' : 'not_json') };
}

/**
 * The row of the reason why a call's result was not kept. A separate row, so that versions that
 * store only results never read the reason as a result.
 */
export const unkeptRow = (row: BarrierRow): BarrierRow => ({ ...row, barrierId: `${row.barrierId}-unkept` });

/** The id of a call's result in the table of results. */
export const resultId = ({ gid, branchId, op, barrierId }: BarrierRow): string =>
  createHash('sha256')
    .update(JSON.stringify([gid, branchId, op, barrierId]))
    .digest('hex');
