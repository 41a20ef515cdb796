import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { ChainPoint, ChainVerdict } from '@holdfast/server';
import { type AuditPage, LIMITS } from '@holdfast/protocol';
import { type Command, InvalidArgumentError } from 'commander';
import { type AuditRow, auditRow, AUDIT_COLUMNS } from './audit-rows.ts';
import { CommandError, EXIT } from './command-error.ts';
import type { CommandIo } from './command-io.ts';
import { momentParser, parseLimit } from './list-command.ts';
import type { CoordinatorApi } from '../coordinator/coordinator-api.ts';
import { Paging } from '../coordinator/paging.ts';
import { type CommonOptions, exitOfCommander, operatorCommand, runCommand } from './run-command.ts';
import { columnWidths, tableHead, tableRow } from '../output/table.ts';
import { painter } from '../output/text.ts';

const DEFAULT_LIMIT = 50;
const POINT = /^(0|[1-9]\d{0,15}):([0-9a-f]{64})$/;

/** `holdfast audit …`: reads, exports and verifies the audit log. */
export function registerAudit(program: Command, io: CommandIo): void {
  const audit = program
    .command('audit')
    .summary('read, export and verify the audit log')
    .description(
      'The audit log contains every operator action and every change of tokens and settings. Its entries are chained by hashes. Needs the role admin.',
    )
    .exitOverride(exitOfCommander(io));
  registerListAudit(audit, io);
  registerExport(audit, io);
  registerVerify(audit, io);
}

interface ListOptions extends CommonOptions {
  readonly since?: number;
  readonly until?: number;
  readonly principal?: string;
  readonly gid?: string;
  readonly operation?: string;
  readonly limit: number;
  readonly cursor?: string;
  readonly all?: true;
}

function registerListAudit(audit: Command, io: CommandIo): void {
  const moment = momentParser(io);
  const command = audit
    .command('list')
    .description(
      'List actions, newest first. An action without a result in the list was interrupted, is in progress, or has its result after --until.',
    )
    .option('--since <time>', 'only entries since then: 90s, 15m, 2h or 3d ago, or a date (ISO 8601)', moment)
    .option('--until <time>', 'only entries until then', moment)
    .option('--principal <id>', 'only actions of this principal')
    .option('--gid <gid>', 'only actions on this transaction')
    .option('--operation <name>', 'only this operation, such as stopTransaction')
    .option(
      '--limit <n>',
      `maximum number of entries (per page with --all), at most ${LIMITS.pageSize}`,
      parseLimit,
      DEFAULT_LIMIT,
    )
    .option('--cursor <cursor>', 'continue after the previous page')
    .option('--all', 'print all pages');
  operatorCommand(command, io, ['audit list --since 1d', 'audit list --gid order-7', 'audit list --all -o json']);
  command.action((options: ListOptions) =>
    runCommand(io, options, async ({ api }) => {
      const rows: AuditRow[] = [];
      const withResult = new Set<number>();
      const paging = new Paging(api.server, options.cursor);
      let next: string | null;
      for (;;) {
        const page = await api.call('listAudit', { query: queryOf(options, paging.cursor) });
        ({ next } = page);
        for (const { line } of page.items) {
          const row = auditRow(line);
          if (row.begun !== undefined) withResult.add(row.begun);
          // The entry of the result repeats what the action was.
          if (row.kind !== 'begun' || !withResult.has(row.sequence)) rows.push(row);
        }
        const isWanted = options.all === true || page.items.length === 0;
        if (!isWanted || !paging.follow(page)) break;
      }
      write(rows, next, options, io);
    }),
  );
}

function write(rows: readonly AuditRow[], next: string | null, options: ListOptions, io: CommandIo): void {
  if (options.output === 'json')
    return io.out(JSON.stringify({ items: rows.map(({ entry }) => entry), next }, undefined, 2));
  if (options.output === 'ids') return rows.forEach(({ sequence }) => io.out(String(sequence)));
  if (rows.length === 0) io.err('no entries match');
  const paint = painter(io.colour);
  const widths = columnWidths(AUDIT_COLUMNS, rows);
  if (rows.length > 0) io.out(tableHead(AUDIT_COLUMNS, widths, paint));
  for (const row of rows) io.out(tableRow(AUDIT_COLUMNS, widths, row, io.width, paint));
  if (next !== null) io.err(`more entries match; --cursor ${next} prints the next page, --all prints all pages`);
}

const queryOf = (options: ListOptions, cursor: string | undefined) => ({
  order: 'newest' as const,
  limit: options.limit,
  cursor,
  fromMs: options.since,
  toMs: options.until,
  principal: options.principal,
  gid: options.gid,
  operation: options.operation,
});

