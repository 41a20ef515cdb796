import { setTimeout as delay } from 'node:timers/promises';
import { BranchFailure, BranchOngoing, resultOfHttp } from '@holdfast/protocol';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { BranchCallContext } from '../../src/participants/call.ts';
import { rejectingThenable, STRANGE_VALUES, throwingThenable } from '@holdfast/testing/strange-values';
import { MESSAGE, type Participant } from './harness.ts';

/** The response of a participant to what its handler returns or throws. */
export function responseCases<Route>({ branch, checkBack, served, callOf, called }: Participant<Route>): void {
  it('responds with JSON', async () => {
    const response = await callOf(await served(branch(() => {})));
    expect(response.type).toMatch(/^application\/json/);
  });

  it('waits for an asynchronous handler, and reports success for any value it returns', async () => {
    const response = await called(async () => Promise.resolve({ dtm_result: 'FAILURE', state: 'ONGOING' }));
    expect(response.body).toEqual({ dtm_result: 'SUCCESS', result: { dtm_result: 'FAILURE', state: 'ONGOING' } });
    expect(response.text).not.toMatch(/FAILURE|ONGOING/);
    expect(resultOfHttp(response.status, response.text).kind).toBe('SUCCESS');
  });

  it.each([
    ['an object', { seat: '12A' }],
    ['a text', 'seat 12A'],
    ['a number', 0],
    ['false', false],
    ['null', null],
    ['words and backslashes', '\\FAILURE \\\\ONGOING "FAILURE"'],
  ])('responds with the value that the handler returned: %s', async (_what, value) => {
    const response = await called(() => value);
    expect(response.body).toEqual({ dtm_result: 'SUCCESS', result: value });
  });

  it('omits a value that cannot be serialized, since the work is done, and notifies the hook', async () => {
    const notes: unknown[] = [];
    const onError = (error: unknown) => notes.push(error);
    const unspeakable = await called(() => ({ count: 1n }), { onError });
    const tooLong = await called(() => 'x'.repeat(1024 * 1024), { onError });
    expect([unspeakable, tooLong].map((response) => [response.status, response.body])).toEqual([
      [200, { dtm_result: 'SUCCESS' }],
      [200, { dtm_result: 'SUCCESS' }],
    ]);
    expect(notes).toEqual([expect.any(TypeError), expect.any(RangeError)]);
  });

  it('responds to BranchFailure with 409 FAILURE and the reason', async () => {
    const notes: unknown[] = [];
    const refuse = () => Promise.reject(new BranchFailure('the card was declined'));
    const response = await called(refuse, { onError: (error) => notes.push(error) });
    expect(response.status).toBe(409);
    expect(response.body).toEqual({ dtm_result: 'FAILURE', message: 'the card was declined' });
    expect(notes).toEqual([]);
  });

  it('responds to BranchOngoing with 425 ONGOING', async () => {
    const response = await called(() => Promise.reject(new BranchOngoing('the courier is on the way')));
    expect(response.status).toBe(425);
    expect(response.body).toEqual({ dtm_result: 'ONGOING', message: 'the courier is on the way' });
  });

  it('never lets a word in a reason override the result', async () => {
    const failure = await called(() => Promise.reject(new BranchFailure('no more ONGOING orders')));
    expect(failure.text).not.toContain('ONGOING');
    expect(failure.body).toEqual({ dtm_result: 'FAILURE', message: 'no more ONGOING orders' });
  });

  it('responds to any other error with 500 and its message without the stack, and notifies the hook', async () => {
    const notes: unknown[] = [];
    const error = new TypeError('the database is locked');
    const response = await called(() => Promise.reject(error), {
      onError: (thrown, call) => notes.push({ thrown, gid: call?.gid }),
    });
    expect(response).toMatchObject({ status: 500, body: { message: 'the database is locked' } });
    expect(notes).toEqual([{ thrown: error, gid: 'g-1' }]);
  });

  it('never mistakes an unknown error for a decision, whatever its message contains', async () => {
    const response = await called(() => Promise.reject(new Error('FAILURE of the disk, ONGOING')), {
      onError: () => {},
    });
    expect(response).toMatchObject({ status: 500, body: { message: 'FAILURE of the disk, ONGOING' } });
    expect(response.text).not.toMatch(/FAILURE|ONGOING/);
    expect(resultOfHttp(response.status, response.text).kind).toBe('UNKNOWN');
  });

  it('without a hook, an error that is not a decision becomes a process warning with its stack', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    try {
      const bug = new TypeError("cannot read 'amount' of undefined");
      await called(() => Promise.reject(bug));
      await called(() => Promise.reject(new BranchFailure('sold out')));
      await called(() => Promise.reject(new BranchOngoing('later')));
      const notes = await vi.waitUntil(() => {
        const ours = warnings.filter(({ name }) => name === 'HoldfastWarning');
        return ours.length > 0 && ours;
      });
      expect(notes.map(({ message }) => message)).toEqual([
        "an error in action of branch 01 of saga g-1: cannot read 'amount' of undefined",
      ]);
      expect(notes[0]).toMatchObject({ detail: bug.stack });
    } finally {
      process.off('warning', onWarning);
    }
  });

  it('responds although the hook throws', async () => {
    const onError = () => {
      throw new Error('the log is full');
    };
    await expect(called(() => Promise.reject(new Error('no')), { onError })).resolves.toMatchObject({ status: 500 });
  });

  it.each([
    ['throws', () => Promise.reject(new Error('the log is full'))],
    ['returns a thenable that rejects', () => rejectingThenable(new Error('full'))],
    ['returns a thenable that throws', () => throwingThenable(new Error('full'))],
  ])('responds although the hook is asynchronous and %s, and the process continues', async (_what, onError) => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    onTestFinished(() => void process.off('unhandledRejection', note));
    await expect(called(() => Promise.reject(new Error('no')), { onError })).resolves.toMatchObject({ status: 500 });
    await delay(5);
    expect(unhandled).toEqual([]);
  });

  it('accepts an asynchronous parser: its result is the payload, and its rejection causes a 400', async () => {
    const seen: unknown[] = [];
    const read = (call: BranchCallContext) => void seen.push(call.payload);
    await called(read, { parse: (body: unknown) => Promise.resolve(body) as unknown });
    expect(seen).toEqual([{ amount: 30 }]);
    const refuse = () => Promise.reject(new Error('no amount')) as unknown;
    await expect(called(read, { parse: refuse, onError: () => undefined })).resolves.toMatchObject({ status: 400 });
    expect(seen).toHaveLength(1);
  });

  it('responds with 500 when the handler throws a value that cannot be inspected, 400 when the parser does, whatever the hook throws', async () => {
    const responses: [what: string, statuses: number[]][] = [];
    let thrown: () => unknown = () => undefined;
    let notes = 0;
    const strange = (): never => {
      throw thrown();
    };
    const note = () => void notes++;
    const barrier = { checkBack: strange, run: strange, message: strange };
    const urls = [
      await served(branch(strange, { onError: note })),
      await served(branch(() => Promise.resolve().then(strange), { onError: strange })),
      await served(branch(() => 1, { parse: strange, onError: note })),
    ];
    const check = await served(checkBack(barrier, { onError: note }));
    for (const [what, value] of STRANGE_VALUES) {
      thrown = value;
      const statuses: number[] = [];
      for (const url of urls) statuses.push((await callOf(url)).status);
      statuses.push((await callOf(check, { query: MESSAGE })).status);
      responses.push([what, statuses]);
    }
    expect(responses).toEqual(STRANGE_VALUES.map(([what]) => [what, [500, 500, 400, 500]]));
    expect(notes).toBe(3 * STRANGE_VALUES.length);
  });

  it('without a hook, a value that cannot be inspected becomes a process warning', async () => {
    const emitted = vi.spyOn(process, 'emitWarning').mockReturnValue();
    onTestFinished(() => emitted.mockRestore());
    let thrown: () => unknown = () => undefined;
    const strange = (): never => {
      throw thrown();
    };
    const url = await served(branch(() => Promise.resolve().then(strange)));
    for (const [, value] of STRANGE_VALUES) {
      thrown = value;
      await callOf(url);
    }
    expect(emitted).toHaveBeenCalledTimes(STRANGE_VALUES.length);
  });
}
