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
  /**
   * Median duration of one durable write of 4 KiB in the stores' folder, in ms: a saga waits for
   * two.
   */
  readonly syncMs: number;
  /** Whether the folder is in memory: a sync there is free and makes nothing durable. */
  readonly inMemory: boolean;
}

const SYNCS = 50;
const TMPFS = 0x01021994;

/** The facts, other than the program, on which figures depend. */
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
