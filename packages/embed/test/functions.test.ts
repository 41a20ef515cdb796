import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { currentBranch } from '@holdfast/client';
import type { Barrier } from '@holdfast/client/api';
import { branch } from '@holdfast/client/node-http';
import { type BranchCallContext, embed, type EmbedOptions, withBarrier } from '@holdfast/embed';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SILENT } from './support/silent.ts';

const OPTIONS = { store: 'memory:', logger: SILENT, drainMs: 0 } as const satisfies EmbedOptions;

describe('a function as a branch', () => {
  it('can be combined with branches over HTTP in one saga', async () => {
    const called: string[] = [];
    const credit = branch((call) => void called.push(`credit ${call.branchId}`));
    const server = createServer((request, response) => void credit(request, response)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/credit`;
    const branches = { debit: (call: BranchCallContext) => void called.push(`debit ${call.branchId}`) };
    await using hf = await embed({ ...OPTIONS, branches });
    await hf
      .saga()
      .step({ action: hf.branches.debit, compensate: null })
      .step({ action: url, compensate: null })
      .submit({ wait: true });
    expect(called).toEqual(['debit 01', 'credit 02']);
  });

  it('returns a result that is too large for HTTP itself: a copy of it would block the process', async () => {
    let reads = 0;
    const part = {
      get text(): string {
        reads++;
        return 'x'.repeat(1_000);
      },
    };
    const large = Array.from({ length: 10_000 }, () => part);
    const branches = { hold: () => large, release: () => undefined };
    await using hf = await embed({ ...OPTIONS, branches });
    const { hold, release } = hf.branches;
    const held = await hf.tcc((tx) => tx.call({ try: hold, confirm: null, cancel: release }));
    expect(held).toBe(large);
    expect(reads).toBeLessThan(2_000);
  });

  it('finds the call it serves, also after it has waited', async () => {
    const seen: unknown[] = [];
    const branches = {
      debit: async (call: BranchCallContext) => {
        await Promise.resolve();
        seen.push(currentBranch() === call);
      },
    };
    await using hf = await embed({ ...OPTIONS, branches });
    await hf.saga().step({ action: hf.branches.debit, compensate: null }).submit({ wait: true });
    expect(seen).toEqual([true]);
    expect(currentBranch()).toBeUndefined();
  });

  it('does its work behind a barrier', async () => {
    const runs: string[] = [];
    const barrier: Barrier<string> = {
      async run({ gid, branchId, op }, work) {
        runs.push(`${gid} ${branchId} ${op}`);
        return { ran: true, value: await work('tx') };
      },
      message: () => Promise.reject(new Error('not here')),
      checkBack: () => Promise.reject(new Error('not here')),
    };
    const branches = {
      debit: withBarrier(barrier, (call: BranchCallContext<{ amount: number }>, tx) => {
        runs.push(`${tx} ${call.payload.amount}`);
      }),
    };
    await using hf = await embed({ ...OPTIONS, branches });
    await hf
      .saga('g')
      .step({ action: hf.branches.debit, compensate: null, payload: { amount: 30 } })
      .submit({ wait: true });
    expect(runs).toEqual(['g 01 action', 'tx 30']);
  });

  it('has an unknown result after its timeout, and is called again', async () => {
    let calls = 0;
    const branches = { debit: () => (++calls === 1 ? new Promise(() => undefined) : undefined) };
    await using hf = await embed({ ...OPTIONS, branches, engine: { requestTimeoutMs: 30, retryIntervalMs: 10 } });
    await hf.saga().step({ action: hf.branches.debit, compensate: null }).submit({ wait: true });
    expect(calls).toBe(2);
  });
});
