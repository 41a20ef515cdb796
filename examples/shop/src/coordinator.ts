import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createLog, startServer } from '@holdfast/server';
import type { Settings } from './settings.ts';

export interface Coordinator {
  readonly url: string;
  close(): Promise<void>;
}

/** Longest drain when the shop closes; unfinished transactions resume at the next start. */
const DRAIN_TIMEOUT_MS = 2_000;

/** A coordinator on LMDB in this process; it logs to a file, so that the story stays readable. */
export async function startCoordinator({ coordinatorPort, folder }: Settings): Promise<Coordinator> {
  await ensureFree(coordinatorPort);
  const path = join(folder, 'coordinator');
  await mkdir(path, { recursive: true });
  const logFile = createWriteStream(join(folder, 'coordinator.log'));
  const server = await startServer(
    { store: `lmdb:${path}`, httpPort: coordinatorPort, grpcPort: 0, drainTimeout: DRAIN_TIMEOUT_MS },
    { log: createLog({ level: 'info', format: 'pretty', output: logFile, colour: false }) },
  );
  return {
    url: server.url,
    close: async () => {
      await server.close();
      logFile.end();
      await once(logFile, 'close');
    },
  };
}

/** Checked first, so that the error is the shop's own message about ports. */
async function ensureFree(port: number): Promise<void> {
  const probe = createServer();
  probe.listen(port, '127.0.0.1');
  await once(probe, 'listening');
  await new Promise((resolve) => probe.close(resolve));
}
