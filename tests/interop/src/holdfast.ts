import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  responds,
  createDataFolder,
  freePort,
  type PrivateServer,
  removeDataFolder,
  startChild,
  untilReady,
} from '@holdfast/testing/servers';

const READY_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 20_000;
const CLI = fileURLToPath(new URL('../../../packages/cli/dist/cli.js', import.meta.url));

/** A coordinator that serves HTTP at `url`, and gRPC. */
export interface PrivateCoordinator extends PrivateServer {
  /** `host:port`. */
  readonly grpcAddress: string;
}

/** Starts a Holdfast coordinator as a separate process, on the embedded store. */
export async function startHoldfast(): Promise<PrivateCoordinator> {
  const folder = await createDataFolder('coordinator', undefined);
  const [httpPort, grpcPort] = [await freePort(), await freePort()];
  const store = `lmdb:${join(folder, 'store')}`;
  const args = [CLI, 'serve', '--store', store, '--http-port', String(httpPort), '--grpc-port', String(grpcPort)];
  const child = startChild(process.execPath, args, { cwd: folder });
  const url = `http://127.0.0.1:${httpPort}`;
  const stop = async (): Promise<void> => {
    await child.stop('SIGTERM', STOP_TIMEOUT_MS);
    await removeDataFolder(folder);
  };
  try {
    await untilReady(child, () => responds(`${url}/readyz`), READY_TIMEOUT_MS);
  } catch (error) {
    await stop();
    throw error;
  }
  return { name: 'Holdfast', url, grpcAddress: `127.0.0.1:${grpcPort}`, stop };
}
