import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { BranchResult } from '@holdfast/protocol';
import type { BranchRouter } from '@holdfast/branches';
import { GrpcParticipant } from '@holdfast/testing/grpc-participant';
import { ClientSockets } from '../support/client-sockets.ts';
import { branchRequest } from '../support/requests.ts';
import { HostileParticipant, randomNumbers } from '../support/hostile-participant.ts';
import { branchRouter } from '../support/routers.ts';
import { Stalls } from '../support/stalls.ts';

/** `HOSTILE_SECONDS` and `HOSTILE_SEED` extend a run and repeat one. */
const SECONDS = Number(process.env['HOSTILE_SECONDS'] ?? 60);
const SEED = Number(process.env['HOSTILE_SEED'] ?? 20_261_130);
const CALLERS = 32;
const TIMEOUT_MS = 300;
/** Time for the end of a call after its timeout, apart from stalls of the event loop. */
const LATE_MS = 50;
const CALLS_PER_ROUND = 40;

let router: BranchRouter;
let honest: GrpcParticipant;
let stalls: Stalls;
let sockets: ClientSockets;
const thrown: unknown[] = [];
const onThrown = (error: unknown): void => void thrown.push(error);

beforeEach(async () => {
  stalls = new Stalls();
  sockets = new ClientSockets();
  router = branchRouter();
  honest = await GrpcParticipant.start();
  process.on('unhandledRejection', onThrown).on('uncaughtException', onThrown);
});
afterEach(async () => {
  process.off('unhandledRejection', onThrown).off('uncaughtException', onThrown);
  await router.close();
  await honest[Symbol.asyncDispose]();
  stalls[Symbol.dispose]();
  sockets[Symbol.dispose]();
});

interface Ended {
  readonly gid: string;
  readonly result: BranchResult;
  /** Since the timeout, without the stalls of the event loop. */
  readonly lateMs: number;
}

async function timed(gid: string, url: string, timeoutMs: number, payload: Uint8Array): Promise<Ended> {
  const startedMs = performance.now() - stalls.sumMs;
  const result = await router.call(branchRequest(url, { gid, protocol: 'grpc', timeoutMs, payload }));
  return { gid, result, lateMs: performance.now() - stalls.sumMs - startedMs - timeoutMs };
}

/** One hostile participant with many callers, while an honest one is called. */
async function round(seed: number): Promise<Readonly<Record<string, number>>> {
  await using hostile = new HostileParticipant(seed);
  const address = await hostile.start();
  const random = randomNumbers(seed + 1);
  const ended: Ended[] = [];
  let serial = 0;
  const caller = async (): Promise<void> => {
    for (let count = 0; count < CALLS_PER_ROUND; count++) {
      const gid = `s${seed}-${String(++serial).padStart(6, '0')}`;
      const payload = Buffer.alloc(random(8) === 0 ? random(100_000) : random(50));
      ended.push(await timed(gid, `${address}/a.B/C`, TIMEOUT_MS, payload));
    }
  };
  const progress = { isOver: false };
  const other = async (): Promise<void> => {
    while (!progress.isOver) {
      const { result } = await timed(`h${seed}`, honest.url('TransIn'), 10_000, Buffer.alloc(10));
      expect([seed, result]).toEqual([seed, { kind: 'SUCCESS', reason: '' }]);
    }
  };
  const served = other();
  await Promise.all(Array.from({ length: CALLERS }, caller));
  progress.isOver = true;
  await served;
  const kinds: Record<string, number> = {};
  for (const { gid, result, lateMs } of ended) {
    kinds[result.kind] = (kinds[result.kind] ?? 0) + 1;
    expect(lateMs, `${gid} of seed ${seed}`).toBeLessThan(LATE_MS);
    if (result.kind === 'SUCCESS') expect([seed, gid, hostile.succeeded.has(gid)]).toEqual([seed, gid, true]);
    expect(result.reason).not.toContain('internal error');
  }
  return kinds;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heapMb(): number {
  // The participant keeps the calls that it received.
  honest.seen.length = 0;
  collectGarbage();
  return process.memoryUsage().heapUsed / 1024 / 1024;
}

/** The client's connections to a participant that has gone are closed. */
const closedWithTheirServer = () =>
  vi.waitUntil(() => sockets.open.every(({ remotePort }) => remotePort === honest.port), { timeout: 60_000 });

it(
  `a participant that responds at random neither ends the process nor fakes a success (seed ${SEED})`,
  { timeout: (SECONDS + 120) * 1_000 },
  async () => {
    const endMs = performance.now() + SECONDS * 1_000;
    const total: Record<string, number> = {};
    let rounds = 0;
    let warmMb = 0;
    for (; performance.now() < endMs; rounds++) {
      for (const [kind, count] of Object.entries(await round(SEED + rounds))) total[kind] = (total[kind] ?? 0) + count;
      expect([SEED + rounds, thrown]).toEqual([SEED + rounds, []]);
      await closedWithTheirServer();
      if (rounds <= 5) warmMb = heapMb();
    }
    expect(Object.keys(total).sort(), `seeds ${SEED} to ${SEED + rounds - 1}`).toEqual([
      'FAILURE',
      'ONGOING',
      'SUCCESS',
      'UNKNOWN',
    ]);
    await router.close();
    expect(sockets.count).toBeGreaterThan(rounds);
    expect(sockets.open).toEqual([]);
    expect(heapMb()).toBeLessThan(warmMb + 30);
  },
);
