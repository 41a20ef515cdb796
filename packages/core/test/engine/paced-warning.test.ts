import { describe, expect, it } from 'vitest';
import { PacedWarning } from '../../src/engine/paced-warning.ts';
import { Engine } from '../../src/engine/index.ts';
import type { Logger } from '../../src/index.ts';
import { MemoryStore } from '../../src/memory-store/memory-store.ts';
import { StoreError } from '../../src/store/index.ts';
import { ManualClock } from '../support/manual-clock.ts';

interface Line {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

function recording(): { readonly lines: Line[]; readonly logger: Logger } {
  const lines: Line[] = [];
  const log =
    (level: string): Logger['info'] =>
    (fields, message) =>
      void lines.push({ level, fields, message });
  return { lines, logger: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') } };
}

function unreadable(): unknown {
  const read = (): never => {
    throw new Error('it cannot be read');
  };
  return Object.defineProperty(new Error('away'), 'message', { get: read });
}

const away = new StoreError('unavailable', 'connection refused');

describe('the log lines of a loop whose store is away', () => {
  it.each([
    ['null', null],
    ['an object without a prototype', Object.create(null) as unknown],
    ['an error whose message cannot be read', unreadable()],
  ])('have a text also if %s is thrown', (_name, thrown) => {
    const { lines, logger } = recording();
    new PacedWarning({ clock: new ManualClock(), logger }, 'it failed').failed(thrown);
    expect(lines).toHaveLength(1);
    expect(lines[0]?.fields['error']).not.toBe('');
  });

  it('are one at once, then one with a count at intervals that double up to five minutes, and one at the end', async () => {
    const clock = new ManualClock();
    const { lines, logger } = recording();
    const warning = new PacedWarning({ clock, logger }, 'it failed');
    const startMs = clock.monotonicMs();
    const atS: number[] = [];
    for (let n = 0; n < 4_000; n++) {
      const before = lines.length;
      warning.failed(away);
      if (lines.length > before) atS.push((clock.monotonicMs() - startMs) / 1_000);
      await clock.advance(500);
    }
    expect(atS).toEqual([0, 10, 30, 70, 150, 310, 610, 910, 1_210, 1_510, 1_810]);
    expect(lines.slice(0, 3).map(({ fields }) => fields['failures'])).toEqual([undefined, 20, 40]);
    warning.succeeded();
    warning.succeeded();
    const ends = lines.filter(({ level }) => level === 'info');
    expect(ends).toEqual([
      { level: 'info', message: 'works again: it failed', fields: { failures: 4_000, sinceMs: 2_000_000 } },
    ]);
    warning.failed(away);
    expect(lines.at(-1)).toMatchObject({ level: 'warn', message: 'it failed' });
  });

  it('are separate for each cause', () => {
    const { lines, logger } = recording();
    const warning = new PacedWarning({ clock: new ManualClock(), logger }, 'it failed');
    for (const code of ['unavailable', 'outcome_unknown', 'unavailable'] as const)
      warning.failed(new StoreError(code, code));
    expect(lines).toHaveLength(2);
  });
});

describe('a node whose store is away for an hour', () => {
  it('logs a few dozen lines, and each loop logs that it works again', async () => {
    const clock = new ManualClock();
    const { lines, logger } = recording();
    const store = new MemoryStore(() => clock.wallMs());
    const engine = new Engine({
      store,
      clock,
      logger,
      random: () => 0,
      identities: { newGid: () => 'unused', newSession: () => `A.${clock.monotonicMs()}` },
      caller: { destinationOf: () => 'x', call: () => new Promise(() => {}) },
    });
    const starting = engine.start();
    await clock.advance(5_000);
    await starting;
    const methods = [
      'write',
      'get',
      'versions',
      'claimDue',
      'heartbeat',
      'takeOver',
      'openSession',
      'purge',
      'sessions',
    ] as const;
    const whole = methods.map((method) => [method, store[method]] as const);
    const fail = (): Promise<never> => Promise.reject(away);
    for (const method of methods) Object.assign(store, { [method]: fail });
    const before = lines.length;
    await clock.advance(3_600_000);
    const during = lines.slice(before);
    expect(during.length).toBeGreaterThan(2);
    expect(during.length).toBeLessThan(80);
    for (const [method, works] of whole) Object.assign(store, { [method]: works });
    await clock.advance(120_000);
    const messages = lines.slice(before + during.length).map(({ message }) => message);
    expect(messages.filter((message) => message.startsWith('works again: '))).not.toEqual([]);
    expect(messages).toContain('the store responds again');
  });
});
