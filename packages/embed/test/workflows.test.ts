import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Holdfast } from '@holdfast/client';
import { embed, type EmbedOptions } from '@holdfast/embed';
import { expect, it, onTestFinished, vi } from 'vitest';
import { SILENT } from './support/silent.ts';

const OPTIONS = { logger: SILENT, drainMs: 0 } as const satisfies Omit<EmbedOptions, 'store'>;

it('a workflow runs without a URL to be called back at', async () => {
  await using hf = await embed({ ...OPTIONS, store: 'memory:' });
  const double = hf.workflow('double', { version: 1 }, async (flow, input: { n: number }) => {
    return flow.step('double', () => input.n * 2);
  });
  await expect(double.run({ n: 21 })).resolves.toBe(42);
});

it('a workflow that an earlier process left is called back when it is defined, however late that is', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-embed-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const store = `lmdb:${folder}`;
  const done: string[] = [];

  const first = await embed({ ...OPTIONS, store, engine: { retryIntervalMs: 50 } });
  const hanging = first.workflow('transfer', { version: 1 }, async (flow) => {
    await flow.step('debit', () => void done.push('debit'));
    await flow.step('credit', () => new Promise(() => void done.push('credit, and dies')));
  });
  void hanging.run(undefined, { gid: 'transfer-1' }).catch(() => undefined);
  await vi.waitFor(() => expect(done).toEqual(['debit', 'credit, and dies']));
  await first.close();

  const undefinedUntil = (hf: Holdfast, retryAtMs: number): Promise<void> =>
    vi.waitFor(
      async () => {
        const timeline = (await hf.get('transfer-1'))?.timeline ?? [];
        const ongoing = timeline.filter((entry) => entry.kind === 'call' && entry.result === 'ONGOING');
        expect(Math.max(...ongoing.map((entry) => ('retryAtMs' in entry ? entry.retryAtMs : 0)))).toBeGreaterThan(
          retryAtMs,
        );
      },
      { timeout: 20_000 },
    );
  // The first process may have ended before its first heartbeat: then the interval of the next one
  // applies.
  const short = await embed({ ...OPTIONS, store, engine: { retryIntervalMs: 50 } });
  await undefinedUntil(short, 0);
  await short.close();

  // The retry interval is too long for this test: only the definition resumes the workflow.
  await using second = await embed({ ...OPTIONS, store, engine: { retryIntervalMs: 3_600_000 } });
  await undefinedUntil(second, Date.now() + 1_800_000);
  second.workflow('transfer', { version: 1 }, async (flow) => {
    await flow.step('debit', () => void done.push('debit again'));
    await flow.step('credit', () => void done.push('credit'));
  });
  await expect(second.wait('transfer-1')).resolves.toMatchObject({ status: 'succeed' });
  expect(done).toEqual(['debit', 'credit, and dies', 'credit']);
});
