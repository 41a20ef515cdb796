import type { Invariant } from '../../src/check/invariants.ts';
import type { Patch } from '@holdfast/testing/servers';

/**
 * A possible mistake in production code, and the invariants of which the first violation must name
 * one.
 */
export interface Mutation {
  readonly name: string;
  readonly caughtBy: readonly Invariant[];
  readonly patches: readonly Patch[];
}

const ENGINE = 'packages/core/dist/engine';
const PATTERNS = 'packages/core/dist/patterns';
const STORE_KIT = 'packages/core/dist/store-kit';
const HTTP = 'packages/branches/dist/http1';

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'acknowledge before the write came back',
    caughtBy: ['ACK1', 'DEC4'],
    patches: [
      {
        file: `${ENGINE}/committer.js`,
        from: 'this.#queue.push({ item, id, persistent, done });',
        to: `const early = item.kind === 'insert';
        if (early) done({ kind: 'applied', version: 1, existing: [] });
        this.#queue.push({ item, id, persistent, done: early ? () => {} : done });`,
      },
    ],
  },
  {
    name: 'call a rejection after an unknown outcome a failure',
    caughtBy: ['OWN4', 'OWN5', 'ACK1', 'ACK2', 'ACK6'],
    patches: [
      { file: `${ENGINE}/committer.js`, from: 'if (!doubtful)', to: 'if (!doubtful || isUnstorable(written))' },
    ],
  },
  {
    name: 'compensate before aborting is stored',
    caughtBy: ['DEC3'],
    patches: [
      {
        file: `${PATTERNS}/conclude.js`,
        from: "return over || decided(before, after) ? 'wait' : 'lazily';",
        to: "return over || (decided(before, after) && after.state.status !== 'aborting') ? 'wait' : 'lazily';",
      },
    ],
  },
  {
    name: 'skip the fencing check in the store',
    caughtBy: ['OWN2'],
    patches: [
      {
        file: `${STORE_KIT}/transitions.js`,
        from: 'if (head.version !== item.expectVersion)',
        to: 'if (head.version < item.expectVersion)',
      },
    ],
  },
  {
    name: 'take a conflict for an applied write',
    caughtBy: ['OWN1', 'ACK1', 'DEC4', 'ACK5'],
    patches: [
      {
        file: `${ENGINE}/reconcile.js`,
        from: "case 'conflict':",
        to: "case 'conflict': return { kind: 'applied', version: result.version };",
      },
    ],
  },
  {
    name: 'drop a branch that is registered while the decision is made',
    caughtBy: ['EFF3', 'EFF4', 'DEC2'],
    patches: [
      {
        file: `${STORE_KIT}/transitions.js`,
        from: 'version: before.version + 1, updatedAtMs: nowMs, entryCount',
        to: 'version: before.version, updatedAtMs: nowMs, entryCount',
      },
    ],
  },
  {
    name: 'treat UNKNOWN as FAILURE',
    caughtBy: ['DEC2'],
    patches: [
      {
        file: `${PATTERNS}/saga.js`,
        from: "if (kind === 'FAILURE')",
        to: "if (kind === 'FAILURE' || kind === 'UNKNOWN')",
      },
    ],
  },
  {
    name: 'call without looking at the lease',
    caughtBy: ['OWN1'],
    patches: [
      {
        file: `${ENGINE}/effects.js`,
        from: 'return run.isAlive && session.keepsLease();',
        to: 'return run.isAlive;',
      },
    ],
  },
  {
    name: 'forget what a vanished node may have started',
    caughtBy: ['EFF2', 'EFF4'],
    patches: [
      {
        file: `${PATTERNS}/saga.js`,
        from: 'const compensate = state.unbroken ?',
        to: 'const compensate = true ?',
      },
    ],
  },
  {
    name: 'leave a claimed record due, so that a second node claims it too',
    caughtBy: ['OWN3'],
    patches: [
      {
        file: `${STORE_KIT}/transitions.js`,
        from: 'dueAtMs: null, claims:',
        to: 'claims:',
      },
    ],
  },
  {
    name: 'take over from a node that is only a little late',
    caughtBy: ['OWN3'],
    patches: [
      {
        file: `${STORE_KIT}/session-table.js`,
        from: '> silenceMs',
        to: '> silenceMs / 4',
      },
      {
        file: `${ENGINE}/silence-watch.js`,
        from: 'nowMs - sinceMs > silenceMs',
        to: 'nowMs - sinceMs > silenceMs / 4',
      },
    ],
  },
  {
    name: 'leave callers without a response when a transaction is released',
    caughtBy: ['ACK4'],
    patches: [
      {
        file: `${ENGINE}/effects.js`,
        from: 'for (const reply of run.takePassWaiters()) this.#d.replies.done(reply, transaction);',
        to: 'run.takePassWaiters();',
      },
    ],
  },
  {
    name: 'take a new possession for the old one',
    caughtBy: ['DEC1'],
    patches: [
      {
        file: `${ENGINE}/reconcile.js`,
        from: ' && record.writeId === memory.writeId',
        to: '',
      },
    ],
  },
  {
    name: 'cancel the oldest branch of a tcc first',
    caughtBy: ['EFF4'],
    patches: [{ file: `${PATTERNS}/tcc.js`, from: 'newestFirst: true', to: 'newestFirst: false' }],
  },
  {
    name: 'call a saga a success before its last action',
    caughtBy: ['EFF1'],
    patches: [
      {
        file: `${PATTERNS}/saga.js`,
        from: 'if (ready === undefined)',
        to: `const unfinished = transaction.definition.steps.filter((_, step) => !done(state, actionOf(step)));
        if (ready === undefined || (unfinished.length === 1 && transaction.running.length === 0))`,
      },
    ],
  },
  {
    name: 'send every step the first payload',
    caughtBy: ['EFF7'],
    patches: [{ file: `${PATTERNS}/branches.js`, from: 'definition.payloads[index]', to: 'definition.payloads[0]' }],
  },
  {
    name: 'start what waited for its place although the decision was made meanwhile',
    caughtBy: ['DEC4'],
    patches: [
      {
        file: `${ENGINE}/effects.js`,
        from: "run.transaction?.state.status === status ? this.#permit(run) : 'withdrawn'",
        to: 'this.#permit(run)',
      },
    ],
  },
  {
    name: 'never park what kills its node',
    caughtBy: ['OWN6'],
    patches: [{ file: `${PATTERNS}/index.js`, from: 'claims > moment.policy.maxClaims', to: 'false' }],
  },
  {
    name: 'take more work than the bound',
    caughtBy: ['OWN5'],
    patches: [
      {
        file: `${ENGINE}/writer.js`,
        from: '&& registry.taken + doubts.size <= options.maxInProgress',
        to: '',
      },
    ],
  },
  {
    name: 'drive what another application hosts',
    caughtBy: ['OWN8'],
    patches: [{ file: `${ENGINE}/writer.js`, from: 'return hosted && session', to: 'return session' }],
  },
  {
    name: 'acknowledge other content under a gid that is taken',
    caughtBy: ['ACK6'],
    patches: [
      {
        file: `${ENGINE}/contradiction.js`,
        from: 'return difference && otherContent(',
        to: 'return undefined && otherContent(',
      },
    ],
  },
  {
    name: 'take a command of another pattern',
    caughtBy: ['ACK6', 'DEC2'],
    patches: [{ file: `${ENGINE}/contradiction.js`, from: 'pattern !== stored.pattern', to: 'false' }],
  },
  {
    name: 'register a branch of another pattern',
    caughtBy: ['ACK6'],
    patches: [
      {
        file: `${STORE_KIT}/transitions.js`,
        from: 'item.whenPattern === undefined || item.whenPattern === head.pattern',
        to: 'true',
      },
    ],
  },
  {
    name: 'register a branch after the decision',
    caughtBy: ['ACK6', 'EFF3'],
    patches: [
      {
        file: `${ENGINE}/branch-registration.js`,
        from: ": ['prepared'],",
        to: ": ['prepared', 'submitted', 'aborting', 'succeed', 'failed'],",
      },
    ],
  },
  {
    name: 'take another call for the branch that is registered',
    caughtBy: ['ACK6'],
    patches: [
      {
        file: `${ENGINE}/branch-registration.js`,
        from: 'return assertSame(gid, pattern, branches, result.existing, strict);',
        to: 'return;',
      },
    ],
  },
  {
    name: 'refuse the repeat of a saga that has succeeded',
    caughtBy: ['ACK6'],
    patches: [{ file: `${PATTERNS}/saga.js`, from: "if (state.status === 'succeed')", to: 'if (false)' }],
  },
  {
    name: 'never look for due work again after the store could not be reached',
    caughtBy: ['ACK2'],
    patches: [
      {
        file: `${ENGINE}/claimer.js`,
        from: 'this.#trouble.failed(error);',
        to: 'this.#trouble.failed(error); return;',
      },
    ],
  },
  {
    name: 'let time stand still while the clock of the store is behind',
    caughtBy: ['ACK2', 'OWN1'],
    patches: [{ file: `${STORE_KIT}/node-clock.js`, from: 'const PACE = 0.99;', to: 'const PACE = 0;' }],
  },
  {
    name: 'hold the lease while the machine is suspended',
    caughtBy: ['OWN1'],
    patches: [
      { file: `${ENGINE}/session.js`, from: 'return Math.max(monotonicMs, wallMs) <', to: 'return monotonicMs <' },
    ],
  },
  {
    name: 'end sessions because the clock of the store was set forward',
    caughtBy: ['OWN3', 'OWN1'],
    patches: [{ file: `${ENGINE}/janitor.js`, from: '...all, unchanged:', to: '...all, ignored:' }],
  },
  {
    name: 'take a heartbeat without postponing the callback',
    caughtBy: ['CB1'],
    patches: [
      {
        file: `${PATTERNS}/workflow.js`,
        from: 'heartbeatAtMs: moment.nowMs, nextCheckAtMs: moment.nowMs + intervalMs }',
        to: 'heartbeatAtMs: moment.nowMs }',
      },
    ],
  },
  {
    name: 'never call a workflow back again after a heartbeat',
    caughtBy: ['ACK2'],
    patches: [
      {
        file: `${PATTERNS}/workflow.js`,
        from: 'heartbeatAtMs: moment.nowMs, nextCheckAtMs: moment.nowMs + intervalMs }',
        to: 'heartbeatAtMs: moment.nowMs, nextCheckAtMs: moment.nowMs + 1e9 }',
      },
    ],
  },
  {
    name: 'let a heartbeat make a parked workflow due',
    caughtBy: ['CB2'],
    patches: [
      {
        file: `${PATTERNS}/workflow.js`,
        from: "if (state.parked !== '' || transaction.checking)",
        to: 'if (transaction.checking)',
      },
      {
        file: `${PATTERNS}/workflow.js`,
        from: 'heartbeatAtMs: moment.nowMs, nextCheckAtMs: moment.nowMs + intervalMs }',
        to: "parked: '', heartbeatAtMs: moment.nowMs, nextCheckAtMs: moment.nowMs + intervalMs }",
      },
    ],
  },
  {
    name: 'keep the connection of a call that timed out',
    caughtBy: ['HTTP1'],
    patches: [
      {
        file: `${HTTP}/http-connection.js`,
        from: 'destroy(reason) {',
        to: `destroy(reason) {
        const late = this.#call;
        if (reason?.message === 'timed out' && late !== undefined) {
            this.#call = undefined;
            late.failed(reason);
            return this.#owner.responded(this, undefined);
        }`,
      },
    ],
  },
  {
    name: 'send again over a new connection',
    caughtBy: ['HTTP2'],
    patches: [
      {
        file: `${HTTP}/http-connection.js`,
        from: '(this.#isReused && !this.#isDestroyed && !this.#parser.hasBegun)',
        to: '(!this.#isDestroyed && !this.#parser.hasBegun)',
      },
    ],
  },
];

/** One for each promise that matters most: in `npm test`; the others in `npm run test:long`. */
export const FIRST: readonly string[] = [
  'acknowledge before the write came back',
  'compensate before aborting is stored',
  'skip the fencing check in the store',
  'drop a branch that is registered while the decision is made',
  'treat UNKNOWN as FAILURE',
];
