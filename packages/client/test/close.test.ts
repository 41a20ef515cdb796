import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Holdfast } from '../src/holdfast.ts';
import { withCoordinator } from './support/with-coordinator.ts';

const STEP = { action: 'http://bank-a/debit', compensate: null };
const OPTIONS = { callbackUrl: 'http://me/workflows', drainMs: 10_000 };

function gate() {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

const barrierOf = () => ({
  message: async <T>(_gid: string, work: (tx: undefined) => T | Promise<T>): Promise<T> => work(undefined),
  checkBack: () => Promise.resolve('refused' as const),
});

type Begin = (hf: Holdfast, gid: string, work: () => Promise<string>) => Promise<string>;

/** First phases, which end with a submission. */
const FIRST_PHASES: Readonly<Record<string, Begin>> = {
  'the work of a tcc': (hf, gid, work) => hf.tcc(work, { gid }),
  'the work of an xa': (hf, gid, work) => hf.xa(work, { gid }),
  'the local transaction of a message': (hf, gid, work) =>
    hf.message(gid).step('http://bank-b/credit').submitWith(barrierOf(), 'http://me/check', work),
};

const never = () => new Promise<never>(() => undefined);

/** A URL that takes requests and does not respond. */
async function silentUrl(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

describe('closing a client', () => {
  it.each(Object.entries(FIRST_PHASES))('waits for %s, which is submitted', async (_what, begin) => {
    const { coordinator, hf } = await withCoordinator(OPTIONS);
    const [started, proceed] = [gate(), gate()];
    const running = begin(hf, 'g', async () => {
      started.open();
      await proceed.opened;
      return 'done';
    });
    await started.opened;
    const closing = hf.close();
    proceed.open();
    await expect(running).resolves.toBe('done');
    await closing;
    expect(coordinator.transactions.get('g')?.status).toBe('submitted');
  });

  it('starts nothing new while it waits, except what belongs to the work in progress', async () => {
    const { coordinator, hf } = await withCoordinator(OPTIONS);
    const [started, proceed] = [gate(), gate()];
    const running = hf.tcc(
      async () => {
        started.open();
        await proceed.opened;
        await hf.saga('inner').step(STEP).submit();
        await hf.xa(() => undefined, { gid: 'nested' });
        return 'done';
      },
      { gid: 'g' },
    );
    await started.opened;
    const closing = hf.close();
    const rejected = { code: 'coordinator_unreachable', attempts: 1 };
    await expect(hf.saga('s').step(STEP).submit()).rejects.toMatchObject(rejected);
    await expect(hf.message('m').step('http://bank-b/credit').submit()).rejects.toMatchObject(rejected);
    await expect(hf.tcc(() => undefined, { gid: 't' })).rejects.toMatchObject(rejected);
    await expect(hf.xa(() => undefined, { gid: 'x' })).rejects.toMatchObject(rejected);
    const other = hf.workflow('other', { version: 1 }, () => undefined);
    await expect(other.run(undefined, { gid: 'w' })).rejects.toMatchObject(rejected);
    proceed.open();
    await expect(running).resolves.toBe('done');
    await closing;
    expect([...coordinator.transactions.keys()].toSorted()).toEqual(['g', 'inner', 'nested']);
    await expect(hf.get('g')).rejects.toThrow('this client was closed');
  });

  it.each([
    ...Object.entries(FIRST_PHASES),
    [
      'a try',
      async (hf: Holdfast, gid: string) => {
        const url = await silentUrl();
        const branch = { try: url, confirm: null, cancel: null, requestTimeoutMs: 60_000 };
        return hf.tcc(async (tx) => String(await tx.call(branch)), { gid });
      },
    ],
    [
      'the code of a workflow',
      (hf: Holdfast, gid: string) => hf.workflow('hang', { version: 1 }, never).run(undefined, { gid }),
    ],
  ] satisfies [string, Begin][])(
    'waits no longer than drainMs for %s: the coordinator decides',
    async (_what, begin) => {
      const { coordinator, hf } = await withCoordinator({ ...OPTIONS, drainMs: 50 });
      const running = begin(hf, 'g', never).catch(() => 'failed');
      await coordinator.seen('POST', '/api/v1/transactions');
      const before = coordinator.transactions.get('g')?.status;
      await hf.close();
      expect(coordinator.transactions.get('g')?.status).toBe(before);
      void running;
    },
  );

  it('a first phase that ends after drainMs is neither submitted nor cancelled: it fails', async () => {
    const { coordinator, hf } = await withCoordinator({ ...OPTIONS, drainMs: 0 });
    const [started, proceed] = [gate(), gate()];
    const running = hf.tcc(
      async () => {
        started.open();
        await proceed.opened;
      },
      { gid: 'g' },
    );
    await started.opened;
    await hf.close();
    proceed.open();
    await expect(running).rejects.toMatchObject({ code: 'coordinator_unreachable' });
    expect(coordinator.transactions.get('g')?.status).toBe('prepared');
  });
});
