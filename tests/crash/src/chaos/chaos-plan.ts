import { type Fault, type FaultKind, NO_FAULT } from '../fault.ts';
import { createRandom, type Random } from '../random.ts';
import { type Clash, CLASH_ACCOUNTS, clashing, LONG_HOLD_MS } from './clashes.ts';
import type { DatabaseName } from './databases/chaos-database.ts';
import { ACCOUNTS, type Change } from './databases/ledger.ts';

export type ChaosPattern = 'saga' | 'tcc' | 'xa' | 'msg' | 'workflow';

/**
 * How a transaction is planned to end:
 *
 * - `plain`: every step can succeed
 * - `refused`: the participant of the last step writes, then returns FAILURE
 * - `timeout`: an action is held back until the transaction has timed out, and then arrives
 * - `thrown`: the initiator's code throws after all steps
 * - `slow`: the sender of a message stalls before its local transaction until the coordinator has
 *   checked back
 * - `deadlock`, `long wait`: the steps run at once, and wait for each other's locks
 */
export type Flavour = 'plain' | 'refused' | 'timeout' | 'thrown' | 'slow' | Clash;

/**
 * When the server ends the connection of an op's transaction: behind the barrier's row, or behind
 * the work.
 */
export type Termination = '' | 'before work' | 'after work';

/** What a participant is sent about a step. */
export interface Step {
  readonly step: number;
  readonly changes: readonly Change[];
  readonly termination: Termination;
  /** The handler numbers its use of the barrier. */
  readonly numbered: boolean;
  readonly refuse: boolean;
  /** The termination hits what comes behind the action or the try alone. */
  readonly sparesForward: boolean;
  /** Between the two changes. */
  readonly holdMs: number;
}

/** A step, and how the calls of it misbehave. */
export interface PlannedStep extends Step {
  readonly participant: 0 | 1;
  readonly forward: Fault;
  readonly undo: Fault;
  /** Of a workflow: the kind of step. */
  readonly kind: 'local' | 'call' | 'xa';
}

export interface ChaosPlan {
  readonly pattern: ChaosPattern;
  readonly flavour: Flavour;
  /** Of a message: the sender's local transaction, step 0. */
  readonly local: Step | undefined;
  readonly steps: readonly PlannedStep[];
  /**
   * Of a TCC or XA: no fault is planned before its submission. Any one of them would abort it, so
   * that few would reach their confirmation or commit, where faults are planned as for all.
   */
  readonly isSpared: boolean;
  readonly wait: boolean;
}

/** First pause of the coordinator between two calls. */
export const RETRY_INTERVAL_MS = 300;
export const REQUEST_TIMEOUT_MS = 2_500;
export const TIMEOUT_TO_FAIL_MS = 4_000;
/** Of what is spared: a busy machine does not abort it. */
export const SPARED_TIMEOUT_TO_FAIL_MS = 30_000;

/** Share of the plain TCC and XA transactions that is spared. */
const SPARED = 0.6;
/**
 * Transactions meet at the first few accounts; those of XA, which hold their locks longer, at the
 * others.
 */
const HOT_ACCOUNTS = 12;
/** The ones above are for what is spared and for clashes, which wait for no locks of others. */
const BUSY_ACCOUNTS = 80;
/** Longer than a transaction may take, so that the undo comes first. */
export const LATE_MS = 7_000;

/** The transaction of that number, which depends on nothing but the arguments. */
export function planOf(seed: number, number: number, database: DatabaseName): ChaosPlan {
  const random = createRandom(seed, number);
  const pattern = random.weighted(weightsOn(database));
  const flavour = flavourOf(random, pattern);
  const isClash = flavour === 'deadlock' || flavour === 'long wait';
  const count = isClash ? 2 : random.between(2, 3);
  const isTwoPhase = pattern === 'tcc' || pattern === 'xa';
  const isSpared = isTwoPhase && flavour === 'plain' && random.chance(SPARED);
  const amounts = amountsOf(random, count + (pattern === 'msg' ? 1 : 0));
  const drawn = Array.from({ length: count }, (_, index) =>
    stepOf(random, { pattern, flavour, index, count, amounts, isSpared }),
  );
  const steps = isClash ? clashing(drawn, flavour) : drawn;
  const local = { ...bareStep(random, 0, amounts.at(-1) ?? [], false, false), refuse: flavour === 'thrown' };
  return {
    pattern,
    flavour,
    local: pattern === 'msg' ? local : undefined,
    steps: database === 'redis' ? steps.map((step) => (step.kind === 'xa' ? { ...step, kind: 'call' } : step)) : steps,
    isSpared,
    wait: random.chance(0.5),
  };
}

