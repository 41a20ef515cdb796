import { ALWAYS, NO_FAULT, type Fault, type FaultKind } from './fault.ts';
import type { BranchOp, BranchPlan, MessagePlan, Plan, SagaPlan, TccPlan, WorkflowPlan } from './plan.ts';
import { type WithoutProtocols, withProtocols } from './plan-protocols.ts';
import { createRandom, type Random } from './random.ts';

/** Longer than a branch's request timeout, so that the coordinator abandons the call. */
const BEYOND_TIMEOUT_MS = 1_400;
const FAULT_PROBABILITY = 0.15;

/** The streams of the protocols begin here, above every number of a transaction. */
const PROTOCOL_STREAMS = 1_000_000_000;

/** The `number`-th transaction of a seed. */
export function makePlan(seed: number, number: number): Plan {
  return withProtocols(createRandom(seed, PROTOCOL_STREAMS + number), makeCalls(seed, number));
}

function makeCalls(seed: number, number: number): WithoutProtocols<Plan> {
  const random = createRandom(seed, number);
  const pattern = random.weighted([
    [45, 'saga'],
    [20, 'tcc'],
    [20, 'msg'],
    [15, 'workflow'],
  ] as const);
  const common = {
    number,
    gid: prefixedGid(number),
    freshGid: random.chance(0.2),
    waitResult: random.chance(0.4),
    impatient: random.chance(0.1),
  };
  switch (pattern) {
    case 'saga':
      return { ...common, ...sagaPlan(random) };
    case 'tcc':
      return { ...common, ...tccPlan(random) };
    case 'msg':
      return { ...common, ...messagePlan(random) };
    case 'workflow':
      return { ...common, ...workflowPlan(random) };
  }
}

/**
 * Ten transactions in a row share a family: each of its gids is a prefix of the next ones (`x7-4`,
 * `x7-48`, `x7-481`, …).
 */
function prefixedGid(number: number): string {
  const family = Math.floor(number / 10);
  return `x${family}-${'4815162342'.slice(0, (number % 10) + 1)}`;
}

type Specific<P extends Plan> = Omit<WithoutProtocols<P>, 'number' | 'gid' | 'freshGid' | 'waitResult' | 'impatient'>;
/** A branch without its protocol. */
type Branch = Omit<BranchPlan, 'protocol'>;

function sagaPlan(random: Random): Specific<SagaPlan> {
  const flavour = random.weighted([
    [60, 'plain'],
    [30, 'refused'],
    [5, 'timeout'],
    [5, 'limited'],
  ] as const);
  const concurrent = random.chance(0.35);
  const branches = branchPlans(random, random.between(2, 5), ['action', 'compensate']);
  return {
    pattern: 'saga',
    flavour,
    concurrent,
    orders: concurrent && random.chance(0.6) ? orders(random, branches.length) : {},
    branches: flavour === 'plain' ? branches : replaceOne(random, branches, 'action', sagaFault(random, flavour)),
  };
}

/**
 * The fault that makes a saga roll back: a FAILURE, or a step whose success is never received
 * (whether or not it took effect).
 */
function sagaFault(random: Random, flavour: 'refused' | 'timeout' | 'limited'): Fault {
  const kind = flavour === 'refused' ? 'refuse' : random.chance(0.5) ? 'unknown' : 'lost';
  return { kind, times: ALWAYS, delayMs: 0 };
}

function orders(random: Random, steps: number): Record<string, readonly number[]> {
  const result: Record<string, readonly number[]> = {};
  for (let step = 1; step < steps; step++) {
    const before = Array.from({ length: step }, (_, index) => index).filter(() => random.chance(0.5));
    if (before.length > 0) result[String(step)] = before;
  }
  return result;
}

