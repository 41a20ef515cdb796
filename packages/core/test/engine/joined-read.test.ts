import { branchResult, type TransactionKey } from '@holdfast/protocol';
import { expect, it } from 'vitest';
import { Engine } from '../../src/engine/index.ts';
import { MemoryStore } from '../../src/memory-store/memory-store.ts';
import type { Store, StoredTransaction } from '../../src/store/index.ts';
import { CREATED_AT_MS } from '../patterns/support/definitions.ts';
import { ManualClock } from '../support/manual-clock.ts';

const context = { principal: { id: 'test', roles: [] }, namespace: 'default' };
const quiet = (): void => {};

/** The test decides when the result of `get` is delivered. */
class SlowStore extends MemoryStore {
  readonly #reads: (() => void)[] = [];

  override async get(keys: readonly TransactionKey[]): Promise<(StoredTransaction | undefined)[]> {
    const records = await super.get(keys);
    await new Promise<void>((resolve) => this.#reads.push(resolve));
    return records;
  }

  deliver(): void {
    this.#reads.shift()?.();
  }
}

async function node(name: string, clock: ManualClock, store: Store): Promise<Engine> {
  const engine = new Engine(
    {
      store,
      clock,
      random: () => 0,
      identities: { newGid: () => 'unused', newSession: () => `${name}.1` },
      caller: { destinationOf: () => 'everywhere', call: () => Promise.resolve(branchResult('UNKNOWN', 'not yet')) },
      logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    },
    {},
  );
  await engine.start();
  return engine;
}

it('a command that arrives while its transaction is being read is decided by a later read', async () => {
  const clock = new ManualClock();
  const store = new SlowStore(() => CREATED_AT_MS + clock.monotonicMs());
  const [a, b] = [await node('A', clock, store), await node('B', clock, store)];

  const outcomes: string[] = [];
  const note = (what: string, command: Promise<unknown>): void =>
    void command.then(
      () => outcomes.push(`${what}: done`),
      (error: Error) => outcomes.push(`${what}: ${error.message}`),
    );
  note('the command before', a.abort(context, { gid: 'g', pattern: 'tcc', reason: 'no' }));
  await clock.advance(10);
  await b.prepare(context, { gid: 'g', pattern: 'tcc' });
  note('the command after', a.abort(context, { gid: 'g', pattern: 'tcc', reason: 'no' }));
  await clock.advance(10);
  store.deliver();
  await clock.advance(10);
  store.deliver();
  await clock.advance(10);

  expect(outcomes).toEqual(['the command before: there is no transaction with gid g', 'the command after: done']);
});
