import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStore } from '@holdfast/core/memory-store';
import { CheckedStore } from '@holdfast/core/store';
import {
  type Alert,
  type BranchCallContext,
  BranchFailure,
  embed,
  type EmbedOptions,
  type Logger,
} from '@holdfast/embed';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { rejectingThenable } from '@holdfast/testing/strange-values';
import { SILENT } from './support/silent.ts';

const OPTIONS = { store: 'memory:', logger: SILENT, drainMs: 0 } as const satisfies EmbedOptions;

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-embed-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Something to wait for. */
function gate() {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

describe('an embedded coordinator', () => {
  it.each([
    [{ retryForMS: 5 }, 'embed(): unknown option "retryForMS"; did you mean retryForMs?'],
    [{ engine: { heartBeatMs: 5 } }, 'embed(), engine: unknown option "heartBeatMs"; did you mean heartbeatMs?'],
    [{ engine: { heartbeatMs: '5s' } }, 'embed(): heartbeatMs must be a number of 0 or more, not "5s"'],
    [{ branchClient: 'node' }, 'embed(): branchClient must be own or undici, not "node"'],
    [{ nameLookup: 'dns' }, 'embed(): nameLookup must be own or system, not "dns"'],
    [{ drainMs: Number.NaN }, 'embed(): drainMs must be a number of 0 or more, not NaN'],
  ])('rejects the options %j', async (wrong, message) => {
    await expect(embed({ ...OPTIONS, ...(wrong as object) })).rejects.toThrow(new TypeError(message));
  });

  it('resumes at the next start the transactions that the previous one left unfinished', async () => {
    const store = `lmdb:${temporaryFolder()}`;
    const called: string[] = [];
    const [credited, never] = [gate(), gate()];
    const note = (what: string) => (call: BranchCallContext<{ amount: number }>) =>
      void called.push(`${what} ${call.payload.amount}`);
    const first = await embed({
      ...OPTIONS,
      store,
      branches: {
        debit: note('debit'),
        credit: () => {
          credited.open();
          return never.opened;
        },
      },
    });
    const { gid } = await first
      .saga()
      .step({ action: first.branches.debit, compensate: null, payload: { amount: 30 } })
      .step({ action: first.branches.credit, compensate: null, payload: { amount: 30 } })
      .submit();
    await credited.opened;
    await first.close();
    expect(called).toEqual(['debit 30']);

    const branches = { debit: note('debit'), credit: note('credit') };
    await using second = await embed({ ...OPTIONS, store, branches });
    await second.wait(gid);
    expect(called.at(-1)).toBe('credit 30');
  });

  it('finishes what is being done before it is closed, and closes once', async () => {
    const [started, proceed] = [gate(), gate()];
    let ended = false;
    const branches = {
      debit: async () => {
        started.open();
        await proceed.opened;
        ended = true;
      },
    };
    const hf = await embed({ ...OPTIONS, branches, drainMs: 10_000 });
    await hf.saga().step({ action: hf.branches.debit, compensate: null }).submit();
    await started.opened;
    const closing = hf.close();
    expect(hf.close()).toBe(closing);
    proceed.open();
    await closing;
    expect(ended).toBe(true);
  });

  it('rejects calls after it was closed, and states that it is closed', async () => {
    const hf = await embed({ ...OPTIONS, branches: { debit: () => undefined } });
    await hf.close();
    const late = hf.saga().step({ action: hf.branches.debit, compensate: null }).submit();
    await expect(late).rejects.toMatchObject({ code: 'coordinator_unreachable', attempts: 1 });
  });

  it('rejects the calls that wait for a result when it is closed', async () => {
    const started = gate();
    const branches = {
      debit: () => {
        started.open();
        return new Promise(() => undefined);
      },
    };
    const hf = await embed({ ...OPTIONS, branches });
    const saga = hf.saga().step({ action: hf.branches.debit, compensate: null });
    const waiting = expect(saga.submit({ wait: true })).rejects.toMatchObject({ code: 'coordinator_unreachable' });
    await started.opened;
    await hf.close();
    await waiting;
  });

  it('cannot open a folder that another coordinator has open until that one is closed', async () => {
    const store = `lmdb:${temporaryFolder()}`;
    const first = await embed({ ...OPTIONS, store });
    await expect(embed({ ...OPTIONS, store })).rejects.toMatchObject({
      name: 'StoreError',
      code: 'locked',
      message: expect.stringContaining(`process ${process.pid}`),
    });
    await first.close();
    await (await embed({ ...OPTIONS, store })).close();
  });

  it.each(['postgres://localhost/x', 'lmdb:', 'data', ''])('rejects %j as its store', async (store) => {
    await expect(embed({ ...OPTIONS, store })).rejects.toThrow(TypeError);
  });

  it.each(['', 'a/b', 'ö'])('rejects %j as the name of a branch', async (name) => {
    await expect(embed({ ...OPTIONS, branches: { [name]: () => undefined } })).rejects.toThrow(TypeError);
  });

  it('rejects a local branch that is not registered', async () => {
    await using hf = await embed(OPTIONS);
    const submitted = hf.saga().step({ action: 'local://app/nobody', compensate: null }).submit();
    await expect(submitted).rejects.toMatchObject({ rejection: 'invalid', field: 'steps[0].action' });
  });

  it('reports its load and the counts of its store', async () => {
    await using hf = await embed({ ...OPTIONS, branches: { debit: () => undefined }, engine: { node: 'till-1' } });
    await hf.saga().step({ action: hf.branches.debit, compensate: null }).submit({ wait: true });
    await expect(hf.status()).resolves.toMatchObject({
      node: 'till-1',
      store: { name: 'memory', durable: false },
      load: { draining: false, leaseHeld: true },
      counts: { byStatus: { succeed: 1 } },
    });
  });

  it('reports a transaction that needs operator attention, also when the listener throws', async () => {
    const alerts: Alert[] = [];
    const logged: string[] = [];
    await using hf = await embed({
      ...OPTIONS,
      branches: {
        debit: () => {
          throw new Error('the database is away');
        },
      },
      engine: { retryIntervalMs: 10, alertAfterRetries: 1 },
      logger: { ...SILENT, error: (_fields, message) => void logged.push(message) },
      onAlert: (alert) => {
        alerts.push(alert);
        throw new Error('the pager is broken');
      },
    });
    const { gid } = await hf.saga().step({ action: hf.branches.debit, compensate: null }).submit();
    await vi.waitFor(() => expect(alerts).not.toEqual([]));
    expect(alerts[0]).toMatchObject({ gid, error: expect.stringContaining('the database is away') });
    expect(logged).toContain('could not deliver an alert; it will be raised again');
  });

  it.each([
    ['a hook that rejects', () => Promise.reject(new Error('the pager is broken'))],
    ['a hook that returns a thenable which rejects', () => rejectingThenable(new Error('no'))],
    [
      'a hook that throws a value which cannot be inspected',
      () => {
        throw Object.create(null) as Error;
      },
    ],
  ])('outlives %s, and a logger whose promises reject', async (_what, hook) => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    onTestFinished(() => void process.off('unhandledRejection', note));
    const logged: string[] = [];
    const log = (_fields: unknown, message: string) => {
      logged.push(message);
      return Promise.reject(new Error('the log is full'));
    };
    await using hf = await embed({
      ...OPTIONS,
      branches: {
        debit: () => {
          throw new Error('the database is away');
        },
      },
      engine: { retryIntervalMs: 10, alertAfterRetries: 1 },
      logger: { debug: log, info: log, warn: log, error: log } as object as Logger,
      onAlert: hook as () => Promise<void>,
    });
    await hf.saga().step({ action: hf.branches.debit, compensate: null }).submit();
    await vi.waitFor(() => expect(logged).toContain('could not deliver an alert; it will be raised again'));
    expect(logged).toContain('a branch threw an error');
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).toEqual([]);
  });

  it('warns through the process, with the stack of what a branch threw', async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error): void => void warnings.push(warning);
    process.on('warning', listen);
    onTestFinished(() => void process.off('warning', listen));
    const emitted = vi.spyOn(process, 'emitWarning').mockImplementation((message) => listen(message as never));
    onTestFinished(() => emitted.mockRestore());
    const branches = {
      debit: () => {
        throw new Error('the database is away');
      },
      refuse: () => {
        throw new BranchFailure('no');
      },
    };
    await using hf = await embed({ store: 'memory:', drainMs: 0, branches });
    const { debit, refuse } = hf.branches;
    await hf
      .saga()
      .step({ action: refuse, compensate: null })
      .submit({ wait: true })
      .catch(() => undefined);
    expect(emitted).not.toHaveBeenCalled();
    await hf.saga('broken').step({ action: debit, compensate: null }).submit();
    await vi.waitFor(() => expect(emitted).toHaveBeenCalledOnce());
    expect(emitted.mock.calls[0]).toEqual([
      expect.stringMatching(/gid=broken .*the database is away/),
      { type: 'HoldfastWarning', detail: expect.stringContaining('embed.test.ts') },
    ]);
  });
});

