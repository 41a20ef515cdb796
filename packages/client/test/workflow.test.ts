import { BranchFailure } from '@holdfast/protocol';
import { startServer } from '@holdfast/server';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Holdfast } from '../src/holdfast.ts';
import { branch } from '../src/participants/node-http.ts';
import type { Flow } from '../src/workflow/flow.ts';
import { workflowCallback } from '../src/workflow/callback.ts';
import { clientOf } from './support/with-coordinator.ts';

/**
 * A coordinator and several clients that act as processes of a service; callbacks go to the last of
 * them.
 */
async function service(processes: number, retryIntervalMs = 60_000) {
  const server = await startServer({
    store: 'memory:',
    httpPort: 0,
    drainTimeout: 0,
    retryInterval: retryIntervalMs,
    logLevel: 'silent',
  });
  onTestFinished(() => server.close().then(() => undefined));
  const clients = Array.from({ length: processes }, () => clientOf(server.url));
  const last = clients.at(-1) as Holdfast;
  const callback = branch(workflowCallback(last));
  const http = createServer((request, response) => void callback(request, response)).listen(0, '127.0.0.1');
  await once(http, 'listening');
  onTestFinished(() => {
    http.closeAllConnections();
    http.close();
  });
  return { clients, callbackUrl: `http://127.0.0.1:${(http.address() as AddressInfo).port}/` };
}

/** A gate that opens when the given number of callers wait at it. */
function meeting(count: number): () => Promise<void> {
  let open = (): void => undefined;
  const all = new Promise<void>((resolve) => (open = resolve));
  let come = 0;
  return () => {
    if (++come === count) open();
    return all;
  };
}

const away = (): never => {
  throw new Error('the database is away');
};

describe('a workflow that two processes run concurrently', () => {
  it('continues in both with the result that was recorded first', async () => {
    const { clients, callbackUrl } = await service(2);
    const meet = meeting(2);
    const runs = clients.map((hf, index) =>
      hf.workflow('draw', { version: 1, callbackUrl }, async (flow: Flow) => {
        const drawn = await flow.step('draw', async () => {
          await meet();
          return { by: index };
        });
        return flow.step('twice', () => [drawn, drawn]);
      }),
    );
    const [one, other] = await Promise.all(runs.map((draw) => draw.run(undefined, { gid: 'both' })));
    expect(one).toEqual(other);
  });

  it('fails in both when the first outcome was a failure, and undoes what the other one did', async () => {
    const { clients, callbackUrl } = await service(2);
    const notes: string[] = [];
    let failed = (): void => undefined;
    const failure = new Promise<void>((resolve) => (failed = resolve));
    const meet = meeting(2);
    const runs = clients.map((hf, index) =>
      hf.workflow('race', { version: 1, callbackUrl }, async (flow: Flow) => {
        await flow.step('debit', {
          run: async () => {
            await meet();
            if (index === 0) throw new BranchFailure('refused');
            await failure;
          },
          undo: () => void notes.push(`undo by ${index}`),
        });
        return notes.push('never');
      }),
    );
    const first = expect(runs[0]?.run(undefined, { gid: 'race' })).rejects.toMatchObject({ status: 'failed' });
    const second = expect(runs[1]?.run(undefined, { gid: 'race' })).rejects.toMatchObject({ status: 'failed' });
    await first;
    failed();
    await second;
    expect(notes).toEqual(['undo by 0']);
  });

  it('undoes a step that started in the other process, although its own code finished without it', async () => {
    const notes: string[] = [];
    const { clients, callbackUrl } = await service(2);
    let began = (): void => undefined;
    const begun = new Promise<void>((resolve) => (began = resolve));
    const [first, second] = clients.map((hf, index) => {
      const chain = async (flow: Flow) => {
        await flow.step('a', { run: () => 'a', undo: () => void notes.push('undo a') });
        // Not a step, and slower in the second process than the concurrent code.
        if (index === 1) await new Promise((resolve) => setTimeout(resolve, 300));
        await flow.step('d', {
          run: () => {
            notes.push('run d');
            began();
            return new Promise(() => undefined);
          },
          undo: () => void notes.push('undo d'),
        });
      };
      const refused = (flow: Flow) =>
        flow.step('b', async () => {
          await begun;
          throw new BranchFailure('the account is closed');
        });
      return hf.workflow('gap', { version: 1, callbackUrl }, (flow: Flow) => Promise.all([chain(flow), refused(flow)]));
    });
    void first?.run(undefined, { gid: 'gap' });
    await begun;
    await vi.waitUntil(async () => (await clients[0]?.get('gap'))?.branches.some(({ branchId }) => branchId === 'b'), {
      timeout: 10_000,
    });
    await expect(second?.run(undefined, { gid: 'gap' })).rejects.toMatchObject({ status: 'failed' });
    expect(notes).toEqual(['run d', 'undo d', 'undo a']);
  });

  it('records no step as done after one of them has aborted', async () => {
    const { clients, callbackUrl } = await service(2);
    const notes: string[] = [];
    const meet = meeting(2);
    let abandon = (): void => undefined;
    const abandoned = new Promise<void>((resolve) => (abandon = resolve));
    const runs = clients.map((hf, index) =>
      hf.workflow('late', { version: 1, callbackUrl }, async (flow: Flow) => {
        await flow.step('reserve', {
          run: async () => {
            await meet();
            if (index === 0) away();
            await abandoned;
          },
          undo: () => void notes.push(`undo reserve by ${index}`),
        });
        await flow.step('pay', () => notes.push('pay'));
      }),
    );
    const other = runs[1]?.run(undefined, { gid: 'late' }) ?? Promise.reject(new Error('there are two'));
    await expect(runs[0]?.run(undefined, { gid: 'late' })).rejects.toMatchObject({ code: 'transaction_pending' });
    await clients[0]?.abort('late', { reason: 'enough' });
    abandon();
    await expect(other).rejects.toMatchObject({ code: 'transaction_failed', reason: 'enough' });
    expect(notes).toEqual(['undo reserve by 1']);
  });
});

