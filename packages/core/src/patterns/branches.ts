import type { Branch, Definition, RegisteredBranch, Step } from './model.ts';

const NO_PAYLOAD = new Uint8Array(0);

/**
 * All ops of a transaction in the order of the protocol page: saga `01 compensate, 01 action, 02
 * compensate, …`; message `01 action, …`, a topic's subscribers `01-01, 01-02, …`; registered
 * branches in order of registration.
 */
export function branchesOf(definition: Definition, registered: readonly RegisteredBranch[]): readonly Branch[] {
  switch (definition.pattern) {
    case 'saga':
      return branchesOfSaga(definition);
    case 'msg':
      return definition.steps.flatMap((step, i) =>
        targetsOf(step).map((url, j, all) =>
          branchOfStep(
            definition,
            step,
            i,
            all.length === 1 ? stepId(i) : `${stepId(i)}-${twoDigits(j + 1)}`,
            'action',
            url,
          ),
        ),
      );
    case 'tcc':
    case 'xa':
    case 'workflow':
      return registered.map((r) => ({
        branchId: r.branchId,
        op: r.op,
        url: r.url,
        payload: r.payload,
        requestTimeoutMs: 0,
      }));
  }
}

/** A loop rather than `flatMap`: this runs for each saga. */
function branchesOfSaga(definition: Definition): readonly Branch[] {
  const branches: Branch[] = [];
  definition.steps.forEach((step, i) => {
    const branchId = stepId(i);
    branches.push(branchOfStep(definition, step, i, branchId, 'compensate', step.compensate));
    branches.push(branchOfStep(definition, step, i, branchId, 'action', step.action));
  });
  return branches;
}

/** Index of a saga step's ops in `branchesOf`. */
export const compensateOf = (step: number): number => step * 2;
export const actionOf = (step: number): number => step * 2 + 1;
export const stepOf = (branch: number): number => branch >> 1;

const twoDigits = (n: number): string => (n < 10 ? `0${n}` : String(n));
const stepId = (index: number): string => twoDigits(index + 1);

const targetsOf = (step: Step): readonly string[] => step.subscribers ?? [step.action];

function branchOfStep(
  definition: Definition,
  step: Step,
  index: number,
  branchId: string,
  op: 'action' | 'compensate',
  url: string,
): Branch {
  return {
    branchId,
    op,
    url,
    payload: definition.payloads[index] ?? NO_PAYLOAD,
    requestTimeoutMs: step.requestTimeoutMs ?? 0,
  };
}
