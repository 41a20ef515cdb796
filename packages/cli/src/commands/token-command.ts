import { type NewToken, ROLES, type Role, type TokenInfo, type TokenLimits } from '@holdfast/protocol';
import { type Command, Option } from 'commander';
import { CommandError, EXIT } from './command-error.ts';
import type { CommandIo } from './command-io.ts';
import { allTokens } from '../coordinator/all-tokens.ts';
import { type CommonOptions, exitOfCommander, operatorCommand, runCommand } from './run-command.ts';
import { type Column, columnWidths, tableHead, tableRow } from '../output/table.ts';
import { clean, painter } from '../output/text.ts';
import { moment } from '../output/time.ts';

/** `holdfast token …`: creates, lists, rotates and revokes API tokens. */
export function registerTokens(program: Command, io: CommandIo): void {
  const tokens = program
    .command('token')
    .summary('create, list, rotate and revoke API tokens')
    .description(
      'An API token proves who calls a coordinator that runs with --auth. These commands need a token with the role admin, in HOLDFAST_TOKEN or --token-file. The text of a token is shown only once.',
    )
    .exitOverride(exitOfCommander(io));
  registerCreate(tokens, io);
  registerListTokens(tokens, io);
  registerRotate(tokens, io);
  registerRevoke(tokens, io);
  registerGenerate(tokens, io);
}

interface CreateOptions extends CommonOptions {
  readonly role: Role;
  readonly namespaces?: string;
  readonly expiresIn?: string;
  readonly maxRate?: string;
  readonly maxBurst?: string;
  readonly maxBytes?: string;
  readonly maxInFlight?: string;
  readonly reason?: string;
}

const REASON = ['--reason <text>', 'the reason; recorded in the audit log'] as const;

function registerCreate(tokens: Command, io: CommandIo): void {
  const command = tokens
    .command('create')
    .description('Create a token and print its text, which cannot be shown again.')
    .argument('<name>', 'a readable name, such as that of the service')
    .addOption(new Option('--role <role>', 'what it may do').choices(ROLES).makeOptionMandatory())
    .option(
      '--namespaces <names>',
      'namespaces that it may act in, separated by commas; by default those of the creator',
    )
    .option('--expires-in <time>', 'such as 90d; by default it expires with the token of its creator, if that expires')
    .option('--max-rate <number>', "requests per second to each node, instead of the node's --principal-rate; 0: any")
    .option('--max-burst <number>', 'requests at once; by default those of one second')
    .option(
      '--max-bytes <number>',
      "bytes of request bodies per second, such as 4MiB, instead of the node's --principal-bytes; 0: any",
    )
    .option('--max-in-flight <number>', "unfinished transactions, instead of the node's --principal-in-flight; 0: any")
    .option(...REASON);
  operatorCommand(command, io, [
    'token create checkout --role submitter --namespaces shop',
    'token create ann --role operator --expires-in 90d -o ids > ann.token',
  ]);
  command.action((name: string, options: CreateOptions) =>
    runCommand(io, options, async ({ api }) => {
      const { role, namespaces, expiresIn, reason } = options;
      const names = namespaces?.split(',').flatMap((each) => (each.trim() === '' ? [] : [each.trim()]));
      const limits = limitsIn(options);
      const body = {
        name,
        role,
        ...(limits !== undefined && { limits }),
        ...(names !== undefined && { namespaces: names }),
        ...(expiresIn !== undefined && { expiresInMs: durationOf('--expires-in', expiresIn) }),
        ...(reason !== undefined && { reason }),
      };
      showToken(io, options, await api.call('createToken', { body }));
    }),
  );
}

function registerListTokens(tokens: Command, io: CommandIo): void {
  const command = tokens.command('list').description('List the tokens, without their texts.');
  operatorCommand(command, io, ['token list', 'token list -o json']);
  command.action((options: CommonOptions) =>
    runCommand(io, options, async ({ api }) => {
      const found = await allTokens(api);
      if (options.output === 'json') return io.out(JSON.stringify(found, undefined, 2));
      if (options.output === 'ids') return found.forEach(({ id }) => io.out(id));
      if (found.length === 0)
        return io.err('there are no tokens; create one with "holdfast token create NAME --role ROLE"');
      const columns = columnsAt(io.nowMs());
      const widths = columnWidths(columns, found);
      const paint = painter(io.colour);
      io.out(tableHead(columns, widths, paint));
      for (const row of found) io.out(tableRow(columns, widths, row, io.width, paint));
    }),
  );
}

