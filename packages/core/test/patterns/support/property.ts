import { isFinal, type Status } from '@holdfast/protocol';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import type { Definition } from '../../../src/patterns/index.ts';
import { apply, type Command, commandsOf } from './commands.ts';
import { Model, type Observation } from './model.ts';

/** Checks one step; returns a description of the violation. */
export type Invariant = (observation: Observation) => string | undefined;

export interface Case {
  readonly definition: Definition;
  /** Prepared before it is submitted. */
  readonly prepared: boolean;
  readonly commands: readonly Command[];
}

export type Cases = fc.Arbitrary<Case>;

const RUNS = { seed: 20_240_917, numRuns: 400 };

const LIVENESS = 'it finishes in a bounded number of steps once every participant is healthy, whatever happened before';

/** Runs of a transaction with any definition, in which anything may happen. */
export function casesOf(definitions: fc.Arbitrary<Definition>, prepared: fc.Arbitrary<boolean>): Cases {
  return definitions.chain((definition) =>
    fc.record({ definition: fc.constant(definition), prepared, commands: commandsOf(definition.pattern) }),
  );
}

/**
 * A test for each invariant, named by its number and its claim, and one for liveness. All check
 * the same runs, which are played once; for a broken invariant they are played again to find the
 * smallest run that breaks it.
 */
export function holdsAlways(
  cases: Cases,
  statuses: readonly Status[],
  invariants: Readonly<Record<string, Invariant>>,
): void {
  const broken = new Set<string>();
  const reached = new Set<Status>();

  beforeAll(() => {
    for (const run of fc.sample(cases, RUNS)) {
      const model = play(run, (seen) => {
        reached.add(seen.after.state.status);
        for (const [claim, invariant] of Object.entries(invariants))
          if (invariant(seen) !== undefined) broken.add(claim);
      });
      if (heal(model) !== undefined) broken.add(LIVENESS);
    }
  });

  it(`the runs reach ${statuses.join(', ')}`, () => expect([...reached].sort()).toEqual([...statuses].sort()));

  for (const [claim, invariant] of Object.entries(invariants)) {
    it(claim, () => {
      if (broken.has(claim))
        fc.assert(
          fc.property(cases, (run) => void play(run, failOn(invariant))),
          RUNS,
        );
      expect(broken).not.toContain(claim);
    });
  }

  it(LIVENESS, () => {
    if (broken.has(LIVENESS))
      fc.assert(
        fc.property(cases, (run) => {
          expect(heal(play(run, () => {}))).toBe(undefined);
        }),
        RUNS,
      );
    expect(broken).not.toContain(LIVENESS);
  });
}

const failOn =
  (invariant: Invariant) =>
  (seen: Observation): void => {
    const wrong = invariant(seen);
    if (wrong !== undefined) throw new Error(`${wrong} (${describeStep(seen)})`);
  };

function play({ definition, prepared, commands }: Case, observe: (seen: Observation) => void): Model {
  const model = new Model(definition, observe);
  model.deliver(prepared ? { kind: 'prepared', again: false } : { kind: 'submitted', options: {} });
  for (const command of commands) apply(model, command);
  return model;
}

/** Lets every participant succeed; returns why the transaction does not finish. */
function heal(model: Model): string | undefined {
  const { branches, state } = model.transaction;
  if (state.parked !== '') model.deliver({ kind: 'retry' });
  if (state.status === 'prepared' && model.definition.pattern !== 'workflow')
    model.deliver({ kind: 'submitted', options: {} });
  // Each op once, each running call ended before, and a waiting time before each of them.
  const bound = 3 * branches.length + 10;
  for (let steps = 0; !isFinal(model.transaction.state.status); steps++) {
    if (steps > bound) return `still ${model.status} after ${steps} steps`;
    const [branch] = model.transaction.running;
    if (branch !== undefined) model.respondWith(branch, { kind: 'SUCCESS', reason: '' });
    else if (model.isChecking) finish(model);
    else if (!model.waitForNext()) return `no further event will happen: the transaction stays ${model.status}`;
  }
  return undefined;
}

/** The response of a healthy client to a check-back or callback. */
function finish(model: Model): void {
  if (model.definition.pattern !== 'workflow') return model.reply('SUCCESS');
  const status = model.status === 'aborting' ? 'failed' : 'succeed';
  model.deliver({ kind: 'ended', status, rollbackReason: '', result: '' });
}

function describeStep({ event, before, after, effects }: Observation): string {
  const names = effects.calls.map((i) => `${after.branches[i]?.branchId} ${after.branches[i]?.op}`);
  return `${before.state.status} --${JSON.stringify(event)}--> ${after.state.status}, calls [${names.join(', ')}], ${effects.persist}`;
}
