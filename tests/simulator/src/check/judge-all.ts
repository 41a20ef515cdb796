import type { Counters } from '../counters.ts';
import { type Cases, nameOf } from '../parts/case.ts';
import type { Gateway } from '../parts/gateway.ts';
import type { SimNode } from '../parts/sim-node.ts';
import type { Checker } from './checker.ts';
import { judge } from './judge.ts';

export interface Remains {
  readonly checker: Checker;
  readonly cases: Cases;
  readonly gateway: Gateway;
  readonly nodes: readonly SimNode[];
  readonly counters: Counters;
  readonly calm: boolean;
}

/** Judges the final state, after everything has come to rest. */
export function judgeAll({ checker, cases, gateway, nodes, counters, calm }: Remains): void {
  for (const one of cases.all()) {
    judge(one, checker, calm);
    const { record } = one;
    counters.count(`${one.plan.pattern} ${record?.status ?? 'never stored'}`);
    const owner = record?.owner ?? null;
    checker.expect(owner === null, 'OWN4', nameOf(one.key), () => `it is still owned by ${owner ?? 'nobody'}`);
  }
  for (const what of gateway.pending()) checker.violate('ACK4', '', `no response to: ${what}`);
  for (const { name, engine } of nodes) {
    const { inProgress, callsRunning, writesQueued, waiters } = engine.load();
    checker.expect(
      inProgress + callsRunning + writesQueued + waiters === 0,
      'OWN4',
      '',
      () =>
        `${name} holds ${inProgress} transactions, ${callsRunning} calls, ${writesQueued} writes, ${waiters} waiters`,
    );
  }
}
