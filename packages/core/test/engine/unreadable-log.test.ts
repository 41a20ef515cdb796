import { SUCCESS } from '@holdfast/protocol';
import { expect, it } from 'vitest';
import { UnreadableLog } from '../../src/engine/unreadable-log.ts';
import { Engine } from '../../src/engine/index.ts';
import { MemoryStore } from '../../src/memory-store/memory-store.ts';
import type { StoredTransaction } from '../../src/store/index.ts';
import { CREATED_AT_MS, saga } from '../patterns/support/definitions.ts';
import { ManualClock } from '../support/manual-clock.ts';

const quiet = (): void => {};

function logOf(clock: ManualClock) {
  const lines: string[] = [];
  const error = (fields: object): void => void lines.push(JSON.stringify(fields));
  return { lines, logger: { debug: quiet, info: quiet, warn: quiet, error }, clock };
}

it('a record that cannot be read is logged once in five minutes for each cause', async () => {
  const { lines, ...dependencies } = logOf(new ManualClock());
  const log = new UnreadableLog(dependencies);
  const meet = (gid: string, cause: string): void => log.met(gid, gid, new Error(cause));
  for (let times = 0; times < 3; times++) meet('a', 'cut short');
  meet('b', 'cut short');
  meet('a', 'format 9');
  expect(lines).toHaveLength(3);
  await dependencies.clock.advance(300_000);
  meet('a', 'format 9');
  expect(lines).toHaveLength(4);
});

it('remembers a bounded number of records, the latest', () => {
  const { lines, ...dependencies } = logOf(new ManualClock());
  const log = new UnreadableLog(dependencies);
  for (let gid = 0; gid <= 1_000; gid++) log.met(`${gid}`, `${gid}`, new Error('cut short'));
  log.met('1000', '1000', new Error('cut short'));
  expect(lines).toHaveLength(1_001);
  log.met('0', '0', new Error('cut short'));
  expect(lines).toHaveLength(1_002);
});

/** A store whose records are damaged. */
class DamagedStore extends MemoryStore {
  isDamaged = false;

  override async get(keys: Parameters<MemoryStore['get']>[0]): Promise<(StoredTransaction | undefined)[]> {
    const records = await super.get(keys);
    return records.map((record) =>
      record === undefined || !this.isDamaged ? record : { ...record, state: new Uint8Array([99]) },
    );
  }
}

it('failed commands on one damaged record are logged once', async () => {
  const clock = new ManualClock();
  const { lines, logger } = logOf(clock);
  const store = new DamagedStore(() => CREATED_AT_MS + clock.monotonicMs());
  const engine = new Engine({
    store,
    clock,
    logger,
    random: () => 0,
    identities: { newGid: () => 'unused', newSession: () => 'A.1' },
    caller: { destinationOf: () => 'everywhere', call: () => Promise.resolve(SUCCESS) },
  });
  await engine.start();
  const context = { principal: { id: 'test', roles: [] }, namespace: 'default' };
  const { steps, payloads } = saga(1);
  await engine.prepare(context, { gid: 'g', pattern: 'msg', steps, payloads, queryPrepared: 'http://a/' });
  await clock.advance(1_000);
  store.isDamaged = true;
  for (let times = 0; times < 3; times++) {
    const rejected = expect(engine.retryNow(context, 'g')).rejects.toThrow('cannot be read');
    await clock.advance(1_000);
    await rejected;
  }
  expect(lines).toHaveLength(1);
});
