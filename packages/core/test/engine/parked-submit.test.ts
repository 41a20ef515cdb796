import { branchResult, type Pattern } from '@holdfast/protocol';
import { expect, it } from 'vitest';
import { parkedRecord } from '../../src/engine/parked-record.ts';
import { Engine } from '../../src/engine/index.ts';
import type { TransactionInput } from '../../src/index.ts';
import { MemoryStore } from '../../src/memory-store/memory-store.ts';
import { CREATED_AT_MS, saga } from '../patterns/support/definitions.ts';
import { ManualClock } from '../support/manual-clock.ts';

const context = { principal: { id: 'test', roles: [] }, namespace: 'default' };
const quiet = (): void => {};
const REASON = 'its payload ended five nodes in a row';

async function world() {
  const clock = new ManualClock();
  const store = new MemoryStore(() => CREATED_AT_MS + clock.monotonicMs());
  const engine = new Engine(
    {
      store,
      clock,
      random: () => 0,
      identities: { newGid: () => 'unused', newSession: () => 'A.1' },
      caller: { destinationOf: () => 'everywhere', call: () => Promise.resolve(branchResult('ONGOING', 'not yet')) },
      logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    },
    { retryIntervalMs: 3_600_000, maxWaitMs: 60_000 },
  );
  await engine.start();
  const park = async (gid: string): Promise<void> => {
    const [record] = await store.get([{ namespace: 'default', gid }]);
    if (record === undefined) throw new Error(`${gid} is not stored`);
    const write = { writeId: 'parked', nowMs: CREATED_AT_MS, alertDue: false };
    await store.write([parkedRecord(record, REASON, write)]);
  };
  return { engine, clock, park };
}

for (const pattern of ['saga', 'msg', 'tcc', 'xa'] as const satisfies readonly Pattern[])
  it(`a submit of a parked ${pattern} that waits for a pass responds at once, with the reason`, async () => {
    const { engine, clock, park } = await world();
    const { steps, payloads } = saga(2);
    const isStepped = pattern === 'saga' || pattern === 'msg';
    const input: TransactionInput = { gid: 'g', pattern, ...(isStepped ? { steps, payloads } : {}) };
    if (isStepped) await engine.submit(context, input);
    else await engine.prepare(context, input);
    await clock.advance(1_000);
    await park('g');

    let outcome: unknown;
    void engine.submit(context, { ...input, options: { waitResult: true } }).then((passed) => (outcome = passed));
    await clock.advance(200);
    expect(outcome).toMatchObject({ waited: true, lastResult: { kind: 'UNKNOWN', reason: `parked: ${REASON}` } });
  });
