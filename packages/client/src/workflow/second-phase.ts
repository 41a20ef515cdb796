import { readableThrown } from '@holdfast/protocol';
import type { Api } from '../api/api.ts';
import type { RequestRejected } from '../errors.ts';
import type { RequestedStep, Execution } from './execution.ts';
import { DECISION_BRANCH_ID, encode, type Progress } from './records.ts';

/** The work for one step once the workflow's outcome is decided. */
interface Ending {
  readonly op: 'commit' | 'rollback';
  readonly carryOut: () => unknown;
}

/**
 * The outcome of the second phase: everything is done and recorded, another run finished the
 * transaction, or the first op that did not succeed.
 */
export type SecondPhaseOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly rejection: RequestRejected }
  | { readonly kind: 'unclear'; readonly cause: unknown };

/**
 * The ending of a step if the workflow succeeds: its commit, if it has one, or the rollback of a
 * step whose failure the code handled.
 */
export function endingOfSuccess({ work, outcome, result }: RequestedStep): Ending | undefined {
  if (outcome === 'succeed') return work.commit && { op: 'commit', carryOut: work.commit };
  return endingOfFailure({ work, result });
}

/** The ending of a step if the workflow fails: the rollback, since the step ran or may have run. */
export function endingOfFailure({ work, result }: Pick<RequestedStep, 'work' | 'result'>): Ending | undefined {
  const { rollback } = work;
  return rollback && { op: 'rollback', carryOut: () => rollback(result) };
}

export interface SecondPhase {
  readonly api: Api;
  readonly gid: string;
  readonly progress: Progress;
  readonly execution: Execution;
  readonly endingOf: (step: RequestedStep) => Ending | undefined;
}

/**
 * Carries out the endings that are not recorded as done, newest step first; each is recorded before
 * the next begins. XA steps precede all others: they lock rows until they end, and their end waits
 * for no lock, whereas the others may wait for rows that another workflow has locked.
 */
export async function carryOut({ api, gid, progress, execution, endingOf }: SecondPhase): Promise<SecondPhaseOutcome> {
  const done = new Set<string>();
  for (;;) {
    // Searched again each time: code that is not awaited may still request a step.
    const left = execution.steps().filter(({ name }) => !done.has(name));
    const step = left.find(({ work }) => work.kind === 'xa') ?? left[0];
    if (step === undefined) return { kind: 'done' };
    done.add(step.name);
    const ending = endingOf(step);
    if (ending === undefined || progress.isDone(step.name, ending.op)) continue;
    try {
      await ending.carryOut();
      const registration = { branchId: step.name, op: ending.op, status: 'succeed' } as const;
      const response = await api.registerBranch({ gid, body: { pattern: 'workflow', ...registration } }, {});
      if (!response.ok) return { kind: 'refused', rejection: response.rejection };
    } catch (thrown) {
      return { kind: 'unclear', cause: readableThrown(thrown) };
    }
  }
}

/**
 * Makes the decision to succeed durable: from then on the coordinator rejects an abort. Resolves to
 * the rejection, if the coordinator rejected the decision.
 */
export async function decideToSucceed(
  api: Api,
  gid: string,
  { workflow, version }: { readonly workflow: string; readonly version: number },
): Promise<RequestRejected | undefined> {
  const registration = { branchId: DECISION_BRANCH_ID, op: 'commit', status: 'succeed' } as const;
  const data = encode({ workflow, version });
  const response = await api.registerBranch({ gid, body: { pattern: 'workflow', ...registration, data } }, {});
  return response.ok ? undefined : response.rejection;
}
