import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStore } from '@holdfast/core/memory-store';
import { CheckedStore } from '@holdfast/core/store';
import { type BranchCallContext, embed, type EmbedOptions } from '@holdfast/embed';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { thrownBy } from '@holdfast/testing/theatre';
import { SILENT } from './support/silent.ts';

const OPTIONS = { store: 'memory:', logger: SILENT, drainMs: 10_000 } as const satisfies EmbedOptions;

function temporaryStore(): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-close-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return `lmdb:${folder}`;
}

/** Something to wait for. */
function gate() {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

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

describe('closing an embedded coordinator', () => {
  it('waits for the first phase of a tcc although drainMs is undefined: it has its default', async () => {
    const undefinedOptions = { drainMs: undefined, engine: { heartbeatMs: undefined } } as unknown as EmbedOptions;
    const hf = await embed({ ...OPTIONS, ...undefinedOptions });
    const [begun, end] = [gate(), gate()];
    const work = hf.tcc(async () => {
      begun.open();
      await end.opened;
      return 'done';
    });
    await begun.opened;
    const closed = hf.close();
    setImmediate(end.open);
    await expect(work).resolves.toBe('done');
    await closed;
  });

  it('waits for the first phase of a tcc, which is confirmed', async () => {
    const [started, proceed] = [gate(), gate()];
    const notes: string[] = [];
    const note = (call: BranchCallContext) => void notes.push(`${call.op} ${call.branchId}`);
    const hold = async (call: BranchCallContext) => {
      note(call);
      started.open();
      await proceed.opened;
    };
    const hf = await embed({ ...OPTIONS, branches: { hold, note } });
    const { hold: slow, note: quick } = hf.branches;
    const tcc = hf.tcc(async (tx) => {
      await tx.call({ try: slow, confirm: quick, cancel: quick });
      await tx.call({ try: quick, confirm: quick, cancel: quick });
      return 'done';
    });
    await started.opened;
    const closing = hf.close();
    proceed.open();
    await expect(tcc).resolves.toBe('done');
    await closing;
    expect(notes.toSorted()).toEqual(['confirm 01', 'confirm 02', 'try 01', 'try 02']);
  });

  it.each([Infinity, 2 ** 31])('waits with drainMs %d, longer than a timer of Node may be', async (drainMs) => {
    const [started, proceed] = [gate(), gate()];
    // Node warns of such a timer, and fires it at once.
    const warnings = vi.spyOn(process, 'emitWarning');
    onTestFinished(() => warnings.mockRestore());
    const hf = await embed({ ...OPTIONS, drainMs });
    const order = hf.workflow('order', { version: 1 }, (flow) =>
      flow.step('debit', async () => {
        started.open();
        await proceed.opened;
        return 'done';
      }),
    );
    const run = order.run(undefined);
    await started.opened;
    const closing = hf.close();
    proceed.open();
    await expect(run).resolves.toBe('done');
    await closing;
    expect(warnings).not.toHaveBeenCalled();
  });

  it('waits for the code of a workflow, whose steps are recorded and run once', async () => {
    const store = temporaryStore();
    const [started, proceed] = [gate(), gate()];
    const done: string[] = [];
    const hf = await embed({ ...OPTIONS, store });
    const order = hf.workflow('order', { version: 1 }, async (flow) => {
      await flow.step('debit', async () => {
        done.push('debit');
        started.open();
        await proceed.opened;
      });
      await flow.step('credit', () => void done.push('credit'));
      return 'done';
    });
    const run = order.run(undefined, { gid: 'order-1' });
    await started.opened;
    const closing = hf.close();
    proceed.open();
    await expect(run).resolves.toBe('done');
    await closing;
    expect(done).toEqual(['debit', 'credit']);
    await using next = await embed({ ...OPTIONS, store });
    await expect(next.get('order-1')).resolves.toMatchObject({ status: 'succeed' });
  });

  it('starts no further step of a workflow after the drain timeout, and the next start resumes the workflow once', async () => {
    const store = temporaryStore();
    const [started, proceed] = [gate(), gate()];
    const done: string[] = [];
    const code = (hf: Awaited<ReturnType<typeof embed>>, wait: () => Promise<void>) =>
      hf.workflow('order', { version: 1 }, async (flow) => {
        await flow.step('first', () => void done.push('first'));
        await flow.step('second', async () => {
          done.push('second');
          started.open();
          await wait();
        });
        await flow.step('third', () => void done.push('third'));
      });
    const hf = await embed({ ...OPTIONS, store, drainMs: 50, engine: { retryIntervalMs: 20 } });
    const interrupted = thrownBy(code(hf, () => proceed.opened).run(undefined, { gid: 'order-1' }));
    await started.opened;
    await hf.close();
    proceed.open();
    await expect(interrupted).resolves.toMatchObject({ code: 'transaction_pending' });
    expect(done).toEqual(['first', 'second']);

    await using next = await embed({ ...OPTIONS, store, engine: { retryIntervalMs: 20 } });
    code(next, () => Promise.resolve());
    await expect(next.wait('order-1')).resolves.toMatchObject({ status: 'succeed' });
    expect(done).toEqual(['first', 'second', 'second', 'third']);
  });

  it('starts nothing new, while it waits for what is in progress', async () => {
    const [started, proceed] = [gate(), gate()];
    const done: string[] = [];
    const action = () => void done.push('action');
    const hf = await embed({ ...OPTIONS, branches: { action } });
    const slow = hf.workflow('slow', { version: 1 }, (flow) =>
      flow.step('wait', async () => {
        started.open();
        await proceed.opened;
        // Part of what is in progress.
        await hf.saga().step({ action: hf.branches.action, compensate: null }).submit();
      }),
    );
    const other = hf.workflow('other', { version: 1 }, (flow) => flow.step('do', action));
    const running = slow.run(undefined);
    await started.opened;
    const closing = hf.close();
    const refused = { code: 'coordinator_unreachable', attempts: 1 };
    const branch = { try: hf.branches.action, confirm: null, cancel: null };
    await expect(hf.saga().step({ action: hf.branches.action, compensate: null }).submit()).rejects.toMatchObject(
      refused,
    );
    await expect(hf.message().step(hf.branches.action).submit()).rejects.toMatchObject(refused);
    await expect(hf.tcc((tx) => tx.call(branch))).rejects.toMatchObject(refused);
    await expect(hf.xa(() => void done.push('xa'))).rejects.toMatchObject(refused);
    await expect(other.run(undefined)).rejects.toMatchObject(refused);
    expect(done).toEqual([]);
    proceed.open();
    await running;
    await closing;
    expect(done).toEqual(['action']);
  });

  it.each([
    [
      'a function that a saga calls',
      (hf: Hf) => hf.saga().step({ action: hf.branches.hang, compensate: null }).submit(),
    ],
    [
      'a URL that a saga calls',
      async (hf: Hf) =>
        hf
          .saga()
          .step({ action: await silentUrl(), compensate: null, ...SLOW })
          .submit(),
    ],
    [
      'a try in this process',
      (hf: Hf) => hf.tcc((tx) => tx.call({ try: hf.branches.hang, confirm: null, cancel: null })),
    ],
    [
      'a try behind a URL',
      (hf: Hf) => hf.tcc(async (tx) => tx.call({ try: await silentUrl(), confirm: null, cancel: null, ...SLOW })),
    ],
    ['the work of a tcc', (hf: Hf) => hf.tcc(never)],
    ['the work of an xa', (hf: Hf) => hf.xa(never)],
    [
      'a step of a workflow',
      (hf: Hf) => hf.workflow('hang', { version: 1 }, (flow) => flow.step('hang', never)).run(undefined),
    ],
    [
      'a branch of a workflow',
      (hf: Hf) =>
        hf
          .workflow('hang', { version: 1 }, async (flow) =>
            flow.call('hang', { action: await silentUrl(), compensate: null, ...SLOW }),
          )
          .run(undefined),
    ],
    ['the code of a workflow', (hf: Hf) => hf.workflow('hang', { version: 1 }, never).run(undefined)],
    [
      'the local transaction of a message',
      (hf: Hf) =>
        hf
          .message()
          .step(hf.branches.hang)
          .submitWith({ message: never, checkBack: never }, 'http://127.0.0.1:1/', never),
    ],
  ])('ends within its time although it waits for %s', async (_what, begin) => {
    const hf = await hanging();
    begin(hf).catch(() => undefined);
    await new Promise((resolve) => void setTimeout(resolve, 100));
    const outcome = await Promise.race([hf.close().then(() => 'closed'), afterBound()]);
    expect(outcome).toBe('closed');
  });

  it('ends within its time although the store does not respond any more', async () => {
    const store = new CheckedStore(new MemoryStore(Date.now));
    const hf = await hanging({ store });
    vi.spyOn(store, 'endSession').mockImplementation(never);
    vi.spyOn(store, 'close').mockImplementation(never);
    const outcome = await Promise.race([hf.close().then(() => 'closed'), afterBound()]);
    expect(outcome).toBe('closed');
  });
});

const DRAIN_MS = 200;
/** What `close` may take beyond the drain, and what a slow machine adds. */
const BOUND_MS = 4_000;
const afterBound = () => new Promise<string>((resolve) => void setTimeout(resolve, DRAIN_MS + BOUND_MS, 'still open'));
/** Calls would take longer than that. */
const SLOW = { requestTimeoutMs: 60_000 } as const;

const hanging = (options: Partial<EmbedOptions> = {}) =>
  embed({ ...OPTIONS, drainMs: DRAIN_MS, ...options, branches: { hang: (_call: BranchCallContext) => never() } });
type Hf = Awaited<ReturnType<typeof hanging>>;

describe('a watch in an embedded coordinator', () => {
  it('ends with an error when the coordinator is closed, and leaves nothing', async () => {
    const hf = await embed({ ...OPTIONS, drainMs: 100, branches: { hang: never } });
    const { gid } = await hf.saga().step({ action: hf.branches.hang, compensate: null }).submit();
    const states: string[] = [];
    const watching = thrownBy(
      (async () => {
        for await (const { status } of hf.watch(gid)) states.push(status);
      })(),
    );
    await vi.waitUntil(async () => states.length > 0 && (await hf.status()).load.watched === 1, { timeout: 10_000 });
    await hf.close();
    expect(await watching).toMatchObject({ name: 'CoordinatorUnreachable', gid });
    expect(states).toEqual(['submitted']);
  });

  it('frees what it holds when its loop is left', async () => {
    const hf = await embed({ ...OPTIONS, drainMs: 100, branches: { hang: never } });
    const { gid } = await hf.saga().step({ action: hf.branches.hang, compensate: null }).submit();
    for await (const _ of hf.watch(gid)) break;
    await vi.waitUntil(async () => (await hf.status()).load.watched === 0, { timeout: 10_000 });
    expect((await hf.status()).load.watched).toBe(0);
    await hf.close();
  });
});
