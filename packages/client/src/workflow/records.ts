import { BranchFailure, LIMITS, textOfThrown, type WorkflowProgress } from '@holdfast/protocol';
import { exceedsJson } from '../json-size.ts';
import { assertJson, isPromise } from '../json-value.ts';

/**
 * The records of a workflow at its coordinator. As in dtm's Go client, a step is one branch with
 * the outcome of its `action`, and later its `commit` or `rollback`. The branch ID is the step's
 * name, since the order in which steps begin may differ from run to run. The data is a JSON text:
 *
 *     action, succeed   {"workflow":"transfer","version":1,"kind":"step","result":…}
 *     action, failed    {"workflow":"transfer","version":1,"kind":"step","reason":"…"}
 *     start, succeed    {"workflow":"transfer","version":1,"kind":"step"}
 *
 * The records of an XA step have `beganAtMs` as well.
 *
 * `start` is recorded before the action of a step that can be undone, so that after a crash of this
 * process another run knows that the action may have run.
 *
 * Branch `00` is the workflow itself: its `commit` is the decision to succeed.
 */
export interface StepRecord {
  readonly workflow: string;
  readonly version: number;
  readonly kind: StepKind;
  readonly result?: unknown;
  /** Why the step failed. */
  readonly reason?: string;
  /**
   * When the action of an XA step was announced first, in ms since the epoch, by the clock of the
   * process that ran it. The step may hold locks from then on.
   */
  readonly beganAtMs?: number;
}

export type StepKind = 'step' | 'call' | 'tcc' | 'xa';

/** ID of the branch that is the workflow itself. */
export const DECISION_BRANCH_ID = '00';

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$/;

/** Step names are branch ids, parts of URLs and of XA names. */
export function assertStepName(name: string): void {
  if (name === DECISION_BRANCH_ID || !NAME.test(name))
    throw new TypeError(
      `The name of a step has letters, digits and _ . : - only, 64 at most, and is not ${DECISION_BRANCH_ID}: ${name}`,
    );
}

const REASON_CHARACTERS = 1_000;
export const shortened = (reason: string): string => reason.slice(0, REASON_CHARACTERS);

/**
 * A value converted to JSON and back; undefined stays undefined.
 *
 * @param strict rejects values that JSON would silently change, such as a Map, which becomes {}
 * @throws {BranchFailure} the value is not JSON, or is too long to be recorded. The code would
 *   return the same value in every callback, so only a failure can end the transaction
 */
export function asRecorded(what: string, value: unknown, strict: boolean): unknown {
  if (exceedsJson(value, MOST_WRITTEN)) throw tooLarge(what, `more than ${MOST_WRITTEN}`);
  const text = textOf(what, value, strict ? refuseChanged : refusePromise);
  if (text === undefined) return undefined;
  const bytes = Buffer.byteLength(text);
  if (bytes > LIMITS.branchResultBytes) throw tooLarge(what, `${bytes}`);
  return JSON.parse(text) as unknown;
}

/** A longer value is not serialised: that could block the process for seconds. */
const MOST_WRITTEN = 16 * LIMITS.branchResultBytes;

const tooLarge = (what: string, bytes: string): BranchFailure =>
  new BranchFailure(
    `${what} returned ${bytes} bytes of JSON; at most ${LIMITS.branchResultBytes} are recorded: return a key to the data instead`,
  );

type Replacer = (key: string, part: unknown) => unknown;

function textOf(what: string, value: unknown, replacer: Replacer): string | undefined {
  // The declared type omits that the result is undefined for undefined and for a function.
  const stringify: (json: unknown, by: Replacer) => string | undefined = JSON.stringify;
  try {
    return stringify(value, replacer);
  } catch (error) {
    throw new BranchFailure(`${what} returned a value that is not JSON${pathOf(value)}`, { cause: error });
  }
}

function refusePromise(_key: string, part: unknown): unknown {
  if (isPromise(part)) throw new TypeError('a Promise is not JSON, which would make {} of it: await it');
  return part;
}

/** An object with a `toJSON` method (a Date) arrives here already converted. */
function refuseChanged(key: string, part: unknown): unknown {
  refusePromise(key, part);
  if (typeof part === 'number' ? !Number.isFinite(part) : isChanged(part))
    throw new TypeError('JSON would change a part of the value');
  return part;
}

const isChanged = (part: unknown): boolean =>
  part instanceof Map ||
  part instanceof Set ||
  part instanceof Error ||
  part instanceof RegExp ||
  part instanceof ArrayBuffer ||
  ArrayBuffer.isView(part);

/** The part of a value that is not JSON, for an error message. */
function pathOf(value: unknown): string {
  try {
    assertJson('result', value);
    return '';
  } catch (error) {
    return `: ${textOfThrown(error)}`;
  }
}

export const encode = (json: unknown): string =>
  json === undefined ? '' : Buffer.from(JSON.stringify(json)).toString('base64');

export function decode(base64: string): unknown {
  return base64 === '' ? undefined : (JSON.parse(Buffer.from(base64, 'base64').toString('utf8')) as unknown);
}

export interface RecordedStep {
  readonly failed: boolean;
  /** Undefined: the step was not recorded by this SDK. */
  readonly record: StepRecord | undefined;
}

/** The recorded progress of a transaction, from which the code continues. */
export class Progress {
  readonly status: WorkflowProgress['status'];
  readonly rollbackReason: string;
  /** Why an operator force-stopped the workflow; empty if none did. */
  readonly stopped: string;
  /** The result of the workflow; undefined unless it succeeded. */
  readonly result: unknown;
  /** By name, in the order of their recording. */
  readonly steps: ReadonlyMap<string, RecordedStep>;
  /** By name: the actions that began, and whose outcome is not recorded. */
  readonly started: ReadonlyMap<string, StepRecord | undefined>;
  readonly #secondPhase: ReadonlySet<string>;

  constructor({ status, rollbackReason, stopped, result, steps }: Omit<WorkflowProgress, 'gid'>) {
    this.status = status;
    this.rollbackReason = rollbackReason;
    this.stopped = stopped;
    this.result = status === 'succeed' ? decode(result) : undefined;
    const actions = steps.filter(({ op }) => op === 'action');
    this.steps = new Map(
      actions.map(({ branchId, status: outcome, data }) => [
        branchId,
        { failed: outcome === 'failed', record: recordOf(data) },
      ]),
    );
    this.started = new Map(
      steps.flatMap(({ branchId, op, data }) =>
        op === 'start' && !this.steps.has(branchId) ? [[branchId, recordOf(data)]] : [],
      ),
    );
    const ends = steps.filter(({ op }) => op === 'commit' || op === 'rollback');
    this.#secondPhase = new Set(ends.map(({ branchId, op }) => key(branchId, op)));
  }

  /** Whether a commit or rollback was recorded as done. */
  isDone(branchId: string, op: 'commit' | 'rollback'): boolean {
    return this.#secondPhase.has(key(branchId, op));
  }
}

export const NO_PROGRESS = new Progress({
  status: 'prepared',
  rollbackReason: '',
  stopped: '',
  result: '',
  steps: [],
});

const key = (branchId: string, op: string): string => `${branchId} ${op}`;

function recordOf(data: string): StepRecord | undefined {
  try {
    const json = decode(data);
    return typeof json === 'object' && json !== null && 'workflow' in json && 'kind' in json
      ? (json as StepRecord)
      : undefined;
  } catch {
    return undefined;
  }
}
