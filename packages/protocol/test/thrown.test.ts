import { setTimeout } from 'node:timers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { rejectingThenable, STRANGE_VALUES, throwingThenable } from '@holdfast/testing/strange-values';
import {
  BranchFailure,
  callHook,
  HoldfastError,
  readableThrown,
  resultOfThrown,
  stackOfThrown,
  textOfThrown,
} from '../src/index.ts';

describe('a thrown value', () => {
  it.each(STRANGE_VALUES)('has a text, whatever it is: %s', (_what, value) => {
    expect(typeof textOfThrown(value())).toBe('string');
    expect(['string', 'undefined']).toContain(typeof stackOfThrown(value()));
    expect(resultOfThrown(value())).toMatchObject({ kind: 'UNKNOWN' });
    expect(HoldfastError.from(value())).toMatchObject({ code: 'internal' });
  });

  it.each(STRANGE_VALUES)('can be read and logged once it was replaced: %s', (_what, value) => {
    const readable = readableThrown(value());
    const read = (): unknown =>
      readable instanceof Error && [readable.name, readable.message, readable.stack, readable.cause];
    expect(read).not.toThrow();
    expect(readableThrown(readable)).toBe(readable);
  });

  it('that can be read stays the same', () => {
    const cause = new BranchFailure('sold out', { cause: { odd: true } });
    for (const thrown of [cause, new Error('no', { cause }), 'text', null, undefined, 7, { message: 'plain' }])
      expect(readableThrown(thrown)).toBe(thrown);
  });

  it('that refers to itself as its cause is read in bounded time', () => {
    const error = new Error('circular');
    error.cause = error;
    expect(readableThrown(error)).toBe(error);
  });
});

describe('a hook', () => {
  const refusal = new Error('the pager is broken');
  it.each([
    [
      'throws',
      () => {
        throw refusal;
      },
    ],
    ['rejects', () => Promise.reject(refusal)],
    ['returns a thenable that rejects', () => rejectingThenable(refusal)],
    ['returns a thenable that throws', () => throwingThenable(refusal)],
  ])('that %s is contained, and its failure reported once', async (_what, hook) => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    onTestFinished(() => void process.off('unhandledRejection', note));
    const reported: unknown[] = [];
    callHook(hook, (thrown) => void reported.push(thrown));
    callHook(hook, hook);
    callHook(hook);
    await new Promise((resolve) => void setTimeout(resolve, 5));
    expect(reported).toEqual([refusal]);
    expect(unhandled).toEqual([]);
  });
});
