import { describe, expect, it } from 'vitest';
import { logTextOfThrown } from '../src/index.ts';

const throwing = (): never => {
  throw new Error('read');
};
class BadMessage extends Error {
  override get message(): string {
    return throwing();
  }
}
const ODD: readonly (readonly [string, unknown])[] = [
  ['null', null],
  ['undefined', undefined],
  ['an object without a prototype', Object.create(null)],
  ['a proxy that throws', new Proxy({}, { get: throwing, getPrototypeOf: throwing, has: throwing })],
  ['an error whose message throws', new BadMessage()],
];

describe('the text of a thrown value in a log line', () => {
  it.each(ODD)('exists for %s, also as a cause', (_name, thrown) => {
    expect(logTextOfThrown(thrown)).not.toBe('');
    expect(logTextOfThrown(new Error('the store failed', { cause: thrown }))).toContain('Error: the store failed');
  });

  it('names each cause once', () => {
    const root = new Error('ECONNRESET');
    const wrapped = new TypeError('the query failed', { cause: root });
    expect(logTextOfThrown(new Error('no write', { cause: wrapped }))).toBe(
      'Error: no write: caused by TypeError: the query failed: caused by Error: ECONNRESET',
    );
    expect(logTextOfThrown(new Error('no write: ECONNRESET', { cause: root }))).toBe('Error: no write: ECONNRESET');
  });

  it('is bounded, also with an endless chain of causes', () => {
    const endless = new Error('a');
    endless.cause = endless;
    expect(logTextOfThrown(endless)).toBe('Error: a');
    let deep = new Error(`${'x'.repeat(50)} 0`);
    for (let i = 1; i < 1_000; i++) deep = new Error(`${i} of many`, { cause: deep });
    expect(logTextOfThrown(deep).split('caused by')).toHaveLength(11);
    expect(logTextOfThrown(new Error('y'.repeat(100_000)))).toHaveLength(2_000);
  });
});
