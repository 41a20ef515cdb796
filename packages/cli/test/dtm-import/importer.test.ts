import { MemoryStore } from '@holdfast/core/memory-store';
import { CheckedStore, type Store } from '@holdfast/core/store';
import { transactionOf } from '@holdfast/core/engine';
import type { DtmBranch, DtmGlobal } from '@holdfast/server';
import { describe, expect, it } from 'vitest';
import type { DtmFound, DtmSource } from '../../src/dtm-import/dtm-source.ts';
import { Importer, type ImportResult } from '../../src/dtm-import/importer.ts';

const NOW_MS = Date.UTC(2026, 0, 31);
const AGO_MS = NOW_MS - 20_000;

const globalOf = (fields: Partial<DtmGlobal>): DtmGlobal => ({
  gid: 'g',
  transType: 'saga',
  status: 'submitted',
  protocol: 'http',
  queryPrepared: '',
  options: '{"concurrent":false}',
  customData: '',
  extData: '',
  rollbackReason: '',
  createdAtMs: AGO_MS,
  updatedAtMs: AGO_MS,
  nextCronAtMs: AGO_MS,
  nextCronIntervalSeconds: 10,
  owner: '',
  ...fields,
});

const rowOf = (id: string, op: string, status = 'prepared', path = `/${id}`): DtmBranch => ({
  branchId: id,
  op,
  url: `http://shop${path}`,
  data: Buffer.from(`{"branch":"${id}"}`),
  status,
  createdAtMs: AGO_MS,
  finishedAtMs: status === 'prepared' ? null : AGO_MS,
});

/** `01 succeed` is an action, `01- succeed` its compensation. */
const sagaRows = (...statuses: readonly (readonly [action: string, compensation?: string])[]): DtmBranch[] =>
  statuses.flatMap(([action, compensation = 'prepared'], i) => [
    rowOf(`0${i + 1}`, 'compensate', compensation),
    rowOf(`0${i + 1}`, 'action', action),
  ]);

/** dtm's records in memory. */
class FakeSource implements DtmSource {
  readonly place = 'memory';
  readonly resultsMayBeMissing: boolean;
  readonly taken = new Set<string>();
  /** Called before a transaction is taken. */
  onTake: (gid: string) => void = () => undefined;
  readonly #found: readonly Omit<DtmFound, 'taken'>[];

  constructor(found: readonly Omit<DtmFound, 'taken'>[], resultsMayBeMissing = false) {
    this.#found = found;
    this.resultsMayBeMissing = resultsMayBeMissing;
  }

  signs = (): Promise<readonly string[]> => Promise.resolve([]);
  fingerprint = (): Promise<string> => Promise.resolve('');
  finished = (): Promise<number> => Promise.resolve(0);
  close = (): Promise<void> => Promise.resolve();

  async *unfinished(): AsyncIterable<readonly DtmFound[]> {
    yield this.#found.map((one) => ({ ...one, taken: this.taken.has(one.global.gid) }));
  }

  async take({ global: { gid } }: DtmFound): Promise<boolean> {
    this.onTake(gid);
    this.taken.add(gid);
    return true;
  }
}

const newStore = async (): Promise<Store> => {
  const store = new CheckedStore(
    new MemoryStore(
      () => NOW_MS,
      () => 0,
    ),
  );
  await store.open();
  return store;
};

async function importAll(source: DtmSource, store: Store): Promise<readonly ImportResult[]> {
  const results: ImportResult[] = [];
  const importer = new Importer(source, store);
  for await (const page of source.unfinished()) results.push(...(await importer.import(page)));
  return results;
}

const storeWith = async (found: readonly Omit<DtmFound, 'taken'>[]): Promise<Store> => {
  const store = await newStore();
  await importAll(new FakeSource(found), store);
  return store;
};

const recordOf = async (store: Store, gid = 'g') => {
  const [record] = await store.get([{ namespace: 'default', gid }]);
  if (record === undefined) throw new Error(`no record of ${gid}`);
  return { record, transaction: transactionOf(record) };
};

async function imported(global: Partial<DtmGlobal>, branches: readonly DtmBranch[], resultsMayBeMissing = false) {
  const store = await newStore();
  const results = await importAll(new FakeSource([{ global: globalOf(global), branches }], resultsMayBeMissing), store);
  const [result] = results;
  if (result?.kind === 'refused') return { refused: result.why };
  expect(result?.kind).toBe('imported');
  return recordOf(store);
}

