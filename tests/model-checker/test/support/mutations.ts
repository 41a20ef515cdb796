import type { Patch } from '@holdfast/testing/servers';
import type { Invariant } from '../../src/invariants.ts';

/**
 * A mistake in production code, the scenarios to check it with, and the invariants of which the
 * first violation must name one.
 */
export interface Mutation {
  readonly name: string;
  readonly caughtBy: readonly Invariant[];
  readonly scenario: readonly string[];
  readonly patches: readonly Patch[];
}

const PATTERNS = 'packages/core/dist/patterns';
const ENGINE = 'packages/core/dist/engine';
const STORE_KIT = 'packages/core/dist/store-kit';

const on = (scenario: string, branches: number, budget: string): readonly string[] => [
  '--scenario',
  scenario,
  '--branches',
  String(branches),
  '--budget',
  budget,
];

const of = (file: string, from: string, to: string): readonly Patch[] => [{ file, from, to }];

export const MUTATIONS: readonly Mutation[] = [
  // ---- step
  {
    name: 'step: compensate before aborting is stored',
    caughtBy: ['DEC3'],
    scenario: on('saga', 2, 'refusals=1'),
    patches: of(
      `${PATTERNS}/conclude.js`,
      "return over || decided(before, after) ? 'wait' : 'lazily';",
      "return over || (decided(before, after) && after.state.status !== 'aborting') ? 'wait' : 'lazily';",
    ),
  },
  {
    name: 'step: treat UNKNOWN as FAILURE',
    caughtBy: ['DEC2'],
    scenario: on('saga', 2, 'calls=1'),
    patches: of(`${PATTERNS}/saga.js`, "if (kind === 'FAILURE')", "if (kind === 'FAILURE' || kind === 'UNKNOWN')"),
  },
  {
    name: 'step: forget what a crashed node may have started',
    caughtBy: ['EFF2', 'EFF4'],
    scenario: on('saga', 2, 'crashes=1,commands=1'),
    patches: of(`${PATTERNS}/saga.js`, 'const compensate = state.unbroken ?', 'const compensate = true ?'),
  },
  {
    name: 'step: compensate while the action is running',
    caughtBy: ['OWN7'],
    scenario: on('concurrent saga', 2, 'refusals=1'),
    patches: of(`${PATTERNS}/saga.js`, 'ready.filter((step) => !isRunning(actionOf(step)))', 'ready'),
  },
  {
    name: 'step: ignore the dependencies of an ordered saga',
    caughtBy: ['EFF4'],
    scenario: on('ordered saga', 3, 'refusals=1'),
    patches: of(`${PATTERNS}/saga.js`, 'earlier.every((one) =>', 'earlier.every((one) => true ||'),
  },
  {
    name: 'step: a saga succeeds before its last action',
    caughtBy: ['EFF1'],
    scenario: on('saga', 2, 'refusals=1'),
    patches: of(`${PATTERNS}/saga.js`, 'step < steps.length; step++', 'step < steps.length - 1; step++'),
  },
  {
    name: 'step: cancel the oldest branch of a tcc first',
    caughtBy: ['EFF4'],
    scenario: on('tcc', 2, 'commands=1'),
    patches: of(`${PATTERNS}/tcc.js`, 'newestFirst: true', 'newestFirst: false'),
  },
  {
    name: 'step: roll a submitted message back',
    caughtBy: ['DEC1', 'DEC2', 'EFF5'],
    scenario: on('message', 1, 'commands=1'),
    patches: of(`${PATTERNS}/msg.js`, "if (state.status !== 'prepared') return refuse(state.status, 'abort');", ''),
  },
  {
    name: 'step: abort a submitted tcc',
    caughtBy: ['DEC1', 'EFF3'],
    scenario: on('tcc', 1, 'commands=1'),
    patches: of(
      `${PATTERNS}/two-phase.js`,
      "if (status !== 'prepared')",
      "if (status !== 'prepared' && status !== 'submitted')",
    ),
  },
  {
    name: 'step: end an aborting workflow as succeed',
    caughtBy: ['DEC1'],
    scenario: on('workflow', 1, 'commands=1'),
    patches: of(
      `${PATTERNS}/workflow.js`,
      "if (state.status !== 'prepared' && !(state.status === 'aborting' && event.status === 'failed'))",
      "if (state.status !== 'prepared' && state.status !== 'aborting')",
    ),
  },
  {
    name: 'step: take a heartbeat without postponing the callback',
    caughtBy: ['CB1'],
    scenario: on('workflow', 1, 'heartbeats=1'),
    patches: of(
      `${PATTERNS}/workflow.js`,
      'heartbeatAtMs: moment.nowMs, nextCheckAtMs: moment.nowMs + intervalMs }',
      'heartbeatAtMs: moment.nowMs }',
    ),
  },
  {
    name: 'deliver: let a heartbeat end the ownership of the node that is calling back',
    caughtBy: ['CB2'],
    scenario: on('workflow', 1, 'heartbeats=1'),
    patches: of(`${ENGINE}/deliver.js`, "'alerted', 'heartbeat']", "'alerted']"),
  },
  // ---- reconcile
  {
    name: 'reconcile: drive a record that this session owned when it was read, without a write',
    caughtBy: ['OWN1'],
    scenario: on('message', 1, 'store=1,calls=1'),
    patches: of(
      `${ENGINE}/reconcile.js`,
      "return claimed && self.leaseHeld ? 'ours' : 'orphaned';",
      "return self.leaseHeld ? 'ours' : 'orphaned';",
    ),
  },
  {
    name: 'reconcile: take a lost write for an applied one',
    caughtBy: ['OWN1', 'ACK1', 'DEC4'],
    scenario: on('message', 1, 'repeats=1'),
    patches: of(
      `${ENGINE}/reconcile.js`,
      "case 'conflict': case 'missing': {",
      "case 'conflict': return { kind: 'applied', version: result.version }; case 'missing': {",
    ),
  },
  {
    name: 'reconcile: drop a run whose record cannot be written, although this session owns it',
    caughtBy: ['OWN9'],
    scenario: on('saga', 1, 'refusals=1,store=1'),
    patches: of(
      `${ENGINE}/reconcile.js`,
      "return write.isAwaited && memory.ownership === 'ours' ? { kind: 'undo', why } : { kind: 'park', why };",
      "return { kind: 'drop', why };",
    ),
  },
  {
    name: 'reconcile: forget an abort that another node stored',
    caughtBy: ['DEC5'],
    scenario: on('saga', 1, 'commands=1'),
    patches: of(
      `${ENGINE}/reconcile.js`,
      "if (abort !== undefined && transaction.state.status === 'submitted')",
      'if (false)',
    ),
  },
  {
    name: 'reconcile: forget a branch that was registered during the decision',
    caughtBy: ['EFF3', 'EFF4', 'DEF1'],
    scenario: on('tcc', 1, 'lateBranches=1,store=1'),
    patches: of(
      `${ENGINE}/reconcile.js`,
      'transaction: withRegistered(transaction, decodeRegistrations(entries))',
      'transaction',
    ),
  },
  {
    name: 'reconcile: count an abandoned record as released in order',
    caughtBy: ['EFF2', 'EFF4'],
    scenario: on('saga', 2, 'crashes=1,commands=1'),
    patches: of(`${ENGINE}/reconcile.js`, 'return claims > 0 ? claims + 1 : 0;', 'return 0;'),
  },
  {
    name: 'committer: call a rejection after an unknown outcome a failure',
    caughtBy: ['OWN9'],
    scenario: on('saga', 1, 'store=2'),
    patches: of(`${ENGINE}/committer.js`, 'if (!doubtful)', 'if (!doubtful || isUnstorable(written))'),
  },
  {
    name: 'reconcile: forget a write of unknown outcome that may take ownership',
    caughtBy: ['OWN9'],
    scenario: on('saga', 1, 'store=2'),
    patches: of(
      `${ENGINE}/reconcile.js`,
      "return { kind: write.hold ? 'doubt' : 'drop', why };",
      "return { kind: 'drop', why };",
    ),
  },
  // ---- the transitions of the store
  {
    name: 'transitions: skip the fencing check',
    caughtBy: ['OWN1', 'OWN2', 'OWN3', 'DEC1', 'DEC2', 'ACK1'],
    scenario: on('saga', 1, 'pauses=1,refusals=1'),
    patches: of(
      `${STORE_KIT}/transitions.js`,
      'if (head.version !== item.expectVersion)',
      'if (head.version < item.expectVersion)',
    ),
  },
  {
    name: 'transitions: register a branch without a new version',
    caughtBy: ['EFF3', 'EFF4', 'OWN2', 'ACK1'],
    scenario: on('tcc', 1, 'lateBranches=1,store=1'),
    patches: of(
      `${STORE_KIT}/transitions.js`,
      'version: before.version + 1, updatedAtMs: nowMs, entryCount',
      'version: before.version, updatedAtMs: nowMs, entryCount',
    ),
  },
  {
    name: 'transitions: register a branch after the decision',
    caughtBy: ['EFF3', 'EFF4'],
    scenario: on('tcc', 1, 'lateBranches=1'),
    patches: of(`${STORE_KIT}/transitions.js`, ' || !item.whenStatus.includes(head.status)', ''),
  },
  {
    name: 'transitions: leave a claimed record due',
    caughtBy: ['OWN2', 'OWN3'],
    scenario: on('saga', 1, 'crashes=1'),
    patches: of(`${STORE_KIT}/transitions.js`, 'dueAtMs: null, claims:', 'claims:'),
  },
  {
    name: 'transitions: take any stale write for one that is sent again',
    caughtBy: ['OWN1', 'OWN9', 'ACK1', 'DEC3', 'DEC4'],
    scenario: on('tcc', 1, 'lateBranches=1'),
    patches: of(
      `${STORE_KIT}/transitions.js`,
      'return head.writeId === item.writeId ? applied(item.expectVersion + 1) : conflict(head);',
      'return applied(item.expectVersion + 1);',
    ),
  },
  // ---- what carries the decisions out
  {
    name: 'effects: call without checking the lease',
    caughtBy: ['OWN1'],
    scenario: on('saga', 2, 'pauses=1'),
    patches: of(`${ENGINE}/effects.js`, 'return run.isAlive && session.keepsLease();', 'return run.isAlive;'),
  },
];

/** One of each kind: in `npm test`; the others in `npm run test:long`. */
export const FIRST: readonly string[] = [
  'step: compensate before aborting is stored',
  'reconcile: drop a run whose record cannot be written, although this session owns it',
  'transitions: register a branch after the decision',
];
