import { readableReason, type TimelineLine, type TransactionDetails } from '@holdfast/protocol';
import { clean, type Colour, cut, padEnd, padStart, painter, widthOf, wrap } from './text.ts';
import { duration, moment } from './time.ts';
import { type Row, wordsOf } from './timeline-words.ts';

export interface TimelineOptions {
  readonly colour: boolean;
  /** Columns of the terminal. */
  readonly width: number;
  /** The current time, for the row about the next attempt; without a value there is no such row. */
  readonly nowMs?: number;
  /** Display name of a call's URL; by default the URL without scheme and query. */
  readonly nameOf?: (url: string, op: string) => string;
}

const TIME_WIDTH = 10;
/** The mark with the spaces around it. */
const MARK_WIDTH = 4;
const NARROWEST_WHOM = 8;
const LONGEST_WHOM = 40;
const NARROWEST_TEXT = 24;

/**
 * Renders the history of a transaction: each call with its time and result, and what comes next;
 * one row each, wrapped to the terminal's width.
 */
export function renderTimeline(details: TransactionDetails, options: TimelineOptions): string {
  const rows = [...historyRows(details, options), ...futureRows(details, options)];
  return [...header(details, options), '', ...layOutAll(rows, details, options)].join('\n');
}

/**
 * Renders what has happened since an earlier state: the rows of the entries that it did not have.
 * Empty if there are none.
 */
export function renderChanges(
  before: Pick<TransactionDetails, 'timeline'>,
  details: TransactionDetails,
  options: TimelineOptions,
): string {
  const known = new Set(before.timeline.map((line) => JSON.stringify(line)));
  const rows = rowsOf(details, options).filter((_, index) => !known.has(JSON.stringify(details.timeline[index])));
  return layOutAll(rows, details, options).join('\n');
}

function layOutAll(rows: readonly Row[], details: TransactionDetails, options: TimelineOptions): string[] {
  const whatWidth = Math.max(...rows.map((row) => widthOf(row.what)), 0);
  const room = Math.max(options.width - TIME_WIDTH - MARK_WIDTH - whatWidth - 2, NARROWEST_WHOM);
  const whomWidth = Math.min(Math.max(...rows.map((row) => widthOf(row.whom)), 0), LONGEST_WHOM, room);
  return rows.flatMap((row) => layOut(row, details.createdAtMs, whatWidth, whomWidth, options));
}

function header(details: TransactionDetails, { colour, width }: TimelineOptions): string[] {
  const paint = painter(colour);
  const took = details.finishedAtMs === null ? '' : `, took ${duration(details.finishedAtMs - details.createdAtMs)}`;
  const title = `${details.pattern} ${paint('bold', clean(details.gid))}  ${paint(statusColour(details), details.status)}`;
  const creator = details.createdBy === undefined ? '' : ` by ${clean(details.createdBy)}`;
  const lines = [title, paint('dim', `created ${moment(details.createdAtMs)}${creator}${took}`)];
  if (details.attention) lines.push(paint('red', 'needs operator attention'));
  const reason = clean(readableReason(details.rollbackReason));
  if (details.stopped !== '') return [...lines, ...stoppedLines(details, reason, width)];
  if (reason !== '') lines.push(...wrap(`rolled back; reason: ${reason}`, width));
  return lines;
}

/**
 * A force-stop compensates nothing: the remaining effects are listed for an operator to correct.
 */
function stoppedLines(
  { stopped, damaged, remainingEffects }: TransactionDetails,
  rollbackReason: string,
  width: number,
): string[] {
  const head = wrap(`force-stopped by an operator: ${clean(stopped)}`, width);
  if (rollbackReason !== '')
    head.push(...wrap(`its rollback was not completed; the reason of the rollback: ${rollbackReason}`, width));
  if (damaged !== '') return [...head, 'the effects of its branches are unknown; check each participant'];
  if (remainingEffects.length === 0) return [...head, 'no effect of its branches remains'];
  const effects = remainingEffects.map(({ branchId, op, url, certain }) => {
    const where = url === '' ? '' : `  ${clean(shortUrl(url))}`;
    return `  ${clean(`${branchId} ${op}`)}${where}  ${certain ? 'done' : 'may have run'}`;
  });
  return [...head, 'nothing was compensated; correct the remaining effects by hand:', ...effects];
}