describe('a workflow of another version', () => {
  const V1 = async (flow: Flow) => {
    await flow.step('debit', () => 1);
    return flow.step('credit', away);
  };

  it('needs operator attention, and describes what to do', async () => {
    const { clients, callbackUrl } = await service(2);
    const [old, now] = clients as [Holdfast, Holdfast];
    const transfer = old.workflow('transfer', { version: 1, callbackUrl }, V1);
    await expect(transfer.run(undefined, { gid: 'w' })).rejects.toMatchObject({ code: 'transaction_pending' });
    now.workflow('transfer', { version: 2, callbackUrl }, V1);
    await now.retry('w');
    await expect.poll(async () => (await now.get('w'))?.parked).toContain('version 1, this is version 2');
    const { parked = '' } = (await now.get('w')) ?? {};
    expect(parked).toContain('holdfast retry w');
    expect(parked).toContain('holdfast stop w');
  });

  it('restarts if nothing was recorded', async () => {
    const { clients, callbackUrl } = await service(2);
    const [old, now] = clients as [Holdfast, Holdfast];
    const transfer = old.workflow('transfer', { version: 1, callbackUrl }, (flow: Flow) => flow.step('debit', away));
    await expect(transfer.run(undefined, { gid: 'w' })).rejects.toMatchObject({ code: 'transaction_pending' });
    now.workflow('transfer', { version: 2, callbackUrl }, (flow: Flow) => flow.step('withdraw', () => 'done'));
    await now.retry('w');
    await expect(now.wait('w')).resolves.toMatchObject({ status: 'succeed' });
  });
});

describe('a gid of a workflow that runs here', () => {
  it('is rejected for a workflow of another name, also after the first one is finished', async () => {
    const { clients, callbackUrl } = await service(1);
    const [hf] = clients as [Holdfast];
    const meet = meeting(2);
    const debit = hf.workflow('debit', { version: 1, callbackUrl }, (flow: Flow) =>
      flow.step('debit', () => meet().then(() => 'debited')),
    );
    const ship = hf.workflow('ship', { version: 1, callbackUrl }, (flow: Flow) => flow.step('ship', () => 'shipped'));
    const debited = debit.run(undefined, { gid: 'order-1' });
    const refused = { code: 'request_rejected', rejection: 'exists', gid: 'order-1' };
    await expect(ship.run(undefined, { gid: 'order-1' }).finally(() => void meet())).rejects.toMatchObject(refused);
    await expect(debited).resolves.toBe('debited');
    await expect(ship.run(undefined, { gid: 'order-1' })).rejects.toMatchObject(refused);
  });
});

describe('callbacks', () => {
  it('of a workflow that is not defined here are errors of this process, and are retried', async () => {
    const { clients, callbackUrl } = await service(2);
    const [old, now] = clients as [Holdfast, Holdfast];
    const transfer = old.workflow('transfer', { version: 1, callbackUrl }, (flow: Flow) => flow.step('debit', away));
    await expect(transfer.run(undefined, { gid: 'w' })).rejects.toMatchObject({ code: 'transaction_pending' });
    await now.retry('w');
    const lastCall = async () => (await now.get('w'))?.timeline.findLast((line) => line.kind === 'call');
    await expect.poll(lastCall).toMatchObject({ result: 'UNKNOWN', reason: expect.stringContaining('transfer') });
  });

  it('of a workflow that takes longer receive a response, and the workflow continues', async () => {
    const { clients, callbackUrl } = await service(2);
    const [old, now] = clients as [Holdfast, Holdfast];
    let finish = (): void => undefined;
    const finished = new Promise<string>((resolve) => (finish = () => resolve('done')));
    const transfer = old.workflow('transfer', { version: 1, callbackUrl }, (flow: Flow) => flow.step('debit', away));
    await expect(transfer.run(undefined, { gid: 'w' })).rejects.toMatchObject({ code: 'transaction_pending' });
    now.workflow('transfer', { version: 1, callbackUrl }, (flow: Flow) => flow.step('debit', () => finished));
    await now.retry('w');
    const lastCall = async () => (await now.get('w'))?.timeline.findLast((line) => line.kind === 'call');
    await expect.poll(lastCall, { timeout: 5_000 }).toMatchObject({ result: 'ONGOING' });
    finish();
    await expect(now.wait('w')).resolves.toMatchObject({ status: 'succeed' });
  });

  it('need a URL', () => {
    const hf = clientOf('http://127.0.0.1:1');
    expect(() => hf.workflow('transfer', { version: 1 }, () => 1)).toThrow(TypeError);
  });
});
