import { DEFAULT_ENGINE_OPTIONS, type EngineOptions } from '@holdfast/core/engine';
import type { Random } from './kernel/random.ts';

/** The world of a seed: number of nodes, faults, engine options. */
export interface Profile {
  /** Coordinators over the one store. */
  readonly nodes: number;
  /**
   * The store belongs to one process, like an embedded one: its calls are not lost, and a new
   * process starts after the old one has ended.
   */
  readonly exclusive: boolean;
  /** There are no faults except business rejections. */
  readonly calm: boolean;
  /** Until when faults happen; afterwards everything heals, and every transaction must finish. */
  readonly faultsUntilMs: number;
  readonly transactions: number;
  /** Time within which the transactions begin. */
  readonly rushMs: number;
  readonly store: StoreFaults;
  readonly network: NetworkFaults;
  /** The nodes call participants by the HTTP client, over simulated sockets. */
  readonly overHttp: boolean;
  /** The steps of workflows take longer than the interval of callbacks. */
  readonly slowSteps: boolean;
  readonly participants: ParticipantFaults;
  readonly nodeFaults: NodeFaults;
  /**
   * Probability per call that a hook passed to the engine (alert hook, observer, logger, branch
   * caller) throws.
   */
  readonly thrown: number;
  readonly options: EngineOptions;
  readonly clockFaults: ClockFaults;
}

/** How often wall clocks are set, forward or back. */
export interface ClockFaults {
  readonly store: number;
  readonly nodes: number;
}

/** Probabilities per call, by default. */
export interface StoreFaults {
  readonly latencyMs: number;
  readonly unavailable: number;
  readonly outcomeUnknown: number;
  /**
   * Nothing is applied, and the error code is one for which stores have no reason: `closed`,
   * `locked`, `invalid`, …
   */
  readonly odd: number;
  /** Per item: the store always rejects it. */
  readonly rejected: number;
  /** Per item: each call with it loses its connection, and nothing is applied. */
  readonly poisonous: number;
  /** A `get` returns versions older than the latest ones. */
  readonly stale: number;
  /** Number of times when one node cannot reach the store. */
  readonly outages: number;
  readonly longestOutageMs: number;
}

export interface NetworkFaults {
  readonly latencyMs: number;
  readonly loss: number;
  /** A request arrives a second time, later. */
  readonly repeat: number;
}

export interface ParticipantFaults {
  /** How long the work of one call takes. */
  readonly workMs: number;
  /** A call fails for a technical reason. */
  readonly hiccup: number;
  readonly outages: number;
}

export interface NodeFaults {
  readonly crashes: number;
  readonly pauses: number;
  readonly longestPauseMs: number;
  readonly drains: number;
  /** Number of transactions whose branch call kills the node that makes it. */
  readonly killers: number;
}

const NO_STORE_FAULTS = {
  unavailable: 0,
  outcomeUnknown: 0,
  odd: 0,
  rejected: 0,
  poisonous: 0,
  stale: 0,
  outages: 0,
  longestOutageMs: 0,
};
const NO_NODE_FAULTS: NodeFaults = { crashes: 0, pauses: 0, longestPauseMs: 0, drains: 0, killers: 0 };

/** Part of the seeds in which calls pass through the HTTP client. */
const SHARE_OVER_HTTP = 0.25;
/** Part of the seeds in which the code of workflows is slow, and sends heartbeats. */
const SHARE_SLOW_STEPS = 0.3;

