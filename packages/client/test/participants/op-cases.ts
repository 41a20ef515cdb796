import { BranchFailure, BranchOngoing, resultOfHttp } from '@holdfast/protocol';
import { expect, it } from 'vitest';
import { json, type Participant } from './harness.ts';

/** Every call that a coordinator makes: the op of a branch, by pattern. */
const OPS = [
  ['saga', 'action'],
  ['saga', 'compensate'],
  ['tcc', 'try'],
  ['tcc', 'confirm'],
  ['tcc', 'cancel'],
  ['msg', 'action'],
  ['msg', 'msg'],
  ['xa', 'action'],
  ['xa', 'commit'],
  ['xa', 'rollback'],
  ['workflow', 'action'],
  ['workflow', 'compensate'],
  ['workflow', 'transfer money'],
] as const;

const THROWN = {
  returns: [200, 'SUCCESS', () => undefined],
  refuses: [409, 'FAILURE', () => Promise.reject(new BranchFailure('sold out'))],
  'is not ready': [425, 'ONGOING', () => Promise.reject(new BranchOngoing('later'))],
  'has an error': [500, 'UNKNOWN', () => Promise.reject(new TypeError('no such column'))],
} as const;

/** The response has one meaning, whichever op of whichever pattern was called. */
export function opCases<Route>({ branch, served, callOf }: Participant<Route>): void {
  it.each(OPS)('responds to %s %s with the status that the coordinator reads', async (transType, op) => {
    const calls: unknown[] = [];
    let ends: keyof typeof THROWN = 'returns';
    const url = await served(
      branch(
        (call) => {
          calls.push([call.transType, call.op]);
          return THROWN[ends][2]();
        },
        { onError: () => {} },
      ),
    );
    const query = new URLSearchParams({ gid: 'g-1', trans_type: transType, branch_id: '0102', op }).toString();
    for (const end of Object.keys(THROWN) as (keyof typeof THROWN)[]) {
      ends = end;
      const [status, kind] = THROWN[end];
      // JSON-RPC is what a coordinator reads from the body alone: see `dtm_result`.
      for (const body of ['{"amount":30}', '', null]) {
        const response = await callOf(url, { query, body });
        expect([response.status, resultOfHttp(response.status, response.text).kind]).toEqual([status, kind]);
        expect(json(response.text)?.['dtm_result'] ?? 'UNKNOWN').toBe(kind);
      }
    }
    expect(calls).toEqual(Array.from({ length: 12 }, () => [transType, op]));
  });
}
