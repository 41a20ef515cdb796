import { execFile } from 'node:child_process';
import { readFile, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { newFolder, programPath } from './place.ts';
import { judge, TRACED_CALLS, type TraceVerdict } from './sync-trace.ts';

const BATCHES = 20;

/**
 * SIGKILL proves nothing about a sync, because the kernel keeps what was written. These tests check
 * the system calls instead.
 */
describeWith(['strace'], 'durability', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await realpath(await newFolder());
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function traceWriter(sync: 'sync' | 'no-sync'): Promise<string> {
    const [data, output] = [join(folder, 'data'), join(folder, 'trace')];
    const program = [process.execPath, programPath('acknowledging-writer.mjs'), data, String(BATCHES), sync];
    await promisify(execFile)('strace', ['-f', '-y', '-e', `trace=${TRACED_CALLS}`, '-o', output, ...program]);
    return readFile(output, 'utf8');
  }

  const judged = (trace: string): TraceVerdict => judge(trace, join(folder, 'data', 'data.mdb'), 'acknowledged ');

  it('has everything on the disk before each acknowledgement', async () => {
    expect(judged(await traceWriter('sync'))).toEqual({ acknowledged: BATCHES, violations: [] });
  });

  it('is seen to be missing, for every batch, when syncing is switched off', async () => {
    const { acknowledged, violations } = judged(await traceWriter('no-sync'));
    expect(acknowledged).toBe(BATCHES);
    for (let batch = 0; batch < BATCHES; batch++)
      expect(violations.filter((violation) => violation.startsWith(`acknowledgement ${batch}:`))).not.toEqual([]);
  });

  it('is seen to be missing when one sync of many is taken out of what happened', async () => {
    const lines = (await traceWriter('sync')).split('\n');
    const syncs = lines.flatMap((line, i) => (line.includes('fdatasync') && line.endsWith('= 0') ? [i] : []));
    expect(syncs.length).toBeGreaterThanOrEqual(BATCHES);
    const without = lines.toSpliced(syncs[syncs.length >> 1] ?? 0, 1);
    expect(judged(without.join('\n')).violations).not.toEqual([]);
  });
});
