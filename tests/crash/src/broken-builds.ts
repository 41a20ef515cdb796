import type { Patch } from './patched-build.ts';
import type { NodeViolationKind } from './cluster-judge.ts';
import type { ViolationKind } from './violation.ts';

/** A build that is broken on purpose: the crash test must convict it. */
export interface BrokenBuild {
  readonly name: string;
  /** What it does wrong. */
  readonly wrong: string;
  readonly patches: readonly Patch[];
  /** What this leads to: at least one of these must be found. */
  readonly leadsTo: readonly (ViolationKind | NodeViolationKind | 'let-in')[];
  /** It takes many transactions until this matters: a short run may miss it. */
  readonly rare: boolean;
  /** It shows only where several coordinators share a store. */
  readonly shared: boolean;
  /** It shows only in a secured run. */
  readonly secured?: boolean;
}

/** Mistakes that a coordinator could make, each of which breaks a promise only when it matters. */
export const BROKEN_BUILDS: readonly BrokenBuild[] = [
  {
    name: 'response-before-write',
    wrong: 'a new saga is acknowledged at once and written a moment later',
    leadsTo: ['lost', 'never-called', 'half-done'],
    rare: false,
    shared: false,
    patches: [
      {
        package: 'core',
        file: 'engine/committer.js',
        replace: [
          [
            'this.#queue.push({ item, id, persistent, done });',
            `const early = item.kind === 'insert' && item.pattern === 'saga';
             if (early) done({ kind: 'applied', version: 1, existing: [] });
             this.#queue.push({ item, id, persistent, done: early ? () => {} : done });`,
          ],
          ['this.#dependencies.clock.endOfTurn(() => void this.#pump());', 'setTimeout(() => void this.#pump(), 600);'],
        ],
      },
    ],
  },
  {
    name: 'no-recovery',
    wrong: 'what the killed process was working on is not taken over at the next start',
    leadsTo: ['not-final'],
    rare: false,
    shared: false,
    patches: [
      {
        package: 'core',
        file: 'engine/janitor.js',
        replace: [['void this.#takeOver(store.capabilities.exclusive ? -1 : options.silenceMs);', '']],
      },
    ],
  },
  {
    name: 'refusal-is-success',
    wrong: 'an action that returns FAILURE counts as done',
    leadsTo: ['half-done', 'wrong-outcome'],
    rare: false,
    shared: false,
    patches: [
      {
        package: 'core',
        file: 'patterns/saga.js',
        replace: [
          [
            'const isAction = event.branch === actionOf(stepOf(event.branch));',
            `const isAction = event.branch === actionOf(stepOf(event.branch));
             if (isAction && event.result.kind === 'FAILURE') event = { ...event, result: { ...event.result, kind: 'SUCCESS' } };`,
          ],
        ],
      },
    ],
  },
  {
    name: 'any-status-is-success',
    wrong: 'a gRPC status other than OK, ABORTED and FAILED_PRECONDITION counts as success',
    leadsTo: ['half-done', 'wrong-outcome'],
    rare: false,
    shared: false,
    patches: [
      {
        package: 'protocol',
        file: 'result.js',
        replace: [["return branchResult('UNKNOWN', `gRPC code ${code}: ${message}`);", 'return SUCCESS;']],
      },
      {
        package: 'branches',
        file: 'grpc/unary-response.js',
        replace: [["(result.kind === 'SUCCESS' ? this.#faultOfSuccess(isRequestSent) : undefined)", 'undefined']],
      },
    ],
  },
  {
    name: 'dropped-branches',
    wrong: 'of the branches that were registered only the first is found again when the transaction is read',
    leadsTo: ['not-final'],
    rare: false,
    shared: false,
    patches: [
      {
        package: 'core',
        file: 'engine/records.js',
        replace: [['decodeRegistrations(record.entries)', 'decodeRegistrations(record.entries).slice(0, 2)']],
      },
    ],
  },
  {
    name: 'forgotten-starts',
    wrong: 'after a crash a saga compensates only the steps that its record calls started',
    leadsTo: ['half-done'],
    rare: true,
    shared: false,
    patches: [
      {
        package: 'core',
        file: 'patterns/saga.js',
        replace: [['const compensate = state.unbroken ?', 'const compensate = true ?']],
      },
    ],
  },
  {
    name: 'no-fencing',
    wrong:
      'a node whose session was ended continues: its lease never expires, heartbeats do not report the end of the session, and its writes do not check the version',
    leadsTo: ['called-while-fenced', 'never-let-go'],
    rare: false,
    shared: true,
    patches: [
      {
        package: 'core',
        file: 'engine/session.js',
        replace: [
          [
            'return Math.max(monotonicMs, wallMs) < options.silenceMs * LEASE_SHARE && monotonicMs - wallMs <= SET_BACK_MS;',
            'return true;',
          ],
          ['if (!alive)', 'if (false)'],
        ],
      },
      {
        package: 'core',
        file: 'engine/claimer.js',
        replace: [['if (result.sessionEnded && owner === session.id)', 'if (false)']],
      },
      {
        package: 'core',
        file: 'engine/committer.js',
        replace: [
          [
            'const outcomes = await store.write(items);',
            `const found = await store.get(items.map((item) => item.key));
             const unconditional = items.map((item, i) =>
               item.kind === 'update' && found[i] !== undefined ? { ...item, expectVersion: found[i].version } : item);
             const outcomes = await store.write(unconditional);`,
          ],
        ],
      },
    ],
  },
  {
    name: 'unsigned-retries',
    wrong: 'only the first attempt of a call over HTTP is signed',
    leadsTo: ['unsigned'],
    rare: false,
    shared: false,
    secured: true,
    patches: [
      {
        package: 'branches',
        file: 'http/http-signature.js',
        replace: [
          [
            'signer === undefined ? undefined : new HttpSignature',
            'signer === undefined || attempt > 1 ? undefined : new HttpSignature',
          ],
        ],
      },
    ],
  },
  {
    name: 'tokens-without-end',
    wrong: 'the previous text of a rotated token stays valid after the overlap',
    leadsTo: ['let-in'],
    rare: false,
    shared: false,
    secured: true,
    patches: [
      {
        package: 'api',
        file: 'access/tokens/token-authenticator.js',
        replace: [['untilMs ??= previous?.validUntilMs;', 'untilMs ??= Infinity;']],
      },
    ],
  },
];