/** Draws the world of a seed. */
export function drawProfile(random: Random): Profile {
  // Separate streams: the other draws of a seed stay the same.
  const overHttp = random.fork('http').chance(SHARE_OVER_HTTP);
  const slowSteps = random.fork('slow steps').chance(SHARE_SLOW_STEPS);
  const exclusive = random.chance(0.15);
  const calm = random.chance(0.06);
  const rough = random.chance(0.3);
  // Limits so low that they are reached.
  const tight = !calm && random.chance(0.25);
  const silenceMs = random.pick([4_500, 6_000, 15_000]);
  const faultsUntilMs = random.int(25_000, 50_000);
  return {
    nodes: exclusive ? 1 : random.weighted({ 2: 8, 3: 2 }) === '2' ? 2 : 3,
    exclusive,
    calm,
    faultsUntilMs,
    rushMs: tight || random.chance(0.1) ? random.int(500, 5_000) : faultsUntilMs * 0.8,
    transactions: random.int(20, 40),
    store: {
      latencyMs: random.pick([0.5, 2, 8, 40]),
      ...(calm || exclusive ? NO_STORE_FAULTS : drawStoreFaults(random, rough)),
    },
    network: {
      latencyMs: random.pick([0.5, 3, 20]),
      loss: calm ? 0 : random.pick([0, 0.01, rough ? 0.08 : 0.03]),
      repeat: calm ? 0 : random.pick([0, 0.02]),
    },
    overHttp,
    slowSteps,
    participants: {
      workMs: random.pick(tight ? [40, 200] : [0, 5, 40]),
      hiccup: calm ? 0 : random.pick([0.03, 0.1, rough ? 0.35 : 0.2]),
      outages: calm ? 0 : random.int(0, 2),
    },
    nodeFaults: calm ? NO_NODE_FAULTS : drawNodeFaults(random, rough, silenceMs),
    options: drawOptions(random, silenceMs, tight),
    clockFaults:
      calm || random.chance(0.5) ? { store: 0, nodes: 0 } : { store: random.int(1, 6), nodes: random.int(0, 3) },
    thrown: calm ? 0 : random.pick([0, 0, 0, 0.002, 0.02]),
  };
}

function drawStoreFaults(random: Random, rough: boolean) {
  return {
    unavailable: random.pick([0, 0.01, rough ? 0.1 : 0.03]),
    outcomeUnknown: random.pick([0, 0.01, rough ? 0.1 : 0.04]),
    odd: random.pick([0, 0, 0.005, rough ? 0.05 : 0.01]),
    rejected: random.pick([0, 0, 0.005, 0.02]),
    poisonous: random.pick([0, 0, 0, 0.005, 0.02]),
    stale: random.pick([0, 0, 0, 0.1, 0.3]),
    outages: random.int(0, rough ? 4 : 2),
    longestOutageMs: random.pick([1_500, 8_000, 20_000]),
  };
}

function drawNodeFaults(random: Random, rough: boolean, silenceMs: number): NodeFaults {
  return {
    crashes: random.int(0, rough ? 6 : 3),
    pauses: random.int(0, rough ? 5 : 3),
    longestPauseMs: silenceMs * random.pick([0.7, 2, 3]),
    drains: random.int(0, 2),
    killers: random.chance(0.15) ? 1 : 0,
  };
}

function drawOptions(random: Random, silenceMs: number, tight: boolean): EngineOptions {
  return {
    ...DEFAULT_ENGINE_OPTIONS,
    heartbeatMs: silenceMs / 3,
    silenceMs,
    retryIntervalMs: random.pick([500, 2_000]),
    maxRetryIntervalMs: random.pick([4_000, 8_000]),
    timeoutToFailMs: random.pick([6_000, 12_000]),
    requestTimeoutMs: random.pick([800, 2_000]),
    maxClaims: random.pick([3, 5]),
    maxInProgress: tight ? random.int(2, 6) : 1_000,
    maxCallsPerDestination: tight ? random.int(1, 4) : 128,
    maxQueuedPerDestination: tight ? random.int(1, 6) : 2_048,
    progressFlushMs: random.pick([100, 1_000]),
    pollMs: random.pick([200, 1_000]),
    claimBatch: random.pick([3, 200]),
    batchItems: random.pick([2, 1_000]),
    maxQueuedWrites: tight ? 5 : 500,
    maxWaiters: tight ? 2 : 1_000,
    // Longer than any client repeats its requests.
    retentionMs: random.chance(0.08) ? 90_000 : 0,
    maxWaitMs: random.pick([3_000, 20_000]),
  };
}
