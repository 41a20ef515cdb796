import { resultOfHttp } from '@holdfast/protocol';
import { BranchFailure, BranchOngoing } from '@holdfast/protocol';
import { request } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import type { Barrier } from '../../src/barrier/barrier.ts';
import { branchUrl, currentBranch } from '../../src/participants/branch-context.ts';
import type { BarrierHandler, BranchHandler, BranchOptions, ErrorOptions } from '../../src/participants/call.ts';
import { declareBranch } from '../../src/branch-declaration.ts';
import { FakeBarrier } from './fake-barrier.ts';

/** What a framework's module exports, and how its handlers are served. */
export interface Framework<Route> {
  readonly branch: {
    <P>(handler: BranchHandler<P>, options?: BranchOptions<P>): Route;
    <P, Tx>(barrier: Barrier<Tx>, handler: BarrierHandler<P, Tx>, options?: BranchOptions<P>): Route;
  };
  readonly checkBack: (barrier: Barrier<unknown>, options?: ErrorOptions) => Route;
  /** Serves it at `/debit` for POST and GET, and answers the base URL. */
  readonly serve: (route: Route) => Promise<Served>;
}

export interface Served {
  readonly url: string;
  close(): Promise<void>;
}

const CALL = 'gid=g-1&trans_type=saga&branch_id=01&op=action';
const MESSAGE = 'gid=g-1&trans_type=msg&branch_id=00&op=msg';

interface Called {
  readonly query?: string;
  /** null: GET without a body. */
  readonly body?: string | null;
}

