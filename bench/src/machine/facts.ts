import { closeSync, fsyncSync, openSync, statfsSync, writeSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { median } from '../report/statistics.ts';

export interface MachineFacts {
  readonly cores: number;
  readonly cpu: string;
  readonly memoryGb: number;
  readonly system: string;
  readonly node: string;
  /** One write of 4 KiB made durable in the folder of the stores, median, in ms: a saga waits for two. */
  readonly syncMs: number;
  /** The folder is in memory: what is synced there is not durable, and free. */
  readonly inMemory: boolean;
}

const SYNCS = 50;
const TMPFS = 0x01021994;

/** What a figure depends on besides the program. */
export function machineFacts(folder: string): MachineFacts {
  return {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? 'unknown',
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${release()}`,
    node: process.version,
    syncMs: measureSync(folder),
    inMemory: process.platform === 'linux' && statfsSync(folder).type === TMPFS,
  };
}

function measureSync(folder: string): number {
  const file = openSync(join(folder, 'sync'), 'w');
  const block = Buffer.alloc(4096, 'x');
  try {
    return median(
      Array.from({ length: SYNCS }, () => {
        const startMs = performance.now();
        writeSync(file, block, 0, block.length, 0);
        fsyncSync(file);
        return performance.now() - startMs;
      }),
    );
  } finally {
    closeSync(file);
  }
}
