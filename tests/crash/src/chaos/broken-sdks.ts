import type { Patch } from '../patched-build.ts';
import type { ChaosViolation, ChaosViolationKind } from './chaos-judge.ts';
import type { DatabaseName } from './databases/chaos-database.ts';

/** An SDK that is broken on purpose: the chaos run must convict it. */
export interface BrokenSdk {
  readonly name: string;
  /** What it does wrong. */
  readonly wrong: string;
  /** Where it is convicted. */
  readonly database: DatabaseName;
  /** At least one of these must be found. */
  readonly leadsTo: readonly ChaosViolationKind[];
  readonly patches: readonly Patch[];
}

const clientPatch = (file: string, ...replace: Patch['replace']): Patch => ({ package: 'client', file, replace });

/** Mistakes that the participants' side could make. */
export const BROKEN_SDKS: readonly BrokenSdk[] = [
  {
    name: 'repeats',
    wrong: 'the barrier carries out a repeated call again',
    database: 'postgres',
    leadsTo: ['twice'],
    patches: [clientPatch('barrier/create-barrier.js', ['if (!fresh.includes(own)) {', 'if (false) {'])],
  },
  {
    name: 'rows-apart',
    wrong: 'the rows of the barrier are committed before the work, in a separate transaction',
    database: 'mysql',
    leadsTo: ['half-done'],
    patches: [
      clientPatch('barrier/create-barrier.js', [
        'const inserted = await this.#dialect.insertMissing(open, rows);',
        'const inserted = await this.#dialect.transaction((tx) => this.#dialect.insertMissing(tx, rows));',
      ]),
    ],
  },
  {
    name: 'no-origin-row',
    wrong: 'an undo neither checks whether its action ran nor prevents the action from running later',
    database: 'postgres',
    leadsTo: ['half-done'],
    patches: [
      clientPatch('barrier/rows.js', ['return undone < op ? [origin, marked] : [marked, origin];', 'return [marked];']),
    ],
  },
  {
    name: 'commit-believed',
    wrong: 'a commit whose response is lost counts as committed',
    database: 'postgres',
    leadsTo: ['half-done'],
    patches: [
      clientPatch('barrier/pg-connection.js', [
        'throw isRefused(error) ? error : new CommitUnknown(error);',
        'if (isRefused(error)) throw error; return;',
      ]),
    ],
  },
  {
    name: 'next-number',
    wrong: 'a use that is repeated after a deadlock or a serialization failure gets the next number',
    database: 'postgres',
    leadsTo: ['half-done', 'twice'],
    patches: [
      clientPatch('barrier/uses.js', [
        'if (isRepeatable && number === counted.begun)\n            counted.again = true;',
        'if (isRepeatable) {}',
      ]),
    ],
  },
  {
    name: 'prepare-believed',
    wrong: 'an XA branch whose PREPARE failed counts as prepared, and one that is not there as committed',
    database: 'postgres',
    leadsTo: ['half-done'],
    patches: [
      clientPatch(
        'xa-participant/xa-participant.js',
        ['await connection.prepare();', 'await connection.prepare().catch(() => {});'],
        ["if (reason === 'action')\n            return true;", 'if (true) return true;'],
      ),
    ],
  },
  {
    name: 'rollback-of-nothing',
    wrong: 'the rollback of an XA branch does not end what is prepared',
    database: 'postgres',
    leadsTo: ['left-prepared'],
    patches: [
      clientPatch('xa-participant/xa-participant.js', [
        "if ((await this.#dialect.end(name, 'rollback')) === 'busy')",
        "return true; if ((await this.#dialect.end(name, 'rollback')) === 'busy')",
      ]),
    ],
  },
  {
    name: 'check-back-yes',
    wrong: 'the check-back of a message whose sender did not commit reports a commit',
    database: 'postgres',
    leadsTo: ['half-done'],
    patches: [
      clientPatch('barrier/create-barrier.js', [
        "if (inserted === true)\n            return 'refused';",
        "if (inserted === true) return 'committed';",
      ]),
    ],
  },
  {
    name: 'commit-after-refusal',
    wrong: 'a message commits its local transaction although a check-back has already reported a rollback',
    database: 'mysql',
    leadsTo: ['half-done'],
    patches: [
      clientPatch('barrier/create-barrier.js', [
        'if (inserted !== true)\n            throw new LocalTransactionRefused(gid);',
        '',
      ]),
    ],
  },
  {
    name: 'outbox-gives-up',
    wrong: 'a message is aborted when the commit of its local transaction fails, without querying the barrier',
    database: 'postgres',
    leadsTo: ['half-done'],
    patches: [
      clientPatch('local-transaction.js', [
        "if ((await queryBarrier(sending, barrier, thrown)) === 'refused') {",
        'if (true) {',
      ]),
    ],
  },
  {
    name: 'redis-repeats',
    wrong: 'the script of the Redis barrier carries out a repeated call again',
    database: 'redis',
    leadsTo: ['twice'],
    patches: [clientPatch('barrier/redis-lua.js', ['\nif found then\n', '\nif false then\n'])],
  },
];

/** The violations of a run that convict its broken SDK; empty: the run missed the mistake. */
export const convictionsOf = (
  { leadsTo }: BrokenSdk,
  violations: readonly ChaosViolation[],
): readonly ChaosViolation[] => violations.filter(({ kind }) => leadsTo.includes(kind));
