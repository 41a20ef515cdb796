import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '@holdfast/testing/servers';
import { cleanEnvironment } from '../processes/helper.ts';
import { hasEnded, own, stop } from '../processes/owned.ts';
import { waitForOk } from '../processes/wait-for.ts';
import type { Subject } from './subject.ts';

const CHECKOUT = fileURLToPath(new URL('../../..', import.meta.url));
/** Path in a built checkout. Before the command line had its package, the server contained it. */
const CLI_OF_CHECKOUT = 'packages/cli/dist/cli.js';
const EARLIER_CLI_OF_CHECKOUT = 'packages/server/dist/cli.js';
const READY_TIMEOUT_MS = 60_000;
/** Covers a drain, and writing a CPU profile. */
const STOP_PATIENCE_MS = 30_000;
const LOG_TAIL_CHARS = 2_000;

export interface HoldfastOptions {
  readonly name: string;
  /** The value of `holdfast serve --store`. */
  readonly store: string;
  /** An empty folder, for its log and a store without a path. */
  readonly folder: string;
  /** The built checkout from which it is started; undefined: this one. */
  readonly checkout?: string | undefined;
  /** Where Node writes a CPU profile at exit; undefined: none. */
  readonly profileFolder: string | undefined;
  /** Further arguments of `holdfast serve`. */
  readonly args?: readonly string[];
  /** PEM of the authority of its certificate: it serves https. */
  readonly authority?: string | undefined;
}

export interface Holdfast extends Subject {
  /** Where it serves gRPC, such as `http://127.0.0.1:36790`. */
  readonly grpcOrigin: string;
  readonly pid: number;
  /** From the start of its process to the first 200 of `/readyz`, in ms. */
  readonly readyMs: number;
  readonly stop: () => Promise<void>;
}

/** The built command line of a checkout; undefined if the checkout is not built. */
export const cliOfCheckout = (checkout: string): string | undefined =>
  [CLI_OF_CHECKOUT, EARLIER_CLI_OF_CHECKOUT].map((path) => join(checkout, path)).find((path) => existsSync(path));

/** The built command line of this checkout. */
export const CLI = join(CHECKOUT, CLI_OF_CHECKOUT);

/** Starts a coordinator from a checkout and waits until it is ready. */
export async function startHoldfast(options: HoldfastOptions): Promise<Holdfast> {
  const { name, store, folder, checkout = CHECKOUT, profileFolder, args = [], authority } = options;
  const cli = cliOfCheckout(checkout);
  if (cli === undefined) throw new Error(`${checkout} is not built: build it first (npm run build)`);
  mkdirSync(folder, { recursive: true });
  const [httpPort, grpcPort] = [await freePort(), await freePort()];
  const profile = profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`];
  const ports = ['--http-port', String(httpPort), '--grpc-port', String(grpcPort)];
  const logPath = join(folder, 'coordinator.txt');
  const log = openSync(logPath, 'a');
  const startMs = performance.now();
  const child = spawn(process.execPath, [...profile, cli, 'serve', '--store', store, ...ports, ...args], {
    cwd: folder,
    stdio: ['ignore', log, log],
    env: cleanEnvironment(),
  });
  own(child);
  closeSync(log);
  const origin = `${authority === undefined ? 'http' : 'https'}://127.0.0.1:${httpPort}`;
  try {
    const failed = (): string | undefined =>
      hasEnded(child)
        ? `the coordinator exited unexpectedly:\n${readFileSync(logPath, 'utf8').slice(-LOG_TAIL_CHARS)}`
        : undefined;
    await waitForOk(`${origin}/readyz`, READY_TIMEOUT_MS, failed, authority);
  } catch (error) {
    await stop(child, 0);
    throw error;
  }
  const readyMs = performance.now() - startMs;
  const grpcOrigin = `http://127.0.0.1:${grpcPort}`;
  return { name, origin, grpcOrigin, pid: child.pid ?? 0, readyMs, stop: () => stop(child, STOP_PATIENCE_MS) };
}
