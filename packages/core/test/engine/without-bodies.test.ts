import { SUCCESS } from '@holdfast/protocol';
import { describe, expect, it } from 'vitest';
import { encodeDefinition } from '../../src/codec/definition-codec.ts';
import { encodeState } from '../../src/codec/state-codec.ts';
import { Engine } from '../../src/engine/index.ts';
import { MemoryStore } from '../../src/memory-store/memory-store.ts';
import { newTransaction } from '../../src/patterns/index.ts';
import type { StoredTransaction } from '../../src/store/index.ts';
import { CREATED_AT_MS, saga } from '../patterns/support/definitions.ts';
import { ManualClock } from '../support/manual-clock.ts';

const context = { principal: { id: 'test', roles: [] }, namespace: 'default' };
const key = { namespace: 'default', gid: 'g' };
const unreadable = 'the server cannot read its bodies';
const NONE = new Uint8Array();

/**
 * A memory store that returns records without their bodies, as a database with a damaged page does.
 */
class PartialStore extends MemoryStore {
  isDamaged = false;

  override async get(...args: Parameters<MemoryStore['get']>) {
    return (await super.get(...args)).map((record) => record && this.#seen(record));
  }

  override async claimDue(...args: Parameters<MemoryStore['claimDue']>) {
    const result = await super.claimDue(...args);
    return { ...result, claimed: result.claimed.map((record) => this.#seen(record)) };
  }

  #seen(record: StoredTransaction): StoredTransaction {
    if (!this.isDamaged) return record;
    return { ...record, definition: NONE, state: NONE, entries: [], unreadable, withoutBodies: true };
  }
}

/** A node, and a saga of two steps in its store that is due. */
async function setUp() {
  const clock = new ManualClock();
  const store = new PartialStore(() => CREATED_AT_MS + clock.monotonicMs());
  const calls: string[] = [];
  const lines: string[] = [];
  const log = (_fields: object, message: string): void => void lines.push(message);
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
          return Promise.resolve(SUCCESS);
        },
      },
      logger: { debug: log, info: log, warn: log, error: log },
    },
    { retentionMs: 0, retryIntervalMs: 1_000 },
  );
  const definition = saga(2);
  const state = { ...newTransaction(key, definition, CREATED_AT_MS).state, status: 'submitted' as const };
  await store.write([
    {
      kind: 'insert',
      key,
      writeId: 'w',
      status: 'submitted',
      owner: null,
      dueInMs: 0,
      attention: false,
      state: encodeState(state),
      pattern: 'saga',
      group: '',
      definition: encodeDefinition(definition),
    },
  ]);
  store.isDamaged = true;
  await engine.start();
  return { clock, store, calls, lines, engine };
}

describe('a claimed record whose bodies the store cannot return', () => {
  it('stays in memory, is read again, and is driven as soon as its bodies are returned', async () => {
    const { clock, store, calls, lines, engine } = await setUp();
    await clock.advance(600_000);
    expect(calls).toEqual([]);
    expect(engine.load().inProgress).toBe(1);
    expect((await store.get([key]))[0]).toMatchObject({ owner: 'A.1', version: 2 });
    const about = lines.filter((line) => line.startsWith('the store cannot return transactions'));
    expect(about.length).toBeGreaterThanOrEqual(1);
    expect(about.length).toBeLessThanOrEqual(8);
    store.isDamaged = false;
    await clock.advance(20_000);
    expect(calls).toEqual(['01 action', '02 action']);
    expect((await store.get([key]))[0]).toMatchObject({ status: 'succeed', owner: null });
    await engine.drain(0);
  });

  it('rejects commands with instructions, and is released at the end of the session', async () => {
    const { clock, store, engine } = await setUp();
    await clock.advance(1_000);
    const command = expect(engine.retryNow(context, 'g')).rejects.toThrow(
      `the record of g cannot be read: ${unreadable}. It was not changed. Repair the store`,
    );
    await clock.advance(20_000);
    await command;
    await engine.drain(0);
    expect((await store.get([key]))[0]?.owner ?? null).toBeNull();
  });
});