const PATTERNS: readonly (readonly [weight: number, pattern: ChaosPattern])[] = [
  [30, 'saga'],
  [20, 'tcc'],
  [25, 'xa'],
  [20, 'msg'],
  [15, 'workflow'],
];

const weightsOn = (database: DatabaseName): typeof PATTERNS =>
  PATTERNS.filter(([, pattern]) => pattern !== 'xa' || database !== 'redis');

/** Patterns of the transactions on that database; Redis has no XA. */
export const patternsOn = (database: DatabaseName): readonly ChaosPattern[] =>
  weightsOn(database).map(([, pattern]) => pattern);

function flavourOf(random: Random, pattern: ChaosPattern): Flavour {
  const weights: Readonly<Record<ChaosPattern, readonly (readonly [number, Flavour])[]>> = {
    saga: [
      [50, 'plain'],
      [20, 'refused'],
      [15, 'timeout'],
      [10, 'deadlock'],
      [5, 'long wait'],
    ],
    tcc: [
      [60, 'plain'],
      [15, 'refused'],
      [15, 'timeout'],
      [15, 'thrown'],
    ],
    xa: [
      [65, 'plain'],
      [15, 'refused'],
      [10, 'timeout'],
      [15, 'thrown'],
    ],
    msg: [
      [70, 'plain'],
      [20, 'thrown'],
      [15, 'slow'],
    ],
    workflow: [
      [70, 'plain'],
      [30, 'refused'],
    ],
  };
  return random.weighted(weights[pattern]);
}

interface StepPlace {
  readonly pattern: ChaosPattern;
  readonly flavour: Flavour;
  readonly index: number;
  readonly count: number;
  readonly amounts: readonly (readonly number[])[];
  readonly isSpared: boolean;
}

function stepOf(random: Random, { pattern, flavour, index, count, amounts, isSpared }: StepPlace): PlannedStep {
  const isLast = index === count - 1;
  const kind =
    pattern === 'workflow'
      ? random.weighted([
          [1, 'local'],
          [2, 'call'],
          [1, 'xa'],
        ] as const)
      : 'call';
  const isXa = pattern === 'xa' || kind === 'xa';
  const step = bareStep(random, index + 1, amounts[index] ?? [], isXa, isSpared);
  const forward = flavour === 'timeout' && isLast ? fault('late', 3, LATE_MS) : passingFault(random, isXa);
  return {
    ...step,
    sparesForward: isSpared,
    kind,
    refuse: flavour === 'refused' && isLast,
    participant: random.chance(0.5) ? 0 : 1,
    forward: isSpared ? NO_FAULT : forward,
    undo: passingFault(random, isXa),
  };
}

function bareStep(random: Random, step: number, amounts: readonly number[], isXa: boolean, isSpared: boolean): Step {
  const [from, to] = isSpared
    ? [BUSY_ACCOUNTS, ACCOUNTS - CLASH_ACCOUNTS]
    : isXa
      ? [HOT_ACCOUNTS, BUSY_ACCOUNTS]
      : [0, HOT_ACCOUNTS];
  const account = (): number => random.between(from, to - 1);
  const [first, second] = [account(), account()];
  return {
    step,
    changes: [
      { account: first, amount: amounts[0] ?? 0 },
      { account: second, amount: amounts[1] ?? 0 },
    ],
    termination: random.weighted([
      [86, ''],
      [7, 'before work'],
      [7, 'after work'],
    ] as const),
    numbered: random.chance(0.5),
    refuse: false,
    sparesForward: false,
    holdMs: random.weighted([
      [isXa ? 80 : 79, 0],
      [20, random.between(1, 8)],
      [isXa ? 0 : 1, LONG_HOLD_MS],
    ]),
  };
}

function passingFault(random: Random, isXa: boolean): Fault {
  const delayMs = random.between(0, 1_500);
  return random.weighted<Fault>([
    [70, NO_FAULT],
    [10, fault('twice', 2, random.chance(0.5) ? 0 : delayMs)],
    [7, fault('unknown', 1, 0)],
    [8, fault('lost', 1, 0)],
    // A lock of XA that is held for long stops the others.
    [isXa ? 1 : 5, fault('late', 1, 2 * delayMs)],
  ]);
}

const fault = (kind: FaultKind, times: number, delayMs: number): Fault => ({ kind, times, delayMs });

/** Pairs of amounts that add up to 0: a transaction moves money, and makes none. */
function amountsOf(random: Random, pairs: number): readonly (readonly number[])[] {
  const drawn = Array.from({ length: pairs * 2 - 1 }, () => random.between(-9, 9));
  const all = [...drawn, -drawn.reduce((sum, amount) => sum + amount, 0)];
  return Array.from({ length: pairs }, (_, pair) => all.slice(pair * 2, pair * 2 + 2));
}
