import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { freePort } from '@holdfast/testing/servers';
import { cleanEnvironment } from '../processes/helper.ts';
import { hasEnded, own, stop } from '../processes/owned.ts';
import { waitForOk } from '../processes/wait-for.ts';
import type { Stall } from './stall.ts';

const CLI = fileURLToPath(new URL('../../../packages/cli/dist/cli.js', import.meta.url));
const PROBE = new URL('./stall-probe.js', import.meta.url).href;
const READY_TIMEOUT_MS = 60_000;

/** A coordinator on the memory store with a probe in its event loop. */
export class ProbedHoldfast {
  readonly origin: string;
  /** Where it serves gRPC. */
  readonly grpcOrigin: string;
  readonly #child: ChildProcess;

  private constructor(origin: string, grpcOrigin: string, child: ChildProcess) {
    this.origin = origin;
    this.grpcOrigin = grpcOrigin;
    this.#child = child;
  }

  /** Starts a coordinator and waits until it is ready. */
  static async start(folder: string): Promise<ProbedHoldfast> {
    const [httpPort, grpcPort] = [await freePort(), await freePort()];
    const ports = ['--http-port', String(httpPort), '--grpc-port', String(grpcPort)];
    const args = ['--import', PROBE, CLI, 'serve', '--store', 'memory:', ...ports];
    const stdio = ['ignore', 'ignore', 'inherit', 'ipc'] as const;
    const child = spawn(process.execPath, args, { cwd: folder, stdio: [...stdio], env: cleanEnvironment() });
    own(child);
    const origin = `http://127.0.0.1:${httpPort}`;
    await waitForOk(`${origin}/readyz`, READY_TIMEOUT_MS, () =>
      hasEnded(child) ? 'the coordinator exited unexpectedly' : undefined,
    );
    return new ProbedHoldfast(origin, `http://127.0.0.1:${grpcPort}`, child);
  }

  /** The longest stall since the previous call. */
  async longestStall(): Promise<Stall> {
    const reply = once(this.#child, 'message');
    this.#child.send('read');
    const [stall] = (await reply) as [Stall];
    return stall;
  }

  stop(): Promise<void> {
    return stop(this.#child);
  }
}
