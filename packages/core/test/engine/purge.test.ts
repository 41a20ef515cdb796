import { describe, expect, it } from 'vitest';
import { Janitor } from '../../src/engine/janitor.ts';
import { PurgePace } from '../../src/engine/purge-pace.ts';
import { Session } from '../../src/engine/session.ts';
import { NO_OBSERVER } from '../../src/index.ts';
import { MemoryStore } from '../../src/memory-store/memory-store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { KeptLog } from './support/silence.ts';

/**
 * A store that holds a number of finished transactions, and deletes each in `msEach` of the clock.
 */
class FinishedStore extends MemoryStore {
  readonly #clock: ManualClock;
  readonly #msEach: number;
  finished = 0;
  batches: number[] = [];

  constructor(clock: ManualClock, msEach: number) {
    super(() => clock.monotonicMs());
    this.#clock = clock;
    this.#msEach = msEach;
  }

  override async purge({ limit }: { readonly limit: number }): Promise<number> {
    const purged = Math.min(limit, this.finished);
    this.finished -= purged;
    this.batches.push(purged);
    if (purged > 0) await new Promise<void>((done) => this.#clock.setTimer(purged * this.#msEach, done));
    return purged;
  }
}

async function setUp(msEach: number) {
  const clock = new ManualClock();
  const store = new FinishedStore(clock, msEach);
  const logger = new KeptLog();
  const options = { heartbeatMs: 5_000, silenceMs: 15_000, retentionMs: 60_000, node: 'n', version: '1' };
  const session = new Session({
    ...{ store, clock, logger, options },
    random: () => 0.5,
    identities: { newGid: () => 'g', newSession: () => 's1' },
    onLost: () => undefined,
    onWentBack: () => Promise.resolve(),
  });
  await session.start();
  const janitor = new Janitor({
    ...{ store, clock, logger, session, options },
    observer: NO_OBSERVER,
    onReleased: () => undefined,
  });
  janitor.start();
  return { clock, store, janitor };
}

describe('the purge of finished transactions', () => {
  it.each([
    ['a fast store', 0.01, 500_000],
    ['a slow store', 0.2, 50_000],
  ])('deletes a backlog of %s in bounded time and in short batches (P1)', async (_, msEach, backlog) => {
    const { clock, store, janitor } = await setUp(msEach);
    store.finished = backlog;
    await clock.advance(60_000);
    expect(store.finished).toBe(0);
    expect(Math.max(...store.batches) * msEach).toBeLessThanOrEqual(60);
    janitor.stop();
  });

  it('keeps up with 28,000 finished transactions per second', async () => {
    const { clock, store, janitor } = await setUp(0.01);
    const left: number[] = [];
    for (let second = 0; second < 90; second++) {
      for (let tick = 0; tick < 10; tick++) {
        store.finished += 2_800;
        await clock.advance(100);
      }
      left.push(store.finished);
    }
    expect(Math.max(...left.slice(45))).toBeLessThan(28_000 * 15);
    janitor.stop();
  });

  it('leaves most of the time to others while a backlog is young (P2)', () => {
    const pace = new PurgePace();
    let deletingMs = 0;
    let totalMs = 0;
    for (let i = 0; i < 10; i++) {
      const tookMs = pace.batch * 0.05;
      const pauseMs = pace.next(pace.batch, tookMs);
      deletingMs += tookMs;
      totalMs += tookMs + pauseMs;
    }
    expect(deletingMs / totalMs).toBeLessThan(0.25);
  });

  it('searches every half minute when nothing is left, also after a backlog (P3)', async () => {
    const { clock, store, janitor } = await setUp(0.01);
    await clock.advance(300_000);
    const idle = store.batches.length;
    expect(idle).toBeLessThanOrEqual(11);
    store.finished = 100_000;
    await clock.advance(60_000);
    await clock.advance(600_000);
    store.batches = [];
    await clock.advance(300_000);
    expect(store.batches.length).toBeLessThanOrEqual(11);
    janitor.stop();
  });
});
