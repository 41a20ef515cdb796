import { SUCCESS, type BranchResult } from '@holdfast/protocol';
import type { BranchRequest } from '@holdfast/core';
import type { EngineOptions } from '@holdfast/core/engine';
import type { StoredTransaction, WriteItem } from '@holdfast/core/store';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Actor, context, Stage } from './support/stage.ts';
import { saga } from './support/transactions.ts';

const LATENCY_MS = 50;
const TRANSACTIONS = 200;
const OPTIONS: Partial<EngineOptions> = { heartbeatMs: 500, silenceMs: 2_000, maxCallsPerDestination: TRANSACTIONS };
const gids = Array.from({ length: TRANSACTIONS }, (_, i) => `g${i}`);

/** Transactions that were in progress on nodes that ended. */
describe('after repeated crashes, of the transactions that were in progress', () => {
  let stage: Stage;
  let node: Actor;
  let nodes: number;
  /** Gids called since the present node started. */
  let called: Set<string>;
  /** The present node ends when it calls a branch of one of these. */
  let deadly: ReadonlySet<string>;

  const start = async (options: Partial<EngineOptions> = OPTIONS): Promise<void> => {
    called = new Set();
    node = await stage.started(`N${nodes++}`, options);
  };
  const respond = ({ gid }: BranchRequest): Promise<BranchResult> => {
    called.add(gid);
    if (deadly.has(gid)) {
      node.kill();
      return new Promise(() => {});
    }
    return new Promise((resolve) => stage.world.after(LATENCY_MS, () => resolve(SUCCESS)));
  };
  const records = async (): Promise<StoredTransaction[]> => {
    const all = await Promise.all(gids.map((gid) => stage.record(gid)));
    return all.filter((record) => record !== undefined);
  };
  const submitAll = async (): Promise<void> => {
    for (const gid of gids) await node.engine.submit(context, { ...saga(gid, 1), gid });
  };
  const firstCalls = async (): Promise<void> => {
    for (let ms = 0; node.calls.length === 0 && ms < 10_000; ms++) await stage.pass(1);
  };
  const inStatus = async (status: string): Promise<string[]> =>
    (await records()).filter((record) => record.status === status).map(({ key }) => key.gid);

  beforeEach(async () => {
    stage = new Stage();
    stage.respond = (request) => respond(request);
    nodes = 1;
    deadly = new Set();
    await start();
  });

  it('only the one that crashes its node whenever it is driven is parked, and all others finish (TR1)', async () => {
    stage.respond = () => new Promise(() => {});
    await submitAll();
    node.kill();
    stage.respond = (request) => respond(request);
    deadly = new Set(['g77']);
    // Each node in turn: it claims what its predecessor left, and ends unless g77 is parked by now.
    for (let i = 0; i < 10; i++) {
      await start();
      await stage.pass(6_000);
    }
    await stage.pass(60_000);
    const parked = (await records()).filter((record) => record.attention).map(({ key }) => key.gid);
    expect(parked).toEqual(['g77']);
    expect(await inStatus('submitted')).toEqual(['g77']);
    expect(await inStatus('succeed')).toHaveLength(TRANSACTIONS - 1);
  });

  it('all are driven at once after a single crash', async () => {
    stage.respond = () => new Promise(() => {});
    await submitAll();
    node.kill();
    await start();
    stage.respond = (request) => respond(request);
    await firstCalls();
    await stage.pass(LATENCY_MS / 2);
    expect(called.size).toBe(TRANSACTIONS);
    expect(await inStatus('succeed')).toEqual([]);
  });

  it('all are driven at once by each node of a rolling restart, though their calls hang when it drains', async () => {
    stage.respond = () => new Promise(() => {});
    await submitAll();
    for (let i = 0; i < 8; i++) {
      const old = node;
      old.engine.retire();
      const drained = old.engine.drain(100);
      await stage.pass(200);
      await drained;
      await start();
      await stage.pass(1_200);
      expect(node.calls.length, `replacement ${i}`).toBe(TRANSACTIONS);
    }
  });

  it('those that are deferred after a second crash are released before any suspect is driven', async () => {
    stage.respond = () => new Promise(() => {});
    await submitAll();
    node.kill();
    await start();
    await firstCalls();
    expect(node.calls).toHaveLength(TRANSACTIONS);
    // Within the time in which progress may stay unwritten.
    node.kill();
    await start();
    await firstCalls();
    const owned = (await records()).filter((record) => record.owner !== null);
    expect(node.calls).toHaveLength(64);
    expect(owned).toHaveLength(64);
  });

  it('one that is force-stopped while it is deferred is not driven any more', async () => {
    const options = { ...OPTIONS, maxClaims: 3 };
    stage.respond = () => new Promise(() => {});
    for (const gid of ['a', 'b']) await node.engine.submit(context, { ...saga(gid, 1), gid });
    node.kill();
    await start(options);
    await firstCalls();
    node.kill();
    node = stage.actor(`N${nodes++}`, options);
    let stopped = '';
    node.always('write', async (carryOut, [batch]) => {
      for (const item of batch as readonly WriteItem[]) {
        if (item.kind !== 'update' || item.owner !== null || stopped !== '') continue;
        stopped = item.key.gid;
        await stage.store.write([{ ...item, writeId: 'of another node', status: 'failed' }]);
      }
      return carryOut();
    });
    await node.engine.start();
    await stage.pass(30_000);
    expect(stopped).not.toBe('');
    expect(node.calls.map(({ gid }) => gid)).not.toContain(stopped);
    expect(node.calls.length).toBeGreaterThan(0);
  });
});
