import type { Random } from '../kernel/random.ts';
import type { Profile } from '../profile.ts';
import type { BranchPlan, MessagePlan, Plan, SagaPlan, TwoPhasePlan, WorkflowPlan } from './plan.ts';

/** The participants of all runs. */
export const SERVICES = ['stock', 'payment', 'coupon', 'delivery', 'points'];

/** Topics that exist in every run, with their subscribers' URLs. */
export const TOPICS: Readonly<Record<string, readonly string[]>> = {
  paid: ['http://points/topic/paid/1'],
  ordered: ['http://stock/topic/ordered/1', 'http://coupon/topic/ordered/2', 'http://delivery/topic/ordered/3'],
};

/** Draws a client's plan. */
export function makePlan(random: Random, profile: Profile, killer: boolean): Plan {
  const pattern = killer ? 'saga' : random.weighted({ saga: 5, tcc: 3, xa: 1, msg: 3, workflow: 2 });
  const plan = draw(pattern, random, profile);
  return killer ? { ...plan, killer: plan.branches[0]?.branchId ?? '' } : plan;
}

function draw(pattern: Plan['pattern'], random: Random, profile: Profile): Plan {
  switch (pattern) {
    case 'saga':
      return makeSaga(random, profile);
    case 'tcc':
    case 'xa':
      return makeTwoPhase(pattern, random, profile);
    case 'msg':
      return makeMessage(random, profile);
    case 'workflow':
      return makeWorkflow(random, profile);
  }
}

const twoDigits = (n: number): string => String(n).padStart(2, '0');

function makeBranches(random: Random, refusals: number, most = 4): BranchPlan[] {
  const length = random.int(1, most);
  const refused = random.chance(refusals) ? random.int(0, length - 1) : -1;
  return Array.from({ length }, (_, i) => ({
    branchId: twoDigits(i + 1),
    service: random.pick(SERVICES),
    refuses: i === refused,
    lasting: false,
    late: false,
  }));
}

const common = (random: Random, profile: Profile, dying: number) => ({
  waitResult: random.chance(0.5),
  timeoutToFailMs: 0,
  retryIntervalMs: random.pick([0, 300, 1_000]),
  requestTimeoutMs: random.pick([0, 500]),
  diesAfter: !profile.calm && random.chance(dying) ? random.int(1, 6) : Infinity,
});

function makeSaga(random: Random, profile: Profile): SagaPlan {
  const concurrent = random.chance(0.4);
  const branches = makeBranches(random, 0.3, 5).map((branch) => ({ ...branch, lasting: random.chance(0.08) }));
  return {
    ...common(random, profile, 0),
    pattern: 'saga',
    local: random.chance(0.1),
    branches,
    concurrent,
    orders: concurrent ? makeOrders(random, branches.length) : {},
    retryLimit: random.chance(0.15) ? random.int(1, 3) : 0,
    timeoutToFailMs: random.chance(0.15) ? random.int(1_000, 8_000) : 0,
    clients: random.chance(0.1) ? 2 : 1,
  };
}

/** Each step may depend on any of the previous ones. */
function makeOrders(random: Random, length: number): Record<number, number[]> {
  const orders: Record<number, number[]> = {};
  for (let step = 1; step < length; step++) {
    const before = Array.from({ length: step }, (_, i) => i).filter(() => random.chance(0.35));
    if (before.length > 0) orders[step] = before;
  }
  return orders;
}

function makeTwoPhase(pattern: 'tcc' | 'xa', random: Random, profile: Profile): TwoPhasePlan {
  const branches = makeBranches(random, 0.2);
  const parent = branches[0];
  if (parent !== undefined && random.chance(0.2))
    branches.push({ ...parent, branchId: `${parent.branchId}01`, refuses: false });
  if (random.chance(0.4))
    branches.push({
      branchId: twoDigits(branches.length + 1),
      service: random.pick(SERVICES),
      refuses: false,
      lasting: false,
      late: true,
    });
  return {
    ...common(random, profile, 0.15),
    pattern,
    branches,
    timeoutToFailMs: random.chance(0.2) ? random.int(2_000, 8_000) : 0,
    abandons: random.chance(0.15),
    confused: !profile.calm && random.chance(0.08),
  };
}

function makeMessage(random: Random, profile: Profile): MessagePlan {
  const topic = random.chance(0.25) ? random.pick(Object.keys(TOPICS)) : undefined;
  const branches = makeBranches(random, 0, 3);
  return {
    ...common(random, profile, 0.3),
    pattern: 'msg',
    branches: topic === undefined ? branches : [...subscribersOf(topic), ...branches.slice(1)],
    concurrent: random.chance(0.3),
    delayMs: random.chance(0.2) ? random.int(500, 4_000) : 0,
    direct: random.chance(0.3),
    commits: random.chance(0.75),
    timeoutToFailMs: random.chance(0.5) ? random.int(1_000, 4_000) : 0,
  };
}

function subscribersOf(topic: string): BranchPlan[] {
  const urls = TOPICS[topic] ?? [];
  return urls.map((url, i) => ({
    branchId: urls.length === 1 ? '01' : `01-${twoDigits(i + 1)}`,
    service: new URL(url).hostname,
    refuses: false,
    lasting: false,
    late: false,
    topic: url,
  }));
}

function makeWorkflow(random: Random, profile: Profile): WorkflowPlan {
  return {
    ...common(random, profile, 0.4),
    pattern: 'workflow',
    name: 'transfer',
    branches: makeBranches(random, 0.3),
  };
}
