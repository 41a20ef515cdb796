import { MemoryStore } from '@holdfast/core/memory-store';
import { beforeEach, describe, expect, it } from 'vitest';
import { context, never, Stage } from './support/stage.ts';
import { saga } from './support/transactions.ts';

const HOUR_MS = 3_600_000;

describe('a store clock that is set forward', () => {
  let stage: Stage;
  let aheadMs: number;

  beforeEach(() => {
    aheadMs = 0;
    stage = new Stage((wallMs) => new MemoryStore(() => wallMs() + aheadMs, wallMs));
    stage.respond = ({ gid }) => (gid === 'slow' ? never() : undefined);
  });

  it('ends no live session at the start of a node between the step and the next heartbeats', async () => {
    const a = await stage.started('A');
    await a.engine.submit(context, saga('slow', 1));
    await stage.pass(100);
    aheadMs = HOUR_MS;
    const b = await stage.started('B');
    await stage.pass(60_000);
    expect(await stage.record('slow')).toMatchObject({ owner: 'A.1' });
    expect([a, b].map(({ engine }) => engine.load().session)).toEqual(['A.1', 'B.1']);
  });

  it('ends no live session for a node that has watched it', async () => {
    const [a, b] = [await stage.started('A'), await stage.started('B')];
    await a.engine.submit(context, saga('slow', 1));
    await stage.pass(7_000);
    aheadMs = HOUR_MS;
    await stage.pass(60_000);
    expect([a, b].map(({ engine }) => engine.load().session)).toEqual(['A.1', 'B.1']);
  });
});

describe('the takeover of a crashed node', () => {
  const ownedUntil = async (stage: Stage, fromMs: number): Promise<number> => {
    for (;;) {
      if ((await stage.record('slow'))?.owner !== 'A.1') return stage.world.nowMs - fromMs;
      await stage.pass(100);
    }
  };

  it('happens one silence limit after its last heartbeat if a live node has watched its session', async () => {
    const stage = new Stage();
    stage.respond = () => never();
    const a = await stage.started('A');
    await stage.started('B');
    await a.engine.submit(context, saga('slow', 1));
    await stage.pass(5_100);
    a.kill();
    expect(await ownedUntil(stage, 5_000)).toBeLessThan(15_000 + 1_300);
  });

  it('happens one silence limit after the start of the only other node (J1)', async () => {
    const stage = new Stage();
    stage.respond = () => never();
    const a = await stage.started('A');
    await a.engine.submit(context, saga('slow', 1));
    await stage.pass(5_100);
    a.kill();
    await stage.pass(20_000);
    await stage.started('B');
    const tookMs = await ownedUntil(stage, stage.world.nowMs);
    expect(tookMs).toBeGreaterThan(14_900);
    expect(tookMs).toBeLessThan(15_000 + 1_300);
  });
});
