import { SUCCESS } from '@holdfast/protocol';
import { describe, expect, it } from 'vitest';
import { Engine } from '../../src/engine/index.ts';
import { MemoryStore } from '../../src/memory-store/memory-store.ts';
import type { WriteItem, WriteOutcome } from '../../src/store/index.ts';
import { saga } from '../patterns/support/definitions.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { CONTEXT } from './support/insistent-client.ts';

const quiet = (): void => {};

/** A memory store whose writes and heartbeats wait while it is held. */
class HeldStore extends MemoryStore {
  held: Promise<void> = Promise.resolve();

  override async write(batch: readonly WriteItem[]): Promise<WriteOutcome[]> {
    await this.held;
    return super.write(batch);
  }

  override async heartbeat(session: string) {
    await this.held;
    return super.heartbeat(session);
  }
}

async function setUp() {
  const clock = new ManualClock();
  const store = new HeldStore(() => clock.monotonicMs());
  const calls: string[] = [];
  const engine = new Engine(
    {
      store,
      clock,
      random: () => 0,
      identities: { newGid: () => 'unused', newSession: () => 'A.1' },
      caller: {
        destinationOf: () => 'everywhere',
        call: ({ branchId, op }) => {
          calls.push(`${branchId} ${op}`);
          // The first call of a branch takes a minute.
          if (calls.length > 1) return Promise.resolve(SUCCESS);
          return new Promise((resolve) => clock.setTimer(60_000, () => resolve(SUCCESS)));
        },
      },
      logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    },
    { heartbeatMs: 5_000, silenceMs: 15_000, retentionMs: 0 },
  );
  await engine.start();
  const { steps, payloads } = saga(2);
  const submit = () => engine.submit(CONTEXT, { gid: 'g', pattern: 'saga', steps, payloads });
  return { clock, store, calls, submit };
}

describe('the effects of a step', () => {
  it('E1: no branch is called and no caller receives a response before the write that they depend on is applied', async () => {
    const { clock, store, calls, submit } = await setUp();
    let release = quiet;
    store.held = new Promise((resolve) => (release = resolve));
    let responded = false;
    const submitted = submit().then(() => (responded = true));
    await clock.advance(1_000);
    expect([calls, responded]).toEqual([[], false]);
    release();
    await submitted;
    expect(calls).toEqual(['01 action']);
  });

  it('E2: no branch is called once the lease has lapsed, although the previous call has returned', async () => {
    const { clock, store, calls, submit } = await setUp();
    await submit();
    store.held = new Promise(quiet);
    await clock.advance(70_000);
    expect(calls).toEqual(['01 action']);
  });
});
