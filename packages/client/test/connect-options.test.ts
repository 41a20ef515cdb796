import { describe, expect, it } from 'vitest';
import { connect } from '../src/connect.ts';
import type { ConnectOptions } from '../src/options.ts';
import { withCoordinator } from './support/with-coordinator.ts';

const NUMBERS = ['connections', 'drainMs', 'requestTimeoutMs', 'retryForMs', 'waitTimeoutMs'] as const;
const optionsOf = (name: string, value: unknown): ConnectOptions => ({ [name]: value });

describe('an option of connect()', () => {
  it.each([...NUMBERS, 'headers', 'callbackUrl'])('%s has its default if it is undefined', async (name) => {
    const { hf } = await withCoordinator(optionsOf(name, undefined));
    await expect(hf.tcc(() => 'done', { gid: 'g' })).resolves.toBe('done');
  });

  it('drainMs has its default if it is undefined: close() waits for the work of a tcc', async () => {
    const { hf } = await withCoordinator(optionsOf('drainMs', undefined));
    let end = (): void => undefined;
    let begun = (): void => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    const beginning = new Promise<void>((resolve) => (begun = resolve));
    const work = hf.tcc(() => {
      begun();
      return ended.then(() => 'done');
    });
    await beginning;
    const closed = hf.close();
    setImmediate(end);
    await expect(work).resolves.toBe('done');
    await closed;
  });

  it.each(NUMBERS)('%s must be a number of 0 or more', (name) => {
    for (const value of [NaN, -1, '2000', null])
      expect(() => connect('http://127.0.0.1:1', optionsOf(name, value))).toThrow(
        `connect(): ${name} must be a number of 0 or more, not `,
      );
  });
});
