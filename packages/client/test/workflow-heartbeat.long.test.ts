import { BranchFailure } from '@holdfast/protocol';
import { startServer } from '@holdfast/server';
import { createDataFolder, freePort, removeDataFolder, startPostgres } from '@holdfast/testing/servers';
import { fork, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished, vi } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { branch } from '../src/participants/node-http.ts';
import type { Flow } from '../src/workflow/flow.ts';
import { workflowCallback } from '../src/workflow/callback.ts';
import { clientOf } from './support/with-coordinator.ts';

const INTERVAL_MS = 2_000;

/** Several retry intervals: without heartbeats the coordinator calls back. */
const LONG_MS = 3 * INTERVAL_MS;

const FIXTURE = fileURLToPath(new URL('./fixtures/slow-workflow.mjs', import.meta.url));
const STDIO: StdioOptions = ['ignore', 'ignore', 'inherit', 'ipc'];

const SETTINGS = { drainTimeout: 0, retryInterval: INTERVAL_MS, logLevel: 'silent' } as const;

/**
 * A coordinator, and two processes of a service: workflows run in the first, callbacks go to the
 * second.
 */
async function service({ store = 'memory:' }: { readonly store?: string } = {}) {
  const httpPort = await freePort();
  const start = () => startServer({ ...SETTINGS, store, httpPort, grpcPort: 0 });
  let server = await start();
  onTestFinished(() => server.close().then(() => undefined));
  const restart = async (away: () => Promise<unknown>): Promise<void> => {
    await server.close();
    await away();
    server = await start();
  };
  const first = clientOf(server.url);
  const second = clientOf(server.url);
  let callbacks = 0;
  const handle = branch(workflowCallback(second));
  const http = createServer((request, response) => {
    callbacks++;
    void handle(request, response);
  }).listen(0, '127.0.0.1');
  await once(http, 'listening');
  onTestFinished(() => {
    http.closeAllConnections();
    http.close();
  });
  const callbackUrl = `http://127.0.0.1:${(http.address() as AddressInfo).port}/`;
  return { clients: [first, second] as const, callbackUrl, callbacks: () => callbacks, restart, url: server.url };
}

/** Work that takes this long. */
function elapsed(ms: number): Promise<boolean> {
  const untilMs = performance.now() + ms;
  return vi.waitUntil(() => performance.now() >= untilMs, { timeout: 10 * ms, interval: 50 });
}

/** Counts the work that begins while other work of the same kind is in progress. */
class Overlaps {
  count = 0;
  #atWork = 0;

  get isAtWork(): boolean {
    return this.#atWork > 0;
  }

  async during(work: () => Promise<unknown>): Promise<void> {
    if (this.#atWork++ > 0) this.count++;
    try {
      await work();
    } finally {
      this.#atWork--;
    }
  }
}

describeWith(['postgres'], 'a workflow whose run is live', () => {
  it('is not called back while a step, and later its undo, take several retry intervals', async () => {
    const { clients, callbackUrl, callbacks } = await service();
    const overlaps = new Overlaps();
    const [run] = clients.map((hf) =>
      hf.workflow('slow', { version: 1, callbackUrl }, async (flow: Flow) => {
        await flow.step('booked', {
          run: () => overlaps.during(() => elapsed(LONG_MS)),
          undo: () => overlaps.during(() => elapsed(LONG_MS)),
        });
        await flow.step('refused', () => {
          throw new BranchFailure('the hotel is full');
        });
      }),
    );
    await expect(run?.run(undefined, { gid: 'slow', wait: true })).rejects.toMatchObject({ status: 'failed' });
    expect({ overlaps: overlaps.count, callbacks: callbacks() }).toEqual({ overlaps: 0, callbacks: 0 });
  });

  it('is called back although its process is alive when one step exceeds its longest time', async () => {
    const { clients, callbackUrl, callbacks } = await service();
    const finish = new AbortController();
    const [run] = clients.map((hf, process) =>
      hf.workflow('stuck', { version: 1, callbackUrl, longestStepMs: INTERVAL_MS }, async (flow: Flow) => {
        await flow.step('stuck', () => (process === 0 ? once(finish.signal, 'abort').then(() => 'late') : 'done'));
      }),
    );
    const first = run?.run(undefined, { gid: 'stuck' });
    expect((await clients[0].wait('stuck')).status).toBe('succeed');
    expect(callbacks()).toBe(1);
    finish.abort();
    await first;
  });

  it('is called back after the heartbeats stop when its process was killed during a long step', async () => {
    const { clients, callbackUrl, callbacks, url } = await service();
    clients[1].workflow('slow', { version: 1, callbackUrl }, (flow: Flow) => flow.step('slow', () => 'resumed'));
    const child = fork(FIXTURE, [url, callbackUrl, 'killed', String(INTERVAL_MS)], { stdio: STDIO });
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(child, 'message');
    const { createdAtMs } = (await clients[0].get('killed')) ?? { createdAtMs: 0 };
    const due = async () => (await clients[0].get('killed'))?.dueAtMs ?? 0;
    await expect.poll(due, { timeout: 60_000 }).toBeGreaterThan(createdAtMs + 3 * INTERVAL_MS);
    expect(callbacks()).toBe(0);
    child.kill('SIGKILL');
    expect((await clients[0].wait('killed')).status).toBe('succeed');
    expect(callbacks()).toBe(1);
  });

  it('is not called back when all coordinators were away for longer than its interval', async () => {
    const folder = await createDataFolder('heartbeat', undefined);
    onTestFinished(() => removeDataFolder(folder));
    const { clients, callbackUrl, callbacks, restart } = await service({ store: `lmdb:${folder}` });
    const overlaps = new Overlaps();
    const [run] = clients.map((hf) =>
      hf.workflow('outage', { version: 1, callbackUrl }, async (flow: Flow) => {
        await flow.step('long', () => overlaps.during(() => elapsed(3 * LONG_MS)));
        return 'done';
      }),
    );
    const running = run?.run(undefined, { gid: 'outage' });
    // The start of the step is recorded then, so nothing needs a coordinator until its end.
    await expect.poll(() => overlaps.isAtWork).toBe(true);
    await restart(() => elapsed(LONG_MS));
    await expect(running).resolves.toBe('done');
    expect({ overlaps: overlaps.count, callbacks: callbacks() }).toEqual({ overlaps: 0, callbacks: 0 });
  });

  it('is not called back by any of two coordinators over one database', async () => {
    const postgres = await startPostgres();
    onTestFinished(() => postgres?.stop());
    if (postgres === undefined) throw new Error('PostgreSQL was found and cannot be started');
    const store = postgres.url;
    const { clients, callbackUrl, callbacks } = await service({ store });
    const other = await startServer({ ...SETTINGS, store, httpPort: 0 });
    onTestFinished(() => other.close().then(() => undefined));
    const overlaps = new Overlaps();
    const [run] = clients.map((hf) =>
      hf.workflow('shared', { version: 1, callbackUrl }, async (flow: Flow) => {
        await flow.step('long', () => overlaps.during(() => elapsed(LONG_MS)));
        return 'done';
      }),
    );
    await expect(run?.run(undefined, { gid: 'shared', wait: true })).resolves.toBe('done');
    expect({ overlaps: overlaps.count, callbacks: callbacks() }).toEqual({ overlaps: 0, callbacks: 0 });
  });
});
