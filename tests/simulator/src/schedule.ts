import type { Crowd } from './clients/crowd.ts';
import type { Counters } from './counters.ts';
import type { Random } from './kernel/random.ts';
import type { World } from './kernel/world.ts';
import { Case, type Cases } from './parts/case.ts';
import { makePlan, SERVICES } from './parts/make-plan.ts';
import type { Participants } from './parts/participants.ts';
import type { Profile } from './profile.ts';

export interface Stage {
  readonly world: World;
  readonly random: Random;
  readonly profile: Profile;
  readonly cases: Cases;
  readonly crowd: Crowd;
  readonly participants: Participants;
  readonly counters: Counters;
}

/** Schedules the start of each transaction. */
export function scheduleTransactions({ world, random, profile, cases, crowd }: Stage): void {
  const { transactions, rushMs, nodeFaults, options } = profile;
  const begin = (namespace: string, gid: string, killer: boolean): void => {
    const one = cases.add(new Case({ namespace, gid }, makePlan(random, profile, killer), options.timeoutToFailMs));
    world.after(random.between(0, rushMs), () => crowd.begin(one));
  };
  for (let i = 1; i <= transactions; i++) {
    // Some of g1, g2, … g12 are prefixes of others, and some exist in two namespaces.
    const gid = `g${i}`;
    begin(random.chance(0.1) ? 'other' : 'default', gid, i <= nodeFaults.killers);
    if (random.chance(0.1)) begin('twin', gid, false);
  }
}

/** Schedules operators' actions, and outages of services. */
export function scheduleInterference({ world, random, profile, cases, crowd, participants }: Stage): void {
  const { transactions, faultsUntilMs } = profile;
  for (let i = 0; i < profile.participants.outages; i++) {
    const service = random.pick(SERVICES);
    world.after(random.between(0, faultsUntilMs), () => participants.takeDown(service, random.between(500, 8_000)));
  }
  for (let i = 0; i < transactions / 2; i++) {
    world.after(random.between(500, faultsUntilMs), () => {
      // Usually an unfinished transaction is chosen.
      const { unfinished } = cases;
      crowd.interfere(random.pick(unfinished.size > 0 && random.chance(0.8) ? [...unfinished] : [...cases.all()]));
    });
  }
}

/** Schedules clients with a bug, while the transaction is in progress and afterwards. */
export function scheduleContradictions({ world, random, profile, cases, crowd }: Stage): void {
  for (let i = 0; i < profile.transactions / 2; i++) {
    world.after(random.between(500, profile.faultsUntilMs), () => {
      const { unfinished } = cases;
      crowd.contradict(random.pick(unfinished.size > 0 && random.chance(0.6) ? [...unfinished] : [...cases.all()]));
    });
  }
}

/** After the faults an operator retries parked transactions. */
export function scheduleHelp({ world, cases, crowd, counters }: Stage): void {
  const look = (): void => {
    for (const one of cases.unfinished) {
      const { record } = one;
      if (record === undefined || !record.attention || record.dueAtMs !== null || record.owner !== null) continue;
      counters.count('parked');
      crowd.retry(one);
    }
    world.after(5_000, look);
  };
  world.after(1_000, look);
}