function statusColour({ status, attention }: TransactionDetails): Colour {
  if (attention) return 'red';
  if (status === 'succeed') return 'green';
  return status === 'failed' || status === 'aborting' ? 'red' : 'yellow';
}

/** One row for each entry. */
function rowsOf(details: TransactionDetails, options: TimelineOptions): Row[] {
  const urls = new Map(details.branches.map((branch) => [`${branch.branchId} ${branch.op}`, branch.url]));
  return details.timeline.map((line, index): Row => {
    const words = wordsOf(line, details.timeline[index - 1]);
    return { ...words, atMs: line.atMs, whom: line.kind === 'call' ? whomOf(line, urls, details, options) : '' };
  });
}

function historyRows(details: TransactionDetails, options: TimelineOptions): Row[] {
  const rows = rowsOf(details, options);
  if (details.timelineOmitted === 0) return rows;
  const text = `${details.timelineOmitted} entries omitted`;
  const gap: Row = { atMs: undefined, mark: '⋮', colour: 'dim', what: '', whom: '', text };
  return rows.toSpliced(Math.ceil(rows.length / 2), 0, gap);
}

function whomOf(
  line: Extract<TimelineLine, { kind: 'call' }>,
  urls: ReadonlyMap<string, string>,
  details: TransactionDetails,
  { nameOf = shortUrl }: TimelineOptions,
): string {
  const url = urls.get(`${line.branchId} ${line.op}`) ?? details.queryPrepared;
  return clean(nameOf(url, line.op));
}

const shortUrl = (url: string): string => url.replace(/^https?:\/\//, '').replace(/\?.*$/, '');

function futureRows(details: TransactionDetails, { nowMs }: TimelineOptions): Row[] {
  const row = (what: string, text: string): Row[] => [
    { atMs: undefined, mark: '·', colour: 'dim', what, whom: '', text },
  ];
  if (nowMs === undefined || details.finishedAtMs !== null) return [];
  if (details.parked !== '')
    return row('waits', `parked until an operator retries it: holdfast retry ${clean(details.gid)}`);
  if (details.dueAtMs === null) return row('now', 'in progress');
  const leftMs = details.dueAtMs - nowMs;
  return row('next', leftMs <= 0 ? 'due now' : `in ${duration(leftMs)}`);
}

function layOut(row: Row, startMs: number, whatWidth: number, whomWidth: number, options: TimelineOptions): string[] {
  const paint = painter(options.colour);
  const time = row.atMs === undefined ? '' : duration(row.atMs - startMs);
  const whom = row.whom === '' ? '' : padEnd(cut(row.whom, whomWidth), whomWidth) + '  ';
  const left = `${padStart(time, TIME_WIDTH)}  ${row.mark} ${padEnd(row.what, whatWidth)}  ${whom}`;
  const painted = `${paint('dim', padStart(time, TIME_WIDTH))}  ${paint(row.colour, `${row.mark} ${padEnd(row.what, whatWidth)}`)}  ${whom}`;
  const room = options.width - widthOf(left);
  if (row.text === '') return [painted.trimEnd()];
  if (room >= NARROWEST_TEXT) {
    const [first = '', ...others] = wrap(row.text, room);
    return [painted + first, ...others.map((line) => ' '.repeat(widthOf(left)) + line)];
  }
  const indent = ' '.repeat(TIME_WIDTH + MARK_WIDTH);
  const below = wrap(row.text, Math.max(options.width - indent.length, NARROWEST_TEXT));
  return [painted.trimEnd(), ...below.map((line) => indent + line)];
}
