import { LIMITS, type Pattern, PATTERNS, type Status, STATUSES, type TransactionPage } from '@holdfast/protocol';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CommandIo } from './command-io.ts';
import { type ListWriter, listWriter } from './list-writers.ts';
import { type CommonOptions, operatorCommand, runCommand } from './run-command.ts';
import { parseMoment } from '../output/time.ts';
import { Paging } from '../coordinator/paging.ts';
import { type ListFilters, listTransactions } from '../coordinator/transactions-api.ts';

interface ListOptions extends CommonOptions {
  readonly status?: Status;
  readonly pattern?: Pattern;
  readonly attention?: true;
  readonly since?: number;
  readonly until?: number;
  readonly limit: number;
  readonly cursor?: string;
  readonly all?: true;
}

const DEFAULT_LIMIT = 50;
/** How long to search for more matches while the list is shorter than its limit. */
const SEARCH_MS = 60_000;

/** `holdfast list`: lists transactions, newest first, page by page. */
export function registerList(program: Command, io: CommandIo): void {
  const moment = momentParser(io);
  const command = program
    .command('list')
    .summary('list transactions, newest first')
    .description('List transactions, newest first.')
    .addOption(new Option('--status <status>', 'only transactions with this status').choices(STATUSES))
    .addOption(new Option('--pattern <pattern>', 'only transactions with this pattern').choices(PATTERNS))
    .option('--attention', 'only transactions that need operator attention')
    .option(
      '--since <time>',
      'only transactions created since then: 90s, 15m, 2h or 3d ago, or a date (ISO 8601)',
      moment,
    )
    .option('--until <time>', 'only transactions created until then', moment)
    .option(
      '--limit <n>',
      `maximum number of transactions (per page with --all), at most ${LIMITS.pageSize}`,
      parseLimit,
      DEFAULT_LIMIT,
    )
    .option('--cursor <cursor>', 'continue after the previous page')
    .option('--all', 'print all pages');
  operatorCommand(command, io, [
    'list --status aborting',
    'list --attention --since 2h',
    'list --pattern saga --status submitted --all -o ids | holdfast retry -',
  ]);
  command.action((options: ListOptions) =>
    runCommand(io, options, async ({ api }) => {
      const writer = listWriter(options.output, io);
      const searchUntilMs = io.nowMs() + SEARCH_MS;
      const paging = new Paging(api.server, options.cursor);
      let left = options.limit;
      for (;;) {
        const page = await listTransactions(
          api,
          filtersOf(options, options.all === true ? options.limit : left, paging.cursor),
        );
        writer.page(page.items);
        left -= page.items.length;
        // The coordinator returns a short page when it reaches a size limit or has searched for a
        // while.
        const isWanted = options.all === true || (left > 0 && io.nowMs() < searchUntilMs);
        if (!isWanted || !paging.follow(page)) return end(writer, page, io);
      }
    }),
  );
}

function end(writer: ListWriter, page: TransactionPage, io: CommandIo): void {
  writer.end(page.next);
  if (page.next !== null)
    io.err(`more transactions match; --cursor ${page.next} prints the next page, --all prints all pages`);
}

function filtersOf(options: ListOptions, limit: number, cursor: string | undefined): ListFilters {
  return {
    limit,
    ...(options.status === undefined ? {} : { status: options.status }),
    ...(options.pattern === undefined ? {} : { pattern: options.pattern }),
    ...(options.attention === undefined ? {} : { attention: true }),
    ...(options.since === undefined ? {} : { createdFromMs: options.since }),
    ...(options.until === undefined ? {} : { createdToMs: options.until }),
    ...(cursor === undefined ? {} : { cursor }),
  };
}

/** Reads the value of `--limit`. */
export function parseLimit(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= LIMITS.pageSize) return limit;
  throw new InvalidArgumentError(`A whole number from 1 to ${LIMITS.pageSize}.`);
}

/** Reads a point in time since 1970. */
export const momentParser = (io: CommandIo) => (text: string) => {
  const atMs = parseMoment(text, io.nowMs());
  // The coordinator's times begin in 1970.
  if (atMs !== undefined && atMs < 0) throw new InvalidArgumentError('A time since 1970-01-01.');
  if (atMs === undefined) throw new InvalidArgumentError('Like 90s, 15m, 2h, 3d, or 2026-01-31T12:00:00Z.');
  return atMs;
};
