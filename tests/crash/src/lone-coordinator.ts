import { join } from 'node:path';
import { freePort } from '@holdfast/testing/servers';
import { CoordinatorProcess } from './coordinator-process.ts';
import { planKills } from './kill-plan.ts';
import { killAsPlanned } from './kills.ts';
import type { RunOptions } from './options.ts';
import { MAX_RETRY_INTERVAL_S, RETRY_INTERVAL_S } from './plan.ts';
import type { Security } from './secured/security.ts';
import type { Subject } from './subject.ts';

/** One coordinator on LMDB, which is killed and restarted on the same data and port. */
export async function loneCoordinator(
  { seed, kills, seconds }: Pick<RunOptions, 'seed' | 'kills' | 'seconds'>,
  cliPath: string,
  folder: string,
  print: (line: string) => void,
  security?: Security,
): Promise<Subject> {
  const [port, grpcPort] = [await freePort(), await freePort()];
  const retries = ['--retry-interval', `${RETRY_INTERVAL_S}s`, '--max-retry-interval', `${MAX_RETRY_INTERVAL_S}s`];
  const serve = ['--store', `lmdb:${join(folder, 'data')}`, ...retries];
  const logPath = join(folder, 'coordinator.log');
  const coordinator = new CoordinatorProcess({ cliPath, port, grpcPort, serve, logPath, security });
  return {
    origin: `${security === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    grpcAddress: `127.0.0.1:${grpcPort}`,
    get deaths() {
      return coordinator.deaths;
    },
    start() {
      coordinator.start();
      return coordinator.ready();
    },
    async disturb(inFlight) {
      const done = await killAsPlanned(coordinator, planKills(seed, kills, seconds), inFlight, print);
      return { kills: done, nodes: [], outages: [], faults: [], sessions: [] };
    },
    end: () => coordinator.kill(),
    close: () => coordinator.close(),
  };
}
