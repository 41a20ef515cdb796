import { request } from 'undici';
import { URL_COORDINATES_HEADER } from '@holdfast/protocol';
import { describe, expect, it } from 'vitest';
import type { BranchCallContext } from '../../src/participants/call.ts';
import { callCases } from './call-cases.ts';
import { CALL, type Called, type Participant } from './harness.ts';

/** Of a framework that does not route HEAD (Fastify 4). */
const NOT_ROUTED = 404;

/** How a participant reads its calls over HTTP, and which calls it rejects. */
export function requestCases<Route>(participant: Participant<Route>): void {
  callCases(participant);
  const { branch, served, called } = participant;

  it.each(['op=refund', '%67id=42', 'GID=42', 'branch_id=', 'trans_type=tcc'])(
    'responds with 400 when %s conflicts with the coordinator’s parameters, before or after them',
    async (own) => {
      const calls: unknown[] = [];
      for (const query of [`${own}&${CALL}`, `${CALL}&${own}`]) {
        const response = await called((call) => void calls.push(call), {}, { query });
        expect(response.status).toBe(400);
        expect(response.text).toContain('has several values');
      }
      expect(calls).toEqual([]);
      expect((await called(() => undefined, {}, { query: `${CALL}&gid=g-1` })).status).toBe(200);
    },
  );

  describe('called at a URL that an earlier version accepted with parameters of the coordinator', () => {
    const QUERY = `gid=42&op=undo&GID=43&${CALL}`;
    const calledAt = async (which: string) => {
      const calls: unknown[] = [];
      const what = { query: QUERY, headers: { [URL_COORDINATES_HEADER]: which } };
      const note = ({ gid, branchId, op }: BranchCallContext): void => void calls.push({ gid, branchId, op });
      const { status } = await called(note, { onError: () => {} }, what);
      return { status, calls };
    };

    it('uses the same values as earlier participants if the call may have been made before', async () => {
      expect(await calledAt('first')).toEqual({ status: 200, calls: [{ gid: '42', branchId: '01', op: 'undo' }] });
    });

    it('uses the coordinator’s values if the coordinator states that its parameters come last', async () => {
      expect(await calledAt('last')).toEqual({ status: 200, calls: [{ gid: 'g-1', branchId: '01', op: 'action' }] });
    });

    it('rejects the call when the header has another value', async () => {
      expect(await calledAt('both')).toEqual({ status: 400, calls: [] });
    });
  });

  it('responds with 400 to a query that is not UTF-8', async () => {
    const response = await called(() => undefined, {}, { query: CALL.replace('g-1', 'g-%e9') });
    expect([response.status, response.text]).toEqual([400, expect.stringContaining('UTF-8')]);
  });

  it('responds with 400 to a gid or an op with a NUL, which no coordinator sends', async () => {
    const calls: unknown[] = [];
    const called400 = (what: Called) => called((call) => void calls.push(call), { onError: () => {} }, what);
    const gid = await called400({ query: CALL.replace('g-1', 'g-%00') });
    const op = await called400({ query: CALL.replace('action', 'act%00ion') });
    expect([gid.status, op.status, calls]).toEqual([400, 400, []]);
    expect(gid.text).toContain('gid');
  });

  it('does nothing when it is called with HEAD, which frameworks route like GET', async () => {
    const calls: unknown[] = [];
    const url = await served(branch((call) => void calls.push(call), { onError: () => {} }));
    const response = await request(`${url}?${CALL}`, { method: 'HEAD' });
    await response.body.dump();
    expect([405, NOT_ROUTED]).toContain(response.statusCode);
    expect(calls).toEqual([]);
  });
}
