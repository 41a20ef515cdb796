import { SUCCESS, type BranchResult, branchResult } from '@holdfast/protocol';
import type { EngineOptions } from '@holdfast/core/engine';
import type { WriteItem } from '@holdfast/core/store';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Actor, context, never, Stage } from './support/stage.ts';

const BYTES = new Uint8Array(0);

/** A saga of concurrent steps without compensations, all at one host. */
const sagaAt = (host: string, gid: string, steps = 1) => ({
  gid,
  pattern: 'saga' as const,
  steps: Array.from({ length: steps }, (_, i) => ({ action: `http://${host}/${i}`, compensate: '' })),
  payloads: Array.from({ length: steps }, () => BYTES),
  options: { concurrent: true },
});

describe('a slow destination', () => {
  let stage: Stage;
  let written: string[];

  /** A coordinator whose branches at `slow` take a second each. */
  async function start(options: Partial<EngineOptions>): Promise<Actor> {
    const actor = stage.actor('A', options);
    actor.always('write', (carryOut, [batch]) => {
      written.push(...(batch as readonly WriteItem[]).map(({ key }) => key.gid));
      return carryOut();
    });
    await actor.engine.start();
    await stage.pass(1);
    return actor;
  }

  const succeedAfter = (delayMs: number): Promise<BranchResult> => stage.world.sleep(delayMs).then(() => SUCCESS);

  beforeEach(() => {
    stage = new Stage();
    written = [];
    stage.destinationOf = (url) => new URL(url).host;
    stage.respond = ({ url }) => (url.startsWith('http://slow') ? succeedAfter(1_000) : undefined);
  });

  it('costs few writes and delays no retry to another destination, however much waits for it', async () => {
    const a = await start({ maxCallsPerDestination: 4, maxQueuedPerDestination: 16 });
    for (let i = 0; i < 600; i++) await a.engine.submit(context, sagaAt('slow', `slow${i}`));
    await stage.pass(30_000);
    written.length = 0;
    let attempts = 0;
    stage.respond = ({ url }) => {
      if (url.startsWith('http://slow')) return succeedAfter(1_000);
      return ++attempts === 1 ? Promise.resolve(branchResult('UNKNOWN', 'down')) : undefined;
    };
    await a.engine.submit(context, sagaAt('healthy', 'healthy'));
    await stage.pass(1_200);
    expect((await stage.record('healthy'))?.status).toBe('succeed');
    await stage.pass(60_000 - 1_200);
    // Two or three times each; one attempt per second would be 36,000.
    expect(written.length).toBeLessThan(1_800);
  });

  it('is used without a pause while work waits for it', async () => {
    const a = await start({ maxCallsPerDestination: 4, maxQueuedPerDestination: 16 });
    for (let i = 0; i < 300; i++) await a.engine.submit(context, sagaAt('slow', `slow${i}`));
    await stage.pass(90_000);
    // 75 s are needed at the least.
    expect((await a.engine.counts(context)).byStatus.succeed).toBe(300);
  });

  it('defers the calls of one transaction with one write', async () => {
    const a = await start({ maxCallsPerDestination: 1, maxQueuedPerDestination: 1 });
    stage.respond = () => never();
    for (const gid of ['running', 'waiting']) await a.engine.submit(context, sagaAt('slow', gid));
    const submitted = a.engine.submit(context, sagaAt('slow', 'deferred', 500));
    await stage.pass(150);
    await submitted;
    expect(written.filter((gid) => gid === 'deferred')).toHaveLength(2);
  });

  it('leaves room for other destinations when many calls hang', async () => {
    const a = await start({ maxInProgress: 100 });
    stage.respond = ({ url }) => (url.startsWith('http://hanging') ? never() : undefined);
    for (let i = 0; i < 200; i++) await a.engine.submit(context, sagaAt(`hanging${i % 4}`, `hanging${i}`));
    await stage.pass(1_000);
    expect(a.engine.load().inProgress).toBeLessThan(100);
    await a.engine.submit(context, sagaAt('healthy', 'healthy'));
    await stage.pass(100);
    expect((await stage.record('healthy'))?.status).toBe('succeed');
  });

  it('does not starve other transactions while long ones wait for it', async () => {
    const a = await start({ maxCallsPerDestination: 8 });
    const long = Array.from({ length: 5 }, (_, i) => a.engine.submit(context, sagaAt('slow', `long${i}`, 1_000)));
    await stage.pass(10);
    await Promise.all(long);
    await a.engine.submit(context, sagaAt('slow', 'short'));
    await stage.pass(3_000);
    expect((await stage.record('short'))?.status).toBe('succeed');
  });
});