/** What every framework's adapter promises. */
export function participantSuite<Route>(name: string, { branch, checkBack, serve }: Framework<Route>): void {
  describe(`a participant on ${name}`, () => {
    const open: Served[] = [];
    afterEach(async () => {
      await Promise.all(open.splice(0).map((server) => server.close()));
    });

    async function served(route: Route): Promise<string> {
      const server = await serve(route);
      open.push(server);
      return `${server.url}/debit`;
    }

    async function callOf(url: string, { query = CALL, body = '{"amount":30}' }: Called = {}) {
      const response = await request(`${url}?${query}`, {
        method: body === null ? 'GET' : 'POST',
        body,
        headers: body === null ? {} : { 'content-type': 'application/json' },
      });
      const text = await response.body.text();
      return { status: response.statusCode, text, type: response.headers['content-type'] };
    }

    async function called<P>(handler: BranchHandler<P>, options: BranchOptions<P> = {}, call: Called = {}) {
      const { status, text } = await callOf(await served(branch(handler, options)), call);
      return { status, body: json(text), text };
    }

    it('tells the handler which branch of which transaction is called, with what', async () => {
      const calls: unknown[] = [];
      const query = `${CALL}&customer=ana`;
      const answer = await called(
        ({ query: all, ...call }) => void calls.push({ ...call, customer: all.get('customer') }),
        {},
        { query },
      );
      expect(answer).toMatchObject({ status: 200, text: '{"dtm_result":"SUCCESS"}' });
      expect(calls).toEqual([
        { gid: 'g-1', transType: 'saga', branchId: '01', op: 'action', payload: { amount: 30 }, customer: 'ana' },
      ]);
    });

    it('answers JSON', async () => {
      const answer = await callOf(await served(branch(() => {})));
      expect(answer.type).toMatch(/^application\/json/);
    });

    it('waits for an asynchronous handler, and takes whatever it returns for success', async () => {
      const answer = await called(async () => Promise.resolve({ dtm_result: 'FAILURE', state: 'ONGOING' }));
      expect(answer.body).toEqual({ dtm_result: 'SUCCESS', result: { dtm_result: 'FAILURE', state: 'ONGOING' } });
      expect(answer.text).not.toMatch(/FAILURE|ONGOING/);
      expect(resultOfHttp(answer.status, answer.text).kind).toBe('SUCCESS');
    });

    it.each([
      ['an object', { seat: '12A' }],
      ['a text', 'seat 12A'],
      ['a number', 0],
      ['false', false],
      ['null', null],
      ['words and backslashes', '\\FAILURE \\\\ONGOING "FAILURE"'],
    ])('tells the caller what the handler returned: %s', async (_what, value) => {
      const answer = await called(() => value);
      expect(answer.body).toEqual({ dtm_result: 'SUCCESS', result: value });
    });

    it('leaves out a value that cannot be told, since the work is done, and tells the hook', async () => {
      const told: unknown[] = [];
      const onError = (error: unknown) => told.push(error);
      const unspeakable = await called(() => ({ count: 1n }), { onError });
      const tooLong = await called(() => 'x'.repeat(1024 * 1024), { onError });
      expect([unspeakable, tooLong].map((answer) => [answer.status, answer.body])).toEqual([
        [200, { dtm_result: 'SUCCESS' }],
        [200, { dtm_result: 'SUCCESS' }],
      ]);
      expect(told).toEqual([expect.any(TypeError), expect.any(RangeError)]);
    });

    it('is called with GET, or with POST and no body, when the step has no payload', async () => {
      const payloads: unknown[] = [];
      const url = await served(branch((call) => void payloads.push(call.payload)));
      const answers = [await callOf(url, { body: null }), await callOf(url, { body: '' })];
      expect(answers.map((answer) => answer.status)).toEqual([200, 200]);
      expect(payloads).toEqual([undefined, undefined]);
    });

    it('takes a payload of any JSON', async () => {
      const payloads: unknown[] = [];
      const url = await served(branch((call) => void payloads.push(call.payload)));
      for (const body of ['[1,"ü"]', '{}', '{"a":{"b":null}}']) await callOf(url, { body });
      expect(payloads).toEqual([[1, 'ü'], {}, { a: { b: null } }]);
    });

    it('answers BranchFailure with 409 FAILURE and the reason', async () => {
      const told: unknown[] = [];
      const refuse = () => Promise.reject(new BranchFailure('the card was declined'));
      const answer = await called(refuse, { onError: (error) => told.push(error) });
      expect(answer.status).toBe(409);
      expect(answer.body).toEqual({ dtm_result: 'FAILURE', message: 'the card was declined' });
      expect(told).toEqual([]);
    });

    it('answers BranchOngoing with 425 ONGOING', async () => {
      const answer = await called(() => Promise.reject(new BranchOngoing('the courier is on the way')));
      expect(answer.status).toBe(425);
      expect(answer.body).toEqual({ dtm_result: 'ONGOING', message: 'the courier is on the way' });
    });

    it('lets no word of a reason overrule the result', async () => {
      const failure = await called(() => Promise.reject(new BranchFailure('no more ONGOING orders')));
      expect(failure.text).not.toContain('ONGOING');
      expect(failure.body).toEqual({ dtm_result: 'FAILURE', message: 'no more ONGOING orders' });
    });

    it('answers any other error with 500 and its message, no stack, and tells the hook', async () => {
      const told: unknown[] = [];
      const error = new TypeError('the database is locked');
      const answer = await called(() => Promise.reject(error), {
        onError: (thrown, call) => told.push({ thrown, gid: call?.gid }),
      });
      expect(answer).toMatchObject({ status: 500, body: { message: 'the database is locked' } });
      expect(told).toEqual([{ thrown: error, gid: 'g-1' }]);
    });

    it('never lets an unknown error pass for a decision, whatever its message says', async () => {
      const answer = await called(() => Promise.reject(new Error('FAILURE of the disk, ONGOING')), {
        onError: () => {},
      });
      expect(answer).toMatchObject({ status: 500, body: { message: 'FAILURE of the disk, ONGOING' } });
      expect(answer.text).not.toMatch(/FAILURE|ONGOING/);
      expect(resultOfHttp(answer.status, answer.text).kind).toBe('UNKNOWN');
    });

    it('answers although the hook throws', async () => {
      const onError = () => {
        throw new Error('the log is full');
      };
      await expect(called(() => Promise.reject(new Error('no')), { onError })).resolves.toMatchObject({ status: 500 });
    });

    it('gives the payload the type of its parser, and answers 400 to one that does not fit', async () => {
      const amounts: number[] = [];
      await called((call) => amounts.push(call.payload.amount), { parse: parseAmount });
      expect(amounts).toEqual([30]);
      const answer = await called(
        (call) => amounts.push(call.payload.amount),
        { parse: parseAmount, onError: () => {} },
        { body: '{}' },
      );
      expect(answer.status).toBe(400);
      expect(answer.text).toContain('amount is missing');
      expect(amounts).toEqual([30]);
    });

    it("takes the declaration's parser", async () => {
      const amounts: number[] = [];
      const of = declareBranch('http://bank/debit', parseAmount);
      const url = await served(branch((call) => void amounts.push(call.payload.amount), { of, onError: () => {} }));
      const answers = [await callOf(url), await callOf(url, { body: '{}' })];
      expect(answers.map((answer) => answer.status)).toEqual([200, 400]);
      expect(amounts).toEqual([30]);
    });

    it.each(['gid', 'trans_type', 'branch_id', 'op'])('answers 400 to a call without %s', async (parameter) => {
      const query = new URLSearchParams(CALL);
      query.delete(parameter);
      const answer = await called(() => {}, { onError: () => {} }, { query: query.toString() });
      expect(answer.status).toBe(400);
      expect(answer.text).toContain(parameter);
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
      const long = JSON.stringify(['x'.repeat(1024 * 1024)]);
      const tooLong = await called((call) => calls.push(call), { onError: () => {} }, { body: long });
      expect([torn.status, tooLong.status, calls]).toEqual([400, 413, []]);
    });

    it('does nothing when it is called with HEAD, which frameworks route like GET', async () => {
      const calls: unknown[] = [];
      const url = await served(branch((call) => void calls.push(call), { onError: () => {} }));
      const response = await request(`${url}?${CALL}`, { method: 'HEAD' });
      await response.body.dump();
      expect([response.statusCode, calls]).toEqual([405, []]);
    });

    it('knows the current branch in whatever the handler awaits, and nowhere else', async () => {
      const seen: unknown[] = [];
      const url = await served(
        branch(async (call) => {
          await new Promise((resolve) => setImmediate(resolve));
          seen.push(currentBranch() === call);
          return branchUrl('http://ledger/note?page=2');
        }),
      );
      const answers = await Promise.all([callOf(url), callOf(url, { query: CALL.replace('g-1', 'g-2') })]);
      expect(answers.map((answer) => json(answer.text)?.['result'])).toEqual([
        `http://ledger/note?page=2&${CALL}`,
        `http://ledger/note?page=2&${CALL.replace('g-1', 'g-2')}`,
      ]);
      expect(seen).toEqual([true, true]);
      expect(currentBranch()).toBeUndefined();
      expect(() => branchUrl('http://ledger/note')).toThrow(TypeError);
    });

    it('behind a barrier, works once with its transaction and succeeds every time', async () => {
      const barrier = new FakeBarrier();
      const of = declareBranch('http://bank/debit', parseAmount);
      const url = await served(
        branch(barrier, (call, tx) => (tx.push(`take ${call.payload.amount}`), currentBranch()?.gid), { of }),
      );
      const answers = [await callOf(url), await callOf(url)];
      expect(answers.map(({ status, text }) => [status, json(text)])).toEqual([
        [200, { dtm_result: 'SUCCESS', result: 'g-1' }],
        [200, { dtm_result: 'SUCCESS' }],
      ]);
      expect(barrier.committed).toEqual(['take 30']);
    });

    it('behind a barrier, answers a refusal, and takes back what was written', async () => {
      const barrier = new FakeBarrier();
      const refuse: BarrierHandler<unknown, string[]> = (_call, tx) => {
        tx.push('take 30');
        throw new BranchFailure('the account is closed');
      };
      const answer = await callOf(await served(branch(barrier, refuse)));
      expect([answer.status, json(answer.text)?.['message']]).toEqual([409, 'the account is closed']);
      expect(barrier.committed).toEqual([]);
    });

    it('answers the check-back of a message: 200 when committed, 409 when not', async () => {
      const barrier = new FakeBarrier();
      await barrier.message('g-1', (tx) => tx.push('take 30'));
      const url = await served(checkBack(barrier));
      const committed = await callOf(url, { query: MESSAGE, body: null });
      const refused = await callOf(url, { query: MESSAGE.replace('g-1', 'g-2'), body: null });
      expect([committed.status, refused.status]).toEqual([200, 409]);
      expect(json(refused.text)).toMatchObject({ dtm_result: 'FAILURE' });
    });

    it('answers 500 to a check-back that nobody can answer now, and 400 to a call of a step', async () => {
      const barrier = new FakeBarrier();
      barrier.broken = new Error('the database is down');
      const told: unknown[] = [];
      const url = await served(checkBack(barrier, { onError: (error) => told.push(error) }));
      const unknown = await callOf(url, { query: MESSAGE, body: null });
      const step = await callOf(url);
      expect([unknown.status, step.status]).toEqual([500, 400]);
      expect(told).toHaveLength(2);
    });
  });
}

function parseAmount(body: unknown): { readonly amount: number } {
  if (typeof body !== 'object' || body === null || !('amount' in body)) throw new Error('amount is missing');
  return { amount: Number(body.amount) };
}

/** Undefined for what is not JSON: a framework's own error page. */
function json(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
