import type { BranchView, LivingNodes, NodeLoad, TransactionView } from '@holdfast/core';
import type { StoreCounts } from '@holdfast/core/store';
import {
  type BranchDetails,
  isFinal,
  type NodeList,
  type NodeStatus,
  type TimelineLine,
  type TransactionDetails,
  type TransactionReply,
  type TransactionSummary,
  withoutSecrets,
  type WorkflowProgress,
} from '@holdfast/protocol';
import { defined } from '../reading/defined.ts';
import { mapInTurns } from '../reading/in-turns.ts';
import { remainingEffects } from './remaining-effects.ts';
import { shownBranches } from './shown-branches.ts';
import type { NodeDescription } from '../operations/nodes.ts';
import { timelineOf } from './timeline.ts';

/** One line of a list. */
export function writeSummary(view: TransactionView): TransactionSummary {
  const { namespace, gid, pattern, status, attention, state } = view;
  return {
    namespace,
    gid,
    pattern,
    status,
    rollbackReason: withoutSecrets(state.rollbackReason),
    attention,
    parked: state.parked,
    stopped: withoutSecrets(state.stopped),
    createdAtMs: view.createdAtMs,
    updatedAtMs: view.updatedAtMs,
    finishedAtMs: view.finishedAtMs,
    dueAtMs: view.dueAtMs,
    owner: view.owner,
  };
}

/** The response to a submit: the transaction, and why it is not finished if so. */
export const writeReply = (view: TransactionView): TransactionReply => ({
  ...writeSummary(view),
  lastResult: isFinal(view.status) ? null : lastResultOf(view),
});

/** The last call, unless it succeeded. */
function lastResultOf({ state }: TransactionView): TransactionReply['lastResult'] {
  const last = state.timeline.findLast((entry) => entry.kind === 'call');
  return last === undefined || last.result === 'SUCCESS' ? null : { kind: last.result, reason: last.reason };
}

/** The details for a caller that must not read results of workflows. */
export const withoutResult = (details: TransactionDetails): TransactionDetails => ({ ...details, result: '' });

/** All details except for payloads, which may be confidential, and secrets in URLs. */
export const writeDetails = async (view: TransactionView): Promise<TransactionDetails> => ({
  ...writeSummary(view),
  version: view.version,
  ...defined({ createdBy: view.definition.createdBy, trace: view.definition.trace }),
  result: view.state.result,
  queryPrepared: withoutSecrets(view.definition.queryPrepared),
  branches: await mapInTurns(shownBranches(view), writeBranch),
  remainingEffects: await mapInTurns(remainingEffects(view), (effect) => ({
    ...effect,
    url: withoutSecrets(effect.url),
  })),
  damaged: view.state.damaged,
  timeline: await mapInTurns(timelineOf(view), writeLine),
  timelineOmitted: view.state.timelineOmitted,
});

/** Reasons from operators and callers may contain secrets, too. */
const writeLine = (line: TimelineLine): TimelineLine =>
  'reason' in line && line.reason !== '' ? { ...line, reason: withoutSecrets(line.reason) } : line;

const writeBranch = (branch: BranchView): BranchDetails => ({
  branchId: branch.branchId,
  op: branch.op,
  url: withoutSecrets(branch.url),
  status: branch.status,
  started: branch.started,
  attempts: branch.attempts,
  nextAttemptAtMs: branch.nextAttemptAtMs,
  finishedAtMs: branch.finishedAtMs,
});

/** The recorded progress from which a workflow's code resumes. */
export const writeProgress = async ({ gid, status, state, branches }: TransactionView): Promise<WorkflowProgress> => ({
  gid,
  status,
  stopped: withoutSecrets(state.stopped),
  rollbackReason: withoutSecrets(state.rollbackReason),
  result: state.result,
  steps: await mapInTurns(branches, ({ branchId, op, status: outcome, payload }) => ({
    branchId,
    op,
    status: outcome,
    data: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('base64'),
  })),
});

export const writeNodes = ({ nowMs, sessions }: LivingNodes): NodeList => ({ nowMs, items: [...sessions] });

export function writeStatus(
  { version, node, uptimeMs, store }: NodeDescription,
  load: NodeLoad,
  counts: StoreCounts,
): NodeStatus {
  const { session, ...figures } = load;
  const { name, durable, exclusive } = store;
  return {
    version,
    node,
    session,
    uptimeMs: Math.round(uptimeMs()),
    store: { name, durable, exclusive },
    load: figures,
    counts: { byStatus: { ...counts.byStatus }, attention: counts.attention },
  };
}
