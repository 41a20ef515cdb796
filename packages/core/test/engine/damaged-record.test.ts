import { SUCCESS } from '@holdfast/protocol';
import { expect, it } from 'vitest';
import { Engine } from '../../src/engine/index.ts';
import { MemoryStore } from '../../src/memory-store/memory-store.ts';
import type { ClaimResult, StoredTransaction, WriteItem, WriteOutcome } from '../../src/store/index.ts';
import { CREATED_AT_MS, saga } from '../patterns/support/definitions.ts';
import { ManualClock } from '../support/manual-clock.ts';

const context = { principal: { id: 'test', roles: [] }, namespace: 'default' };
const quiet = (): void => {};

/**
 * A store whose record of `bad` is damaged from a moment on: it is read without a version, and no
 * update of it is applied.
 */
class DamagedStore extends MemoryStore {
  isDamaged = false;

  override async write(batch: readonly WriteItem[]): Promise<WriteOutcome[]> {
    if (!this.isDamaged) return super.write(batch);
    const others = await super.write(batch.filter(({ key }) => key.gid !== 'bad'));
    return batch.map(({ key }): WriteOutcome => {
      if (key.gid === 'bad') return { kind: 'conflict', status: 'submitted', version: 0 };
      return others.shift() ?? { kind: 'missing' };
    });
  }

  override async get(keys: Parameters<MemoryStore['get']>[0]): Promise<(StoredTransaction | undefined)[]> {
    const records = await super.get(keys);
    return records.map((record) => {
      if (record === undefined || !this.isDamaged || record.key.gid !== 'bad') return record;
      const nothing = { definition: new Uint8Array(), state: new Uint8Array() };
      return {
        ...record,
        ...nothing,
        version: 0,
        owner: null,
        claims: 0,
        unreadable: 'bytes are missing',
        damaged: true,
      };
    });
  }

  override async claimDue(...query: Parameters<MemoryStore['claimDue']>): Promise<ClaimResult> {
    const claim = await super.claimDue(...query);
    return { ...claim, claimed: claim.claimed.filter(({ key }) => key.gid !== 'bad') };
  }
}

it('a record that is damaged while it is driven costs no other transaction its session', async () => {
  const clock = new ManualClock();
  const store = new DamagedStore(() => CREATED_AT_MS + clock.monotonicMs());
  const calls: string[] = [];
  let sessions = 0;
  const engine = new Engine(
    {
      store,
      clock,
      random: () => 0,
      identities: { newGid: () => 'unused', newSession: () => `A.${++sessions}` },
      caller: {
        destinationOf: () => 'everywhere',
        call: ({ gid, branchId }) => {
          calls.push(`${gid} ${branchId}`);
          return new Promise((resolve) => clock.setTimer(gid === 'bad' ? 1_000 : 20_000, () => resolve(SUCCESS)));
        },
      },
      logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    },
    { retentionMs: 0, progressFlushMs: 100 },
  );
  await engine.start();
  const { steps, payloads } = saga(2);
  for (const gid of ['bad', 'good']) await engine.submit(context, { gid, pattern: 'saga', steps, payloads });
  store.isDamaged = true;
  await clock.advance(60_000);
  expect(engine.load().session).toBe('A.1');
  expect(calls.filter((call) => call.startsWith('good'))).toEqual(['good 01', 'good 02']);
  expect((await store.get([{ namespace: 'default', gid: 'good' }]))[0]?.status).toBe('succeed');
});
