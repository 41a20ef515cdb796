import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { startBranchService } from '../branch/start-branch-service.ts';
import { callOnce } from '../grpc/call-once.ts';
import { type MachineFacts, machineFacts } from '../machine/facts.ts';
import type { StallOptions } from '../options.ts';
import type { Cleanup } from '../processes/cleanup.ts';
import { temporaryFolder } from '../processes/temporary-folder.ts';
import type { Say } from '../report/say.ts';
import type { Hosts, Input, Sent } from './input.ts';
import { INPUTS } from './inputs.ts';
import { ProbedHoldfast } from './probed-holdfast.ts';
import type { Stall } from './stall.ts';

/** The measurements of one input, in the order of the rounds. */
export interface StallLine {
  readonly name: string;
  /** Size of the largest request. */
  readonly bytes: number;
  /** HTTP statuses, and gRPC statuses as `grpc 3`, each once. */
  readonly statuses: readonly string[];
  readonly stalls: readonly Stall[];
}

export interface StallComparison {
  readonly machine: MachineFacts;
  readonly branchService: string;
  readonly lines: readonly StallLine[];
}

/** How long the work caused by an input is observed after its last response. */
const SETTLE_MS = 1_500;

/**
 * Sends each of the worst inputs to a coordinator and measures how long its event loop was blocked.
 * `cleanup` stops the processes that it starts.
 */
export async function measureStalls(
  { rounds, branchService }: StallOptions,
  cleanup: Cleanup,
  say: Say,
): Promise<StallComparison> {
  const folder = temporaryFolder(cleanup);
  const branches = await startBranchService(branchService, folder, cleanup);
  const hosts = { branches: branches.origin, hanging: await startHangingHost(cleanup) };
  const lines: StallLine[] = [];
  for (const input of INPUTS) {
    // One coordinator per input: calls that hang or are retried would count for the next input.
    const holdfast = await ProbedHoldfast.start(folder);
    const stop = (): Promise<void> => holdfast.stop();
    cleanup.add(stop);
    lines.push(await measure(holdfast, hosts, input, rounds));
    await stop();
    say(
      `${input.name}: ${lines
        .at(-1)
        ?.stalls.map(({ cpuMs }) => cpuMs.toFixed(1))
        .join(', ')} ms of CPU`,
    );
  }
  return { machine: machineFacts(folder), branchService: branches.name, lines };
}

/** The first round warms up the code and does not count. */
async function measure(holdfast: ProbedHoldfast, hosts: Hosts, input: Input, rounds: number): Promise<StallLine> {
  const statuses = new Set<string>();
  const stalls: Stall[] = [];
  let bytes = 0;
  for (const request of input.before?.(hosts) ?? []) await send(holdfast, request);
  for (let round = 0; round <= rounds; round++) {
    const requests = input.requests(hosts);
    await delay(SETTLE_MS / 3);
    await holdfast.longestStall();
    for (const request of requests) {
      bytes = Math.max(bytes, request.body.length);
      statuses.add(await send(holdfast, request));
    }
    await delay(SETTLE_MS);
    const stall = await holdfast.longestStall();
    if (round > 0) stalls.push(stall);
  }
  return { name: input.name, bytes, statuses: [...statuses], stalls };
}

async function send({ origin, grpcOrigin }: ProbedHoldfast, sent: Sent): Promise<string> {
  if ('grpc' in sent) {
    const { status, failure } = await callOnce(grpcOrigin, sent.grpc, sent.body);
    return `grpc ${status ?? failure}`;
  }
  const { method = 'POST', path, body } = sent;
  const response = await fetch(origin + path, method === 'GET' ? { method } : { method, body });
  await response.arrayBuffer();
  return String(response.status);
}

/** A host that accepts connections and never responds. */
async function startHangingHost(cleanup: Cleanup): Promise<string> {
  const server = createServer((socket) => socket.on('error', () => socket.destroy()).resume());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanup.add(() => {
    server.close();
    return Promise.resolve();
  });
  server.unref();
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
