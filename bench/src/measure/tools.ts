import { randomBytes } from 'node:crypto';
import { startBranchService } from '../branch/start-branch-service.ts';
import { chooseLoad } from '../load/choose-load.ts';
import type { BenchOptions } from '../options.ts';
import type { Cleanup } from '../processes/cleanup.ts';
import type { Bench } from './round.ts';

/** Starts the tools that every round needs. */
export async function startTools(options: BenchOptions, folder: string, cleanup: Cleanup): Promise<Bench> {
  return {
    load: chooseLoad(options.load),
    branches: await startBranchService(options.branchService, folder, cleanup),
    runId: `bench-${randomBytes(4).toString('hex')}`,
  };
}