function registerExport(audit: Command, io: CommandIo): void {
  const command = audit
    .command('export')
    .description(
      'Print the audit log as JSON, one entry per line, oldest first. The first line names the entry before the first one. Keep the last point, which is printed to standard error: "audit verify --expect" then detects entries that are missing at the end.',
    );
  operatorCommand(command, io, ['audit export > audit.ndjson']);
  command.action((options: CommonOptions) =>
    runCommand(io, options, async ({ api }) => {
      const check = await newCheck(undefined);
      let isFirst = true;
      for await (const { items, anchor } of pages(api)) {
        if (isFirst) io.out(JSON.stringify({ anchor }));
        isFirst = false;
        check.startAt(anchor);
        for (const { line } of items) {
          io.out(line);
          check.add(line);
        }
      }
      report(check.end(), io);
    }),
  );
}

function registerVerify(audit: Command, io: CommandIo): void {
  const command = audit
    .command('verify')
    .description(
      'Verify the chain of the audit log, or of an exported file. Exits with code 1 at the first entry that was changed, inserted, moved or removed.',
    )
    .argument('[file]', 'a file of "audit export"; by default the log of the coordinator')
    .option('--expect <point>', 'an entry that the log must contain, as NUMBER:HASH', parsePoint);
  operatorCommand(command, io, ['audit verify', 'audit verify audit.ndjson', 'audit verify --expect 812:9f3c…']);
  command.action((file: string | undefined, options: CommonOptions & { readonly expect?: ChainPoint }) =>
    runCommand(io, options, async ({ api }) => {
      const check = await newCheck(options.expect);
      if (file !== undefined) await addFile(check, file);
      else {
        for await (const { items, anchor } of pages(api)) {
          check.startAt(anchor);
          for (const { line } of items) check.add(line);
        }
      }
      const verdict = check.end();
      if (options.output === 'json') io.out(JSON.stringify(verdict, undefined, 2));
      report(verdict, io);
    }),
  );
}

type Check = Awaited<ReturnType<typeof newCheck>>;

/** Loaded only if it is needed: the other commands start without the server. */
async function newCheck(expected: ChainPoint | undefined) {
  const { ChainCheck } = await import('@holdfast/server');
  return new ChainCheck(expected);
}

/** Prints the verdict of a check; throws if the chain is broken. */
function report({ fault, entries, last, withoutResult }: ChainVerdict, io: CommandIo): void {
  if (fault !== undefined) throw new CommandError(EXIT.refused, `the audit log is not whole: ${fault}`);
  io.err(`✓ ${entries} entries; the last point is ${last.sequence}:${last.hash}`);
  if (withoutResult.length > 0)
    io.err(`without a result (in progress, or the outcome is unknown): ${withoutResult.join(', ')}`);
}

async function* pages(api: CoordinatorApi): AsyncGenerator<AuditPage> {
  const paging = new Paging(api.server);
  let page: AuditPage;
  do {
    page = await api.call('listAudit', { query: { order: 'oldest', limit: LIMITS.pageSize, cursor: paging.cursor } });
    yield page;
  } while (paging.follow(page));
}

async function addFile(check: Check, file: string): Promise<void> {
  try {
    let isFirst = true;
    for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
      const anchor = isFirst ? anchorOf(line) : undefined;
      if (isFirst && anchor === undefined)
        throw new CommandError(
          EXIT.usage,
          `${file} is not a file of "holdfast audit export": its first line names no anchor`,
        );
      isFirst = false;
      if (anchor === undefined) check.add(line);
      else check.startAt(anchor);
    }
    if (isFirst) throw new CommandError(EXIT.usage, `${file} is empty`);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(EXIT.usage, `${file} cannot be read: ${error instanceof Error ? error.message : 'unknown'}`);
  }
}

function anchorOf(line: string): ChainPoint | undefined {
  try {
    const { anchor } = JSON.parse(line) as { readonly anchor?: Partial<ChainPoint> };
    return typeof anchor?.sequence === 'number' && typeof anchor.hash === 'string'
      ? { sequence: anchor.sequence, hash: anchor.hash }
      : undefined;
  } catch {
    return undefined;
  }
}

function parsePoint(text: string): ChainPoint {
  const [, sequence, hash] = POINT.exec(text) ?? [];
  if (sequence === undefined || hash === undefined)
    throw new InvalidArgumentError('NUMBER:HASH, as "audit export" and "audit verify" print it.');
  return { sequence: Number(sequence), hash };
}
