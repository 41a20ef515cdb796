import { afterEach, describe, expect, it } from 'vitest';
import { request } from 'undici';
import { BranchFailure, BranchOngoing } from '@holdfast/protocol';
import type { BranchHandler, BranchOptions } from '../../src/participants/call.ts';

/** Serves the handler at `/debit` and answers the base URL. */
export type Serve = <P>(
  handler: BranchHandler<P>,
  options?: BranchOptions<P>,
) => Promise<{ readonly url: string; close(): Promise<void> }>;

const CALL = 'gid=g-1&trans_type=saga&branch_id=01&op=action';

/** What every framework's adapter promises. */
export function participantSuite(name: string, serve: Serve): void {
  describe(`a participant on ${name}`, () => {
    const open: { close(): Promise<void> }[] = [];
    afterEach(async () => {
      await Promise.all(open.splice(0).map((server) => server.close()));
    });

    async function called<P>(
      handler: BranchHandler<P>,
      options: BranchOptions<P> = {},
      { query = CALL, body = '{"amount":30}' }: { query?: string; body?: string | null } = {},
    ) {
      const server = await serve(handler, options);
      open.push(server);
      const response = await request(`${server.url}/debit?${query}`, {
        method: body === null ? 'GET' : 'POST',
        body,
        headers: body === null ? {} : { 'content-type': 'application/json' },
      });
      return { status: response.statusCode, body: (await response.body.json()) as Record<string, unknown> };
    }

    it('tells the handler which branch of which transaction is called, with what', async () => {
      const calls: unknown[] = [];
      const query = `${CALL}&customer=ana`;
      const answer = await called(
        ({ query: all, ...call }) => calls.push({ ...call, customer: all.get('customer') }),
        {},
        { query },
      );
      expect(answer).toEqual({ status: 200, body: { dtm_result: 'SUCCESS' } });
      expect(calls).toEqual([
        { gid: 'g-1', transType: 'saga', branchId: '01', op: 'action', payload: { amount: 30 }, customer: 'ana' },
      ]);
    });

    it('waits for an asynchronous handler, and takes whatever it returns for success', async () => {
      const answer = await called(async () => Promise.resolve({ dtm_result: 'FAILURE' }));
      expect(answer).toEqual({ status: 200, body: { dtm_result: 'SUCCESS' } });
    });

    it('is called with GET when the step has no payload', async () => {
      const payloads: unknown[] = [];
      const answer = await called((call) => payloads.push(call.payload), {}, { body: null });
      expect(answer.status).toBe(200);
      expect(payloads).toEqual([undefined]);
    });

    it('answers BranchFailure with 409 FAILURE and the reason', async () => {
      const told: unknown[] = [];
      const refuse = () => Promise.reject(new BranchFailure('the card was declined'));
      const answer = await called(refuse, { onError: (error) => told.push(error) });
      expect(answer).toEqual({ status: 409, body: { dtm_result: 'FAILURE', message: 'the card was declined' } });
      expect(told).toEqual([]);
    });

    it('answers BranchOngoing with 425 ONGOING', async () => {
      const answer = await called(() => Promise.reject(new BranchOngoing('the courier is on the way')));
      expect(answer).toEqual({ status: 425, body: { dtm_result: 'ONGOING', message: 'the courier is on the way' } });
    });

    it('answers any other error with 500 and its message, no stack, and tells the hook', async () => {
      const told: unknown[] = [];
      const error = new TypeError('the database is locked');
      const answer = await called(() => Promise.reject(error), {
        onError: (thrown, call) => told.push({ thrown, gid: call?.gid }),
      });
      expect(answer).toEqual({ status: 500, body: { message: 'the database is locked' } });
      expect(told).toEqual([{ thrown: error, gid: 'g-1' }]);
    });

    it('never lets an unknown error pass for a decision, whatever its message says', async () => {
      const answer = await called(() => Promise.reject(new Error('FAILURE of the disk, ONGOING')));
      expect(answer).toEqual({ status: 500, body: { message: 'internal error' } });
    });

    it('answers although the hook throws', async () => {
      const onError = () => {
        throw new Error('the log is full');
      };
      await expect(called(() => Promise.reject(new Error('no')), { onError })).resolves.toMatchObject({ status: 500 });
    });

    it('gives the payload the type of its parser, and answers 400 to one that does not fit', async () => {
      const parse = (body: unknown) => {
        if (typeof body !== 'object' || body === null || !('amount' in body)) throw new Error('amount is missing');
        return { amount: Number(body.amount) };
      };
      const amounts: number[] = [];
      await called((call) => amounts.push(call.payload.amount), { parse });
      expect(amounts).toEqual([30]);
      const answer = await called(
        (call) => amounts.push(call.payload.amount),
        { parse, onError: () => {} },
        { body: '{}' },
      );
      expect(answer.status).toBe(400);
      expect(answer.body['message']).toContain('amount is missing');
      expect(amounts).toEqual([30]);
    });

    it.each(['gid', 'trans_type', 'branch_id', 'op'])('answers 400 to a call without %s', async (parameter) => {
      const query = new URLSearchParams(CALL);
      query.delete(parameter);
      const answer = await called(() => {}, { onError: () => {} }, { query: query.toString() });
      expect(answer.status).toBe(400);
      expect(answer.body['message']).toContain(parameter);
    });

    it('answers 400 to a pattern that does not exist and to a gid that is too long', async () => {
      const onError = () => {};
      const pattern = await called(() => {}, { onError }, { query: CALL.replace('saga', 'sagas') });
      const long = await called(() => {}, { onError }, { query: CALL.replace('g-1', 'g'.repeat(129)) });
      expect([pattern.status, long.status]).toEqual([400, 400]);
    });

    it('answers 400 to a body that is not JSON, and 413 to one that is too long', async () => {
      const calls: unknown[] = [];
      const torn = await called((call) => calls.push(call), { onError: () => {} }, { body: '{"amount":' });
      const long = JSON.stringify('x'.repeat(1024 * 1024));
      const tooLong = await called((call) => calls.push(call), { onError: () => {} }, { body: long });
      expect([torn.status, tooLong.status, calls]).toEqual([400, 413, []]);
    });
  });
}
