import { readableReason, type TimelineLine } from '@holdfast/protocol';
import { clean, type Colour } from './text.ts';
import { duration } from './time.ts';

/** One row of the timeline, before layout. */
export interface Row {
  readonly atMs: number | undefined;
  readonly mark: string;
  readonly colour: Colour | undefined;
  /** `01 action`, or a status. */
  readonly what: string;
  /** The service that was called. */
  readonly whom: string;
  /** The result. */
  readonly text: string;
}

type Words = Pick<Row, 'mark' | 'colour' | 'what' | 'text'>;
type Call = Extract<TimelineLine, { kind: 'call' }>;

/** Ops that compensate. */
const UNDOING: ReadonlySet<string> = new Set(['compensate', 'cancel', 'rollback']);

/** The text for one entry of a timeline, given the previous entry. */
export function wordsOf(line: TimelineLine, before?: TimelineLine): Words {
  switch (line.kind) {
    case 'call': {
      const { text, ...words } = callWords(line);
      return { ...words, text: `${text}${repeatedWords(line)}`, what: clean(`${line.branchId} ${line.op}`) };
    }
    case 'status':
      return statusWords(line, before);
    case 'resumed':
      return { mark: '»', colour: 'cyan', what: 'resumed', text: clean(line.detail) };
    case 'order':
      return { mark: '▸', colour: 'cyan', what: 'operator', text: withBy(clean(line.detail), line.by) };
    case 'parked':
      return { mark: '‖', colour: 'red', what: 'parked', text: withBy(clean(line.detail), line.by) };
    case 'alert':
      return { mark: '!', colour: 'red', what: 'alert', text: clean(line.detail) };
  }
}

/** The text of an entry with the principal whose command caused it, unless the text names it. */
function withBy(text: string, by: string | undefined): string {
  if (by === undefined) return text;
  const name = `by ${clean(by)}`;
  if (text.endsWith(name)) return text;
  return text === '' ? name : `${text} (${name})`;
}

/** Suffix of an entry that combines several calls; its time is that of the last one. */
function repeatedWords({ count = 1, firstAtMs, atMs }: Call): string {
  return count === 1 || firstAtMs === undefined
    ? ''
    : ` (${count} times in a row within ${duration(atMs - firstAtMs)})`;
}

function callWords(call: Call): Omit<Words, 'what'> {
  const reason = clean(readableReason(call.reason));
  const again = call.retryAtMs === 0 ? '' : `; again in ${duration(call.retryAtMs - call.atMs)}`;
  switch (call.result) {
    case 'SUCCESS': {
      const attempt = call.attempt > 1 ? `, attempt ${call.attempt}` : '';
      // A step that the workflow's code ran and recorded has no duration.
      const took = call.durationMs > 0 ? ` in ${duration(call.durationMs)}` : '';
      const text = `done${took}${attempt}`;
      return { mark: UNDOING.has(call.op) ? '↩' : '✓', colour: 'green', text };
    }
    case 'FAILURE':
      return { mark: '✗', colour: 'red', text: `refused${reason === '' ? '' : `: ${reason}`}${again}` };
    case 'ONGOING':
      return { mark: '…', colour: 'yellow', text: `not done yet: ${reason}${again}` };
    case 'UNKNOWN':
      return { mark: '↻', colour: 'yellow', text: `${reason || 'no result'}${again}` };
  }
}

function statusWords(
  { status, reason, by }: Extract<TimelineLine, { kind: 'status' }>,
  before: TimelineLine | undefined,
): Words {
  const shownBefore = before?.kind === 'call' && before.reason === reason;
  const text = withBy(shownBefore ? '' : clean(readableReason(reason)), by);
  switch (status) {
    case 'succeed':
      return { mark: '●', colour: 'green', what: status, text };
    case 'aborting':
    case 'failed':
      return { mark: '●', colour: 'red', what: status, text };
    case 'prepared':
    case 'submitted':
      return { mark: '●', colour: 'cyan', what: status, text };
  }
}
