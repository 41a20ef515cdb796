import type { Step } from '@holdfast/core/patterns';
import { type DtmBranch, NotImportable } from './dtm-records.ts';

/** A step, which dtm keeps only as the rows of its branches. */
export interface DtmStep {
  readonly step: Step;
  readonly payload: Uint8Array;
}

/** The topic of a message's step is not kept by dtm, only its subscribers. */
const LOST_TOPIC = 'topic://imported';

/** The steps of a saga: a compensation and an action each. Throws `NotImportable`. */
export function sagaSteps(rows: readonly DtmBranch[]): readonly DtmStep[] {
  const actions = rows.filter(({ op }) => op === 'action');
  const steps = actions.map((_, i) => {
    const [action, compensation] = ['action', 'compensate'].map((op) => find(rows, idOf(i + 1), op));
    if (action === undefined || compensation === undefined)
      throw new NotImportable(`step ${idOf(i + 1)} is incomplete in dtm`);
    return { step: { action: action.url, compensate: compensation.url }, payload: action.data };
  });
  if (rows.length !== 2 * steps.length) throw new NotImportable('it has branches that are not those of its steps');
  return steps;
}

/** The steps of a message; those to a topic have one branch for each subscriber. */
export function messageSteps(rows: readonly DtmBranch[]): readonly DtmStep[] {
  const steps: DtmStep[] = [];
  let used = 0;
  while (used < rows.length) {
    const id = idOf(steps.length + 1);
    const alone = find(rows, id, 'action');
    if (alone !== undefined) {
      steps.push({ step: { action: alone.url, compensate: '' }, payload: alone.data });
      used += 1;
      continue;
    }
    const subscribers: string[] = [];
    let first: DtmBranch | undefined;
    for (;;) {
      const row = find(rows, `${id}-${idOf(subscribers.length + 1)}`, 'action');
      if (row === undefined) break;
      first ??= row;
      subscribers.push(row.url);
    }
    if (first === undefined) throw new NotImportable(`step ${id} is incomplete in dtm`);
    steps.push({ step: { action: LOST_TOPIC, compensate: '', subscribers }, payload: first.data });
    used += subscribers.length;
  }
  return steps;
}

const find = (rows: readonly DtmBranch[], branchId: string, op: string): DtmBranch | undefined =>
  rows.find((row) => row.branchId === branchId && row.op === op);

const idOf = (number: number): string => String(number).padStart(2, '0');