describe('an internal error of an embedded coordinator', () => {
  it('is reported as an error of this process, without words of HTTP', async () => {
    const store = new CheckedStore(new MemoryStore(Date.now));
    await using hf = await embed({ ...OPTIONS, store });
    const defect = new TypeError('a bug');
    const broken = vi.spyOn(store, 'get').mockRejectedValue(defect);
    const error: unknown = await hf.get('g').catch((thrown: unknown) => thrown);
    broken.mockRestore();
    expect(error).toMatchObject({ code: 'unexpected_response', gid: 'g', httpStatus: undefined });
    expect(String(error)).toContain('The coordinator of this process (embed) failed: a bug');
    expect(String(error)).not.toContain('HTTP');
  });
});

describe('the application of an embedded coordinator', () => {
  it.each(['tcc', 'saga of functions', 'saga over HTTP'])(
    'a %s is for those who host it, if it may need them',
    async (what) => {
      const store = new CheckedStore(new MemoryStore(Date.now));
      const branches = { debit: () => new Promise(() => undefined) };
      await using hf = await embed({ ...OPTIONS, store, branches, application: 'till' });
      expect(hf.branches.debit.url).toBe('local://till/debit');
      const groupOf = async (gid: string) => (await store.get([{ namespace: 'default', gid }]))[0]?.group;
      if (what === 'tcc') {
        await hf.tcc(async ({ gid }) => expect(await groupOf(gid)).toBe('till'));
        return;
      }
      const action = what === 'saga over HTTP' ? 'http://127.0.0.1:1/debit' : hf.branches.debit;
      const { gid } = await hf.saga().step({ action, compensate: null }).submit();
      expect(await groupOf(gid)).toBe(what === 'saga over HTTP' ? '' : 'till');
    },
  );
});