function registerRotate(tokens: Command, io: CommandIo): void {
  const command = tokens
    .command('rotate')
    .description('Give a token a new text and print it. The previous text stays valid during the overlap.')
    .argument('<id>')
    .option('--overlap <time>', 'such as 1h; by default all previous texts are invalid at once')
    .option(...REASON);
  operatorCommand(command, io, ['token rotate 4jv2m8q0yz1c7n5k --overlap 1h']);
  command.action((id: string, options: CommonOptions & { readonly overlap?: string; readonly reason?: string }) =>
    runCommand(io, options, async ({ api }) => {
      const { overlap, reason } = options;
      const body = {
        ...(overlap !== undefined && { overlapMs: durationOf('--overlap', overlap) }),
        ...(reason !== undefined && { reason }),
      };
      showToken(io, options, await api.call('rotateToken', { id, body }));
    }),
  );
}

function registerRevoke(tokens: Command, io: CommandIo): void {
  const command = tokens
    .command('revoke')
    .description('Revoke a token for good.')
    .argument('<id>')
    .option(...REASON);
  operatorCommand(command, io, ['token revoke 4jv2m8q0yz1c7n5k']);
  command.action((id: string, options: CommonOptions & { readonly reason?: string }) =>
    runCommand(io, options, async ({ api }) => {
      await api.call('revokeToken', { id, query: { reason: options.reason } });
      io.err(`token ${id} revoked; the other nodes reject it within 5 seconds`);
    }),
  );
}

function registerGenerate(tokens: Command, io: CommandIo): void {
  tokens
    .command('generate')
    .description('Print a new text for the file of serve --bootstrap-token-file. Needs no coordinator.')
    .addHelpText('after', '\nExamples:\n  $ holdfast token generate > bootstrap.token')
    .exitOverride(exitOfCommander(io))
    .action(async () => {
      const { newBootstrapText } = await import('@holdfast/server');
      io.out(newBootstrapText());
    });
}

/** The text on standard output, where a file or a variable can take it; the rest beside it. */
function showToken(io: CommandIo, { output }: CommonOptions, created: NewToken): void {
  if (output === 'json') return io.out(JSON.stringify(created, undefined, 2));
  io.out(created.token);
  if (output === 'ids') return;
  const until = created.expiresAtMs === null ? '' : `, expires ${moment(created.expiresAtMs)}`;
  io.err(`token ${created.id} (${clean(created.name)}, ${created.role}${until}); its text is shown only now`);
}

const columnsAt = (nowMs: number): Column<TokenInfo>[] => [
  { title: 'ID', text: (row) => clean(row.id) },
  { title: 'NAME', text: (row) => clean(row.name) },
  { title: 'ROLE', text: (row) => row.role },
  { title: 'NAMESPACES', text: (row) => (row.allNamespaces ? 'all' : clean(row.namespaces.join(','))) },
  { title: 'STATE', text: (row) => stateOf(row, nowMs) },
  { title: 'LAST USED', text: (row) => (row.lastUsedAtMs === null ? 'never' : moment(row.lastUsedAtMs)) },
  { title: 'CREATED', text: (row) => moment(row.createdAtMs) },
];

function stateOf({ revokedAtMs, expiresAtMs }: TokenInfo, nowMs: number): string {
  if (revokedAtMs !== null) return 'revoked';
  if (expiresAtMs === null) return 'valid';
  return expiresAtMs <= nowMs ? 'expired' : `until ${moment(expiresAtMs)}`;
}

/** The limits that the options state; undefined: none of them is given. */
function limitsIn({ maxRate, maxBurst, maxBytes, maxInFlight }: CreateOptions): TokenLimits | undefined {
  const given = [
    ['requestsPerSecond', '--max-rate', maxRate, countOf],
    ['burst', '--max-burst', maxBurst, countOf],
    ['bytesPerSecond', '--max-bytes', maxBytes, bytesOf],
    ['inFlight', '--max-in-flight', maxInFlight, countOf],
  ] as const;
  const stated = given.flatMap(([name, option, text, read]) =>
    text === undefined ? [] : [[name, read(option, text)] as const],
  );
  return stated.length === 0 ? undefined : Object.fromEntries(stated);
}

function countOf(option: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new CommandError(EXIT.usage, `${option} takes a whole number with at most 9 digits, not ${text}`);
}

const UNITS_BYTES: Readonly<Record<string, number>> = { '': 1, KiB: 1024, MiB: 1024 ** 2 };

function bytesOf(option: string, text: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,9})(KiB|MiB)?$/.exec(text) ?? [];
  if (digits !== '') return Number(digits) * (UNITS_BYTES[unit] ?? 1);
  throw new CommandError(EXIT.usage, `${option} takes a size such as 512KiB, 4MiB, or plain bytes, not ${text}`);
}

const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function durationOf(option: string, text: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,9})(s|m|h|d)$/.exec(text) ?? [];
  const factor = UNITS_MS[unit];
  if (factor !== undefined) return Number(digits) * factor;
  throw new CommandError(EXIT.usage, `${option} takes a time such as 90d, 12h or 30m, not ${text}`);
}
