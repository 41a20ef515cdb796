import { get } from 'node:https';
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

const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;
/** The built command line. */
export const CLI = fileURLToPath(new URL('../../../packages/cli/dist/cli.js', import.meta.url));

/** A coordinator that serves HTTP at `url`, and gRPC. */
export interface PrivateCoordinator extends PrivateServer {
  /** `host:port`. */
  readonly grpcAddress: string;
}

/**
 * Starts a Holdfast coordinator as a separate process, on the embedded store.
 *
 * @param options further options of `serve`
 * @param ca authority of its certificate, PEM; undefined: it has no TLS
 */
export async function startHoldfast(options: readonly string[] = [], ca?: string): Promise<PrivateCoordinator> {
  const folder = await createDataFolder('coordinator', undefined);
  const [httpPort, grpcPort] = [await freePort(), await freePort()];
  const store = `lmdb:${join(folder, 'store')}`;
  const ports = ['--http-port', String(httpPort), '--grpc-port', String(grpcPort)];
  const args = [CLI, 'serve', '--store', store, ...ports, ...options];
  const child = startChild(process.execPath, args, { cwd: folder });
  const url = `${ca === undefined ? 'http' : 'https'}://127.0.0.1:${httpPort}`;
  const isReady = (): Promise<boolean> =>
    ca === undefined ? responds(`${url}/readyz`) : respondsOverTls(`${url}/readyz`, ca);
  const stop = async (): Promise<void> => {
    await child.stop('SIGTERM', STOP_TIMEOUT_MS);
    await removeDataFolder(folder);
  };
  try {
    await untilReady(child, isReady, READY_TIMEOUT_MS);
  } catch (error) {
    await stop();
    throw error;
  }
  return { name: 'Holdfast', url, grpcAddress: `127.0.0.1:${grpcPort}`, stop };
}

const respondsOverTls = (url: string, ca: string): Promise<boolean> =>
  new Promise((resolve) => {
    const request = get(url, { ca, agent: false, timeout: 2_000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
  });
