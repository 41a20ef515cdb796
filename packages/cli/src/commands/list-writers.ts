import { readableReason, type TransactionSummary } from '@holdfast/protocol';
import type { CommandIo } from './command-io.ts';
import type { OutputForm } from './run-command.ts';
import { type Column, columnWidths, tableHead, tableRow } from '../output/table.ts';
import { clean, type Colour, painter } from '../output/text.ts';
import { duration } from '../output/time.ts';

/** Writes a list page by page, so that memory does not grow with its length. */
export interface ListWriter {
  page(items: readonly TransactionSummary[]): void;
  /** @param next cursor of the first page that was not requested */
  end(next: string | null): void;
}

export function listWriter(form: OutputForm, io: CommandIo): ListWriter {
  switch (form) {
    case 'ids':
      return { page: (items) => items.forEach((item) => io.out(item.gid)), end: () => {} };
    case 'json':
      return jsonWriter(io);
    case 'table':
      return tableWriter(io);
  }
}

/** One JSON document, `{"items": […], "next": …}`, with one transaction per line. */
function jsonWriter(io: CommandIo): ListWriter {
  let last: string | undefined;
  io.out('{"items": [');
  return {
    page(items) {
      for (const item of items) {
        if (last !== undefined) io.out(`${last},`);
        last = JSON.stringify(item);
      }
    },
    end(next) {
      if (last !== undefined) io.out(last);
      io.out(`], "next": ${JSON.stringify(next)}}`);
    },
  };
}

function tableWriter(io: CommandIo): ListWriter {
  const paint = painter(io.colour);
  const columns = columnsAt(io.nowMs());
  let widths: number[] | undefined;
  return {
    page(items) {
      if (items.length === 0) return;
      if (widths === undefined) {
        widths = columnWidths(columns, items);
        io.out(tableHead(columns, widths, paint));
      }
      for (const item of items) io.out(tableRow(columns, widths, item, io.width, paint));
    },
    end(next) {
      if (widths === undefined)
        io.err(next === null ? 'no transaction matches' : 'no match so far; not all transactions were examined');
    },
  };
}

const columnsAt = (nowMs: number): Column<TransactionSummary>[] => [
  { title: 'GID', text: (row) => clean(row.gid) },
  { title: 'PATTERN', text: (row) => row.pattern },
  { title: 'STATUS', text: (row) => row.status, paint: (row, text, paint) => paint(colourOf(row), text) },
  { title: 'AGE', text: (row) => duration(nowMs - row.createdAtMs) },
  { title: 'NOTE', text: (row) => noteOf(row, nowMs), paint: (row, text, paint) => paint(noteColour(row), text) },
];

const COLOURS = {
  prepared: 'yellow',
  submitted: 'yellow',
  aborting: 'red',
  succeed: 'green',
  failed: 'dim',
} as const satisfies Record<TransactionSummary['status'], Colour>;

const colourOf = (row: TransactionSummary): Colour => COLOURS[row.status];
const noteColour = (row: TransactionSummary): Colour | undefined => (row.attention ? 'red' : undefined);

/** The most important facts for an operator. */
function noteOf(row: TransactionSummary, nowMs: number): string {
  const notes: string[] = [];
  if (row.attention) notes.push('needs attention');
  if (row.parked !== '') notes.push(`parked: ${row.parked}`);
  if (row.dueAtMs !== null) notes.push(row.dueAtMs <= nowMs ? 'due now' : `next in ${duration(row.dueAtMs - nowMs)}`);
  if (row.stopped !== '') notes.push(`force-stopped, effects may remain: ${row.stopped}`);
  if (row.rollbackReason !== '') notes.push(readableReason(row.rollbackReason));
  return clean(notes.join(', '));
}
