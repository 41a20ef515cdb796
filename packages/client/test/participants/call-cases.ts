import { expect, it } from 'vitest';
import { declareBranch } from '../../src/branch-declaration.ts';
import { branchUrl, currentBranch } from '../../src/participants/branch-context.ts';
import { CALL, json, parseAmount, type Participant } from './harness.ts';

/** How a participant reads its calls, on any transport. */
export function callCases<Route>({ branch, served, callOf, called }: Participant<Route>): void {
  it('passes the transaction, branch, op and payload to the handler', async () => {
    const calls: unknown[] = [];
    const query = `${CALL}&customer=ana`;
    const response = await called(
      ({ query: all, ...call }) => void calls.push({ ...call, customer: all.get('customer') }),
      {},
      { query },
    );
    expect(response).toMatchObject({ status: 200, text: '{"dtm_result":"SUCCESS"}' });
    const call = { gid: 'g-1', transType: 'saga', branchId: '01', op: 'action', payload: { amount: 30 } };
    expect(JSON.parse(JSON.stringify(calls))).toEqual([{ ...call, customer: 'ana' }]);
  });

  it('is called with GET, or with POST and no body, when the step has no payload', async () => {
    const payloads: unknown[] = [];
    const url = await served(branch((call) => void payloads.push(call.payload)));
    const responses = [await callOf(url, { body: null }), await callOf(url, { body: '' })];
    expect(responses.map((response) => response.status)).toEqual([200, 200]);
    expect(payloads).toEqual([undefined, undefined]);
  });

  it('accepts any JSON as a payload', async () => {
    const payloads: unknown[] = [];
    const url = await served(branch((call) => void payloads.push(call.payload)));
    for (const body of ['[1,"ü"]', '{}', '{"a":{"b":null}}']) await callOf(url, { body });
    expect(payloads).toEqual([[1, 'ü'], {}, { a: { b: null } }]);
  });

  it('gives the payload the type of its parser, and responds with 400 to one that does not match', async () => {
    const amounts: number[] = [];
    await called((call) => amounts.push(call.payload.amount), { parse: parseAmount });
    expect(amounts).toEqual([30]);
    const response = await called(
      (call) => amounts.push(call.payload.amount),
      { parse: parseAmount, onError: () => {} },
      { body: '{}' },
    );
    expect(response.status).toBe(400);
    expect(response.text).toContain('amount is missing');
    expect(amounts).toEqual([30]);
  });

  it("uses the declaration's parser", async () => {
    const amounts: number[] = [];
    const of = declareBranch('http://bank/debit', parseAmount);
    const url = await served(branch((call) => void amounts.push(call.payload.amount), { of, onError: () => {} }));
    const responses = [await callOf(url), await callOf(url, { body: '{}' })];
    expect(responses.map((response) => response.status)).toEqual([200, 400]);
    expect(amounts).toEqual([30]);
  });

  it.each(['gid', 'trans_type', 'branch_id', 'op'])('responds with 400 to a call without %s', async (parameter) => {
    const query = new URLSearchParams(CALL);
    query.delete(parameter);
    const response = await called(() => {}, { onError: () => {} }, { query: query.toString() });
    expect(response.status).toBe(400);
    expect(response.text).toContain(parameter);
  });

  it('responds with 400 to a pattern that does not exist and to a gid that is too long', async () => {
    const onError = () => {};
    const pattern = await called(() => {}, { onError }, { query: CALL.replace('saga', 'sagas') });
    const long = await called(() => {}, { onError }, { query: CALL.replace('g-1', 'g'.repeat(129)) });
    expect([pattern.status, long.status]).toEqual([400, 400]);
  });

  it('responds with 400 to a body that is not UTF-8 (Latin-1, cut off, overlong, half a surrogate) and does not call the handler', async () => {
    const calls: unknown[] = [];
    const url = await served(branch((call) => void calls.push(call.payload), { onError: () => {} }));
    const around = (bytes: readonly number[]): Buffer =>
      Buffer.concat([Buffer.from('{"name":"'), Buffer.from(bytes), Buffer.from('"}')]);
    for (const bytes of [[0xe9], [0xe2, 0x82], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80]]) {
      const { status, text } = await callOf(url, { body: around(bytes) });
      expect([status, text]).toEqual([400, expect.stringContaining('UTF-8')]);
    }
    expect(calls).toEqual([]);
    // A four-byte character is valid, however the body is split into chunks.
    expect((await callOf(url, { body: around([0xf0, 0x9f, 0x8d, 0xb7]) })).status).toBe(200);
    expect(calls).toEqual([{ name: '🍷' }]);
  });

  it('responds with 400 to a body that is not JSON, and with 413 to one that is too long', async () => {
    const calls: unknown[] = [];
    const torn = await called((call) => calls.push(call), { onError: () => {} }, { body: '{"amount":' });
    const long = JSON.stringify(['x'.repeat(1024 * 1024)]);
    const tooLong = await called((call) => calls.push(call), { onError: () => {} }, { body: long });
    expect([torn.status, tooLong.status, calls]).toEqual([400, 413, []]);
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
    const responses = await Promise.all([callOf(url), callOf(url, { query: CALL.replace('g-1', 'g-2') })]);
    expect(responses.map((response) => json(response.text)?.['result'])).toEqual([
      `http://ledger/note?page=2&${CALL}`,
      `http://ledger/note?page=2&${CALL.replace('g-1', 'g-2')}`,
    ]);
    expect(seen).toEqual([true, true]);
    expect(currentBranch()).toBeUndefined();
    expect(() => branchUrl('http://ledger/note')).toThrow(TypeError);
  });
}