function tccPlan(random: Random): Specific<TccPlan> {
  const flavour = random.weighted([
    [55, 'submit'],
    [10, 'abort'],
    [12, 'refused'],
    [11, 'doubtful'],
    [12, 'dies'],
  ] as const);
  const plain = branchPlans(random, random.between(2, 3), ['confirm', 'cancel']);
  return {
    pattern: 'tcc',
    flavour,
    branches: tryFault(random, flavour, plain),
    // One prepare, then a registration and a try per branch; a client that dies never gets to its
    // submit.
    diesAfter: flavour === 'dies' ? random.between(1, 1 + 2 * plain.length) : ALWAYS,
  };
}

function tryFault(random: Random, flavour: TccPlan['flavour'], plain: readonly Branch[]): readonly Branch[] {
  if (flavour === 'refused') return replaceOne(random, plain, 'try', { kind: 'refuse', times: ALWAYS, delayMs: 0 });
  if (flavour !== 'doubtful') return plain;
  const kind = random.weighted([
    [1, 'unknown'],
    [2, 'lost'],
    [1, 'late'],
  ] as const);
  return replaceOne(random, plain, 'try', { kind, times: ALWAYS, delayMs: kind === 'late' ? BEYOND_TIMEOUT_MS : 0 });
}

function messagePlan(random: Random): Specific<MessagePlan> {
  const flavour = random.weighted([
    [40, 'submit'],
    [20, 'direct'],
    [20, 'dies'],
    [8, 'silent'],
    [7, 'abort'],
    [5, 'late'],
  ] as const);
  return {
    pattern: 'msg',
    flavour,
    concurrent: random.chance(0.3),
    branches: branchPlans(random, random.between(1, 3), ['action']),
    sender: { account: account(random), amount: random.between(1, 100) },
    checkFault: random.chance(0.2) ? passingFault(random, ['unknown', 'ongoing', 'lost']) : NO_FAULT,
  };
}

function workflowPlan(random: Random): Specific<WorkflowPlan> {
  const flavour = random.weighted([
    [50, 'plain'],
    [30, 'refused'],
    [20, 'dies'],
  ] as const);
  const branches = branchPlans(random, random.between(2, 4), ['action', 'rollback']);
  const refuse: Fault = { kind: 'refuse', times: ALWAYS, delayMs: 0 };
  return {
    pattern: 'workflow',
    flavour,
    branches: flavour === 'refused' ? replaceOne(random, branches, 'action', refuse) : branches,
    diesBefore: flavour === 'dies' ? random.between(0, branches.length - 1) : ALWAYS,
  };
}

function branchPlans(random: Random, count: number, ops: readonly BranchOp[]): readonly Branch[] {
  return Array.from({ length: count }, (_, index) => ({
    branchId: String(index + 1).padStart(2, '0'),
    account: account(random),
    amount: random.between(1, 100),
    faults: Object.fromEntries(
      ops
        .filter(() => random.chance(FAULT_PROBABILITY))
        .map((op) => [op, passingFault(random, ['unknown', 'ongoing', 'slow', 'late', 'lost'])]),
    ),
  }));
}

function replaceOne(random: Random, branches: readonly Branch[], op: BranchOp, fault: Fault): Branch[] {
  const chosen = random.between(0, branches.length - 1);
  return branches.map((branch, index) =>
    index === chosen ? { ...branch, faults: { ...branch.faults, [op]: fault } } : branch,
  );
}

/** A fault that goes away after a call or two. */
function passingFault(random: Random, kinds: readonly FaultKind[]): Fault {
  const kind = random.weighted(kinds.map((one) => [1, one] as const));
  const waits = kind === 'slow' || kind === 'late';
  // Half of the slow ones respond in time, the others after the coordinator has abandoned the call.
  const delayMs = waits ? (random.chance(0.5) ? random.between(50, 500) : BEYOND_TIMEOUT_MS) : 0;
  return {
    kind,
    times: random.weighted([
      [3, 1],
      [1, 2],
    ]),
    delayMs,
  };
}

function account(random: Random): string {
  return `account-${random.between(0, 99)}`;
}