const importedState = async (...args: Parameters<typeof imported>) => {
  const found = await imported(...args);
  if ('refused' in found) throw new Error(found.refused);
  return { ...found.transaction.state, definition: found.transaction.definition, record: found.record };
};

const RETRY_LIMIT = { rollbackReason: 'RetryCount is greater than RetryLimit, RetryLimit: 3' };
const CONCURRENT = '{"concurrent":true,"orders":{"2":[0,1],"3":[2]}}';

describe('a saga of dtm', () => {
  it('keeps its results, and continues with the action whose turn it is', async () => {
    const state = await importedState({}, sagaRows(['succeed'], ['prepared'], ['prepared']));
    expect(state.status).toBe('submitted');
    expect(state.branches.map(({ status, started }) => [status, started])).toEqual([
      ['prepared', false],
      ['succeed', true],
      ['prepared', false],
      ['prepared', true],
      ['prepared', false],
      ['prepared', false],
    ]);
    expect(state.record.dueAtMs).toBe(NOW_MS);
  });

  it.each([
    ['the failed and the earlier steps', {}, ['succeed', 'failed', 'prepared'], [0, 1]],
    ['the step that may have run', RETRY_LIMIT, ['succeed', 'prepared', 'prepared'], [0, 1]],
    ['a step whose result is missing', {}, ['prepared', 'failed', 'prepared'], [0, 1]],
  ])('compensates %s if it is aborting', async (_, fields, actions, compensate) => {
    const rows = sagaRows(...actions.map((status) => [status] as const));
    const state = await importedState({ status: 'aborting', rollbackReason: 'sold out', ...fields }, rows);
    expect([state.status, state.compensate]).toEqual(['aborting', compensate]);
  });

  it('compensates only what is not compensated yet', async () => {
    const rows = sagaRows(['succeed'], ['succeed', 'succeed'], ['failed', 'succeed']);
    const state = await importedState({ status: 'aborting' }, rows);
    expect(state.branches.flatMap(({ status }, i) => (i % 2 === 0 ? [status] : []))).toEqual([
      'prepared',
      'succeed',
      'succeed',
    ]);
  });

  it('compensates all steps if dtm may have lost the results before the failure', async () => {
    const rows = sagaRows(['succeed'], ['prepared'], ['prepared'], ['prepared']);
    const failed = { status: 'aborting', rollbackReason: 'url:http://shop/04 return failed' };
    expect((await importedState(failed, rows, true)).compensate).toEqual([0, 1, 2, 3]);
    expect((await importedState(failed, rows, false)).compensate).toEqual([0, 1]);
    expect((await importedState({ ...failed, ...RETRY_LIMIT }, rows, true)).compensate).toEqual([0, 1]);
  });

  it('compensates all steps if it fails later, if dtm may have lost results', async () => {
    const rows = sagaRows(['succeed'], ['prepared']);
    expect((await importedState({}, rows, true)).unbroken).toBe(false);
    expect((await importedState({}, rows, false)).unbroken).toBe(true);
    expect(
      (
        await importedState(
          { customData: CONCURRENT },
          sagaRows(['succeed'], ['prepared'], ['prepared'], ['prepared']),
          true,
        )
      ).unbroken,
    ).toBe(true);
  });

  it('with dependencies continues with the actions whose dependencies succeeded', async () => {
    const rows = sagaRows(['succeed'], ['prepared'], ['prepared'], ['prepared']);
    const state = await importedState({ customData: CONCURRENT }, rows);
    expect(state.branches.flatMap(({ started }, i) => (i % 2 === 1 ? [started] : []))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    const aborting = await importedState({ customData: CONCURRENT, status: 'aborting' }, rows);
    expect(aborting.compensate).toEqual([0, 1]);
  });

  it('is aborted if an action failed, or its timeout has passed, before dtm decided it', async () => {
    const failed = await importedState({}, sagaRows(['succeed'], ['failed']));
    expect([failed.status, failed.compensate]).toEqual(['aborting', [0, 1]]);
    const late = await importedState({ options: '{"timeout_to_fail":15}' }, sagaRows(['succeed'], ['prepared']));
    expect([late.status, late.rollbackReason]).toEqual(['aborting', 'Timeout after 15 seconds']);
  });

  it('keeps its options, headers and payloads, and times out when it would have in dtm', async () => {
    const options = JSON.stringify({
      timeout_to_fail: 60,
      retry_interval: 7,
      request_timeout: 4,
      retry_limit: 3,
      branch_headers: { 'x-a': '1' },
    });
    const extData = '{"headers":{"x-a":"below","x-b":"2"}}';
    const { definition } = await importedState({ options, extData }, sagaRows(['prepared']));
    expect(definition.startedAtMs).toBe(AGO_MS);
    expect(definition.options).toMatchObject({
      timeoutToFailMs: 60_000,
      retryIntervalMs: 7_000,
      requestTimeoutMs: 4_000,
      retryLimit: 3,
      branchHeaders: { 'x-a': '1', 'x-b': '2' },
    });
    expect(definition.payloads.map((bytes) => Buffer.from(bytes).toString())).toEqual(['{"branch":"01"}']);
  });

  it('keeps bytes that are not a text', async () => {
    const bytes = Buffer.from([0, 255, 128, 10]);
    const rows = sagaRows(['prepared']).map((row) => ({ ...row, url: 'shop:1/busi.Busi/In', data: bytes }));
    const { definition } = await importedState({ protocol: 'grpc' }, rows);
    expect([definition.protocol, Buffer.from(definition.payloads[0] ?? [])]).toEqual(['grpc', bytes]);
  });

  it('is due when dtm would have called it next, with the interval that its failures led to', async () => {
    const waiting = { nextCronAtMs: NOW_MS + 30_000, nextCronIntervalSeconds: 40 };
    const state = await importedState(waiting, sagaRows(['prepared']));
    expect(state.record.dueAtMs).toBe(NOW_MS + 30_000);
    expect(state.branches[1]).toMatchObject({ failures: 2, nextAttemptAtMs: NOW_MS + 30_000 });
  });

  it.each([
    ['incomplete rows', {}, sagaRows(['prepared']).slice(0, 1), 'branches that are not those of its steps'],
    ['an unknown status', { status: 'odd' }, sagaRows(['prepared']), 'its status is "odd"'],
    ['an unknown result', {}, sagaRows(['odd']), 'has the unknown status "odd"'],
    ['options that are not JSON', { options: '{' }, sagaRows(['prepared']), 'options are not a JSON object'],
    ['a URL without a caller', {}, sagaRows(['prepared']).map((row) => ({ ...row, url: 'etcd://a/b' })), 'etcd'],
    ['expired data', { status: 'expired', transType: '' }, [], 'its data have expired in dtm'],
    ['an unknown pattern', { transType: 'odd' }, [], 'trans_type must be one of'],
  ])('is not imported with %s', async (_, fields, rows, why) => {
    expect(await imported(fields, rows)).toEqual({ refused: expect.stringContaining(why) as string });
  });
});

describe.each([
  ['tcc', 'confirm', 'cancel', 3],
  ['xa', 'commit', 'rollback', 1],
])('a %s of dtm', (transType, onSubmit, onAbort, next) => {
  const rows = (first = 'prepared', second = 'prepared'): DtmBranch[] => [
    rowOf('01', onAbort, first),
    rowOf('01', onSubmit, first),
    rowOf('02', onAbort, second),
    rowOf('02', onSubmit, second),
  ];

  it('waits for its client while it is prepared, until its timeout', async () => {
    const state = await importedState({ transType, status: 'prepared', options: '{"timeout_to_fail":60}' }, rows());
    expect([state.status, state.definition.startedAtMs]).toEqual(['prepared', AGO_MS]);
    const late = await importedState({ transType, status: 'prepared', options: '{"timeout_to_fail":15}' }, rows());
    expect([late.status, late.rollbackReason]).toEqual(['aborting', 'Timeout after 15 seconds']);
  });

  it('keeps the results of its branches, and their payloads', async () => {
    const { state, registered } = await imported({ transType, status: 'submitted' }, rows('prepared', 'succeed')).then(
      (found) => {
        if ('refused' in found) throw new Error(found.refused);
        return found.transaction;
      },
    );
    expect(state.branches.map(({ status }) => status)).toEqual(['prepared', 'prepared', 'succeed', 'succeed']);
    expect(registered.map(({ branchId, op, payload }) => [branchId, op, Buffer.from(payload).toString()])).toEqual([
      ['01', onAbort, '{"branch":"01"}'],
      ['01', onSubmit, '{"branch":"01"}'],
      ['02', onAbort, '{"branch":"02"}'],
      ['02', onSubmit, '{"branch":"02"}'],
    ]);
  });

  it('backs off the op that is called next', async () => {
    const fields = { transType, nextCronAtMs: NOW_MS + 15_000, nextCronIntervalSeconds: 20 };
    const state = await importedState(fields, rows());
    expect(state.branches.map(({ failures }) => failures)).toEqual([0, 1, 2, 3].map((i) => (i === next ? 1 : 0)));
  });

  it('is not imported with headers that its gRPC branches could not be called with', async () => {
    const options = '{"branch_headers":{"x-name":"Zoë"}}';
    expect(await imported({ transType, options }, rows())).toHaveProperty('record');
    const overGrpc = rows().map((row) => ({ ...row, url: 'grpc://shop:1/busi.Busi/In' }));
    expect(await imported({ transType, options }, overGrpc)).toEqual({
      refused: expect.stringContaining('x-name') as string,
    });
  });

  it('is not imported with half of a branch', async () => {
    expect(await imported({ transType }, rows().slice(0, 1))).toEqual({ refused: `branch 01 has no ${onSubmit}` });
  });
});

describe('a message of dtm', () => {
  const message = { transType: 'msg', queryPrepared: 'http://shop/query' };

  it('is checked back after its timeout while it is prepared', async () => {
    const fields = { ...message, status: 'prepared', options: '{"timeout_to_fail":50}' };
    const state = await importedState(fields, [rowOf('01', 'action')]);
    expect([state.nextCheckAtMs, state.record.dueAtMs]).toEqual([AGO_MS + 50_000, AGO_MS + 50_000]);
  });

  it('keeps its delay, which counts from its creation', async () => {
    const state = await importedState({ ...message, customData: '{"delay":60}' }, [rowOf('01', 'action')]);
    expect([state.status, state.notBeforeMs]).toEqual(['submitted', AGO_MS + 60_000]);
    expect(state.record.dueAtMs).toBe(AGO_MS + 60_000);
  });

  it('keeps the subscribers of its topics, and what they received', async () => {
    const rows = [rowOf('01-01', 'action', 'succeed'), rowOf('01-02', 'action'), rowOf('02', 'action')];
    const state = await importedState(message, rows);
    expect(state.branches.map(({ status }) => status)).toEqual(['succeed', 'prepared', 'prepared']);
    expect(state.definition.steps[0]?.subscribers).toEqual(['http://shop/01-01', 'http://shop/01-02']);
  });

  it('is not imported with a gid that its gRPC subscriber could not be called with', async () => {
    const rows = [rowOf('01-01', 'action'), rowOf('01-02', 'action')];
    const overGrpc = rows.map((row) => ({ ...row, url: 'grpc://shop:1/busi.Busi/In' }));
    expect(await imported({ ...message, gid: 'ü' }, overGrpc)).toEqual({
      refused: expect.stringContaining('gRPC cannot carry the gid') as string,
    });
  });

  it('is not imported while it is prepared without a check-back', async () => {
    const fields = { ...message, queryPrepared: '', status: 'prepared' };
    expect(await imported(fields, [rowOf('01', 'action')])).toEqual({
      refused: 'it is prepared and has no query_prepared; submit it or abort it in dtm',
    });
  });
});

describe('a workflow of dtm', () => {
  it('keeps its input and its recorded steps, and calls back when dtm would have', async () => {
    const customData = JSON.stringify({ name: 'pay', data: Buffer.from('input').toString('base64') });
    const fields = { transType: 'workflow', status: 'prepared', queryPrepared: 'http://shop/flow', customData };
    const due = { nextCronAtMs: NOW_MS + 5_000 };
    const rows = [rowOf('01', 'action', 'succeed'), rowOf('02', 'action', 'failed')];
    const state = await importedState({ ...fields, ...due }, rows);
    expect(state.branches.map(({ status }) => status)).toEqual(['succeed', 'failed']);
    expect(state.definition.workflowName).toBe('pay');
    expect(Buffer.from(state.definition.workflowData).toString()).toBe('input');
    expect(state.record.dueAtMs).toBe(NOW_MS + 5_000);
  });
});

/** One of each kind of write: without and with registered branches. */
const TWO: readonly Omit<DtmFound, 'taken'>[] = [
  { global: globalOf({ gid: 'saga' }), branches: sagaRows(['succeed'], ['prepared']) },
  {
    global: globalOf({ gid: 'tcc', transType: 'tcc' }),
    branches: [rowOf('01', 'cancel'), rowOf('01', 'confirm')],
  },
];

describe('an import', () => {
  it('leaves the time at which dtm began a transaction as the beginning of its timeout', async () => {
    const { transaction, record } = await recordOf(await storeWith(TWO), 'tcc');
    expect([transaction.createdAtMs, record.createdAtMs]).toEqual([AGO_MS, NOW_MS]);
    expect(transaction.state.timeline.map((line) => (line.kind === 'status' ? line.status : line.kind))).toEqual([
      'prepared',
      'submitted',
      'order',
    ]);
  });

  it('is complete after it was interrupted before or after any step, and repeated', async () => {
    for (const when of ['before', 'after'] as const)
      for (let at = 0, interrupted = true; interrupted; at++) {
        const store = await newStore();
        const source = new FakeSource(TWO);
        interrupted = false;
        let step = 0;
        const crashAt = async <T>(work: () => Promise<T>): Promise<T> => {
          const isHere = step++ === at;
          if (isHere && when === 'before') throw new Crash();
          const result = await work();
          if (isHere) throw new Crash();
          return result;
        };
        const breaking = new Proxy(store, {
          get: (target, name) => {
            if (name === 'write') return (...args: Parameters<Store['write']>) => crashAt(() => target.write(...args));
            const value: unknown = Reflect.get(target, name);
            return typeof value === 'function' ? (value.bind(target) as unknown) : value;
          },
        });
        const broken: DtmSource = Object.assign(Object.create(source) as DtmSource, {
          take: (found: DtmFound) => crashAt(() => source.take(found)),
          unfinished: () => source.unfinished(),
        });
        await importAll(broken, breaking).catch((error: unknown) => {
          if (!(error instanceof Crash)) throw error;
          interrupted = true;
        });
        // Nothing that dtm may still drive is released.
        const claimed = await store.count();
        for (const { global } of TWO) {
          const [record] = await store.get([{ namespace: 'default', gid: global.gid }]);
          if (record !== undefined && !source.taken.has(global.gid)) expect(record.dueAtMs).toBeNull();
        }
        expect(claimed.byStatus.submitted).toBeLessThanOrEqual(TWO.length);
        const results = await importAll(source, store);
        expect(results.map(({ kind }) => kind).every((kind) => kind === 'imported' || kind === 'already')).toBe(true);
        for (const { global } of TWO) {
          const { record, transaction } = await recordOf(store, global.gid);
          expect([record.status, record.dueAtMs, transaction.state.parked]).toEqual(['submitted', NOW_MS, '']);
        }
        expect(transactionOf((await recordOf(store, 'tcc')).record).registered).toHaveLength(2);
      }
  });

  it('changes nothing when it is repeated', async () => {
    const store = await newStore();
    const source = new FakeSource(TWO);
    await importAll(source, store);
    const before = await store.versions(TWO.map(({ global }) => ({ namespace: 'default', gid: global.gid })));
    expect((await importAll(source, store)).map(({ kind }) => kind)).toEqual(['already', 'already']);
    expect(await store.versions(TWO.map(({ global }) => ({ namespace: 'default', gid: global.gid })))).toEqual(before);
  });

  it('does not import again what it took earlier and the store no longer has', async () => {
    const source = new FakeSource(TWO);
    await importAll(source, await newStore());
    const again = await importAll(source, await newStore());
    expect(again.map((result) => result.kind === 'refused' && result.why)).toEqual(
      TWO.map(() => expect.stringContaining('an earlier import has taken it') as string),
    );
  });

  it('leaves a transaction that dtm has changed concurrently parked, and does not release it', async () => {
    const store = await newStore();
    const source = new FakeSource(TWO.slice(0, 1));
    source.take = () => Promise.resolve(false);
    const [result] = await importAll(source, store);
    expect(result).toMatchObject({
      kind: 'refused',
      why: expect.stringContaining('it has changed in dtm during the import') as string,
    });
    expect((await recordOf(store, 'saga')).record.dueAtMs).toBeNull();
  });

  it('of two imports at once does not release a transaction a second time', async () => {
    const store = await newStore();
    const source = new FakeSource(TWO.slice(0, 1));
    // Both have read the parked record of an import that was interrupted.
    source.take = () => Promise.reject(new Crash());
    await importAll(source, store).catch(() => undefined);
    const slow = new FakeSource(TWO.slice(0, 1));
    slow.take = async () => {
      await importAll(new FakeSource(TWO.slice(0, 1)), store);
      return true;
    };
    const [result] = await importAll(slow, store);
    const { record } = await recordOf(store, 'saga');
    expect(result).toMatchObject({ kind: 'already' });
    expect(record.version).toBe(2);
  });

  it('does not touch a transaction of the same gid that the store has', async () => {
    const store = await newStore();
    await importAll(new FakeSource(TWO), store);
    const other = new FakeSource(TWO);
    expect((await importAll(other, store)).map((result) => result.kind === 'refused' && result.why)).toEqual(
      TWO.map(() => 'the store has another transaction of this gid'),
    );
    expect(other.taken.size).toBe(0);
  });
});

class Crash extends Error {}
