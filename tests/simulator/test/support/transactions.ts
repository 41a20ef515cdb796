import { branchResult } from '@holdfast/protocol';

const BYTES = new Uint8Array(0);

/** The result of a branch that fails. */
export const FAILURE = () => Promise.resolve(branchResult('FAILURE', 'refused'));

export const workflow = {
  gid: 'w',
  pattern: 'workflow',
  workflowName: 'transfer',
  queryPrepared: 'http://client/w',
} as const;

export const tcc = { gid: 't', pattern: 'tcc' } as const;

/** What is registered for the first branch of a tcc. */
export const tccBranch = (['cancel', 'confirm'] as const).map((op) => ({
  branchId: '01',
  op,
  url: `http://service/${op}`,
  payload: BYTES,
  status: 'prepared' as const,
}));

/** A saga with `steps` steps, each with a compensation. */
export const saga = (gid: string, steps: number, concurrent = false) =>
  ({
    gid,
    pattern: 'saga',
    steps: Array.from({ length: steps }, (_, i) => ({ action: `http://s/${i}`, compensate: `http://s/${i}/undo` })),
    payloads: Array.from({ length: steps }, () => BYTES),
    options: { concurrent },
  }) as const;
