import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { ALL_STORES, PRIVATE_DATABASES } from './databases/private-databases.ts';
import type { CompareOptions, ProtocolOptions, ScaleOptions, SecuredOptions, StallOptions } from './options.ts';
import { cliOfCheckout } from './subjects/holdfast.ts';
import type { Tool } from './tool.ts';

export type Task =
  | { readonly kind: 'compare'; readonly options: CompareOptions }
  | { readonly kind: 'protocols'; readonly options: ProtocolOptions }
  | { readonly kind: 'secured'; readonly options: SecuredOptions }
  | { readonly kind: 'scale'; readonly options: ScaleOptions }
  | { readonly kind: 'stall'; readonly options: StallOptions };

interface Values {
  readonly target?: string[];
  readonly targetPid?: number;
  readonly protocol: 'http' | 'grpc';
  readonly store?: string[];
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUp: number;
  readonly connections?: readonly number[];
  readonly branchService: Tool<'nginx'>;
  readonly load: Tool<'wrk'>;
  readonly output: 'table' | 'json';
  readonly cpuProf?: true;
  readonly embed?: true;
  readonly against?: string;
  readonly scale?: true;
  readonly stall?: true;
  readonly secured?: true;
  readonly finished?: number;
  readonly waiting?: number;
}

/** Numbers of callers by default. */
const CONNECTIONS = [1, 64, 256];
const DEFAULT_STORE = 'lmdb:';
const ALL = 'all';
const NAMES = [...PRIVATE_DATABASES.map(({ name }) => name), ALL];

/** Parses the command line; by default, help and errors end the process (see `command`). */
export function readCommandLine(args: readonly string[], command: Command = new Command()): Task {
  const values = describe(command).parse(args, { from: 'user' }).opts<Values>();
  const { target: targets = [], store, rounds, seconds, branchService, load, output } = values;
  const common = { rounds, seconds, warmUpSeconds: values.warmUp, branchService, load, output };
  if (values.stall === true) {
    if (
      targets.length > 0 ||
      store !== undefined ||
      values.cpuProf === true ||
      values.embed === true ||
      values.against !== undefined ||
      values.scale === true ||
      values.secured === true ||
      values.protocol === 'grpc'
    )
      command.error(
        'error: --stall starts a separate coordinator and cannot be combined with --target, --store, --embed, --against, --scale, --secured, --protocol or --cpu-prof',
      );
    return { kind: 'stall', options: { rounds, branchService, output } };
  }
  if (values.scale === true) {
    if (
      targets.length > 0 ||
      values.cpuProf === true ||
      values.embed === true ||
      values.against !== undefined ||
      values.secured === true ||
      values.protocol === 'grpc'
    )
      command.error(
        'error: --scale fills separate stores and cannot be combined with --target, --embed, --against, --secured, --protocol or --cpu-prof',
      );
    return { kind: 'scale', options: { ...common, ...scaleOf(values, command) } };
  }
  if (values.secured === true) return { kind: 'secured', options: { ...common, ...securedOf(values, command) } };
  if (values.targetPid !== undefined && targets.length !== 1)
    command.error('error: --target-pid goes with one --target');
  if (values.protocol === 'grpc') return { kind: 'protocols', options: { ...common, ...protocolsOf(values, command) } };
  const named = store ?? (targets.length > 0 ? [] : [DEFAULT_STORE]);
  const leaveOut = named.includes(ALL);
  const stores = [...new Set(named.flatMap((name) => (name === ALL ? ALL_STORES : [name])))];
  if (values.cpuProf === true && stores.length === 0)
    command.error('error: --cpu-prof profiles a coordinator that the benchmark starts: add --store');
  if (values.against !== undefined && stores.length === 0)
    command.error('error: --against compares on stores that are started here: add --store');
  const { connections = CONNECTIONS, against, targetPid, cpuProf = false, embed = false } = values;
  const what = { stores, against, leaveOut, targets, targetPid, embed, cpuProfile: cpuProf };
  return { kind: 'compare', options: { ...common, connections, ...what } };
}

function protocolsOf(
  { store = [DEFAULT_STORE], target: targets = [], targetPid, connections = CONNECTIONS, ...rest }: Values,
  command: Command,
): Pick<ProtocolOptions, 'store' | 'targets' | 'targetPid' | 'connections' | 'cpuProfile'> {
  if (rest.embed === true || rest.against !== undefined)
    command.error('error: --protocol grpc compares with HTTP and cannot be combined with --embed or --against');
  const [name = '', ...more] = store;
  if ((name !== DEFAULT_STORE && name !== 'memory:') || more.length > 0)
    return command.error('error: --protocol grpc starts several coordinators: --store lmdb: or --store memory:');
  return { store: name, targets, targetPid, connections, cpuProfile: rest.cpuProf === true };
}

function securedOf(
  { store = [DEFAULT_STORE], target, connections = CONNECTIONS, ...rest }: Values,
  command: Command,
): Pick<SecuredOptions, 'store' | 'connections' | 'cpuProfile'> {
  if (target !== undefined || rest.embed === true || rest.against !== undefined || rest.protocol === 'grpc')
    command.error('error: --secured cannot be combined with --target, --embed, --against or --protocol');
  const [name = '', ...more] = store;
  if ((name !== DEFAULT_STORE && name !== 'memory:') || more.length > 0)
    return command.error('error: --secured starts several coordinators: --store lmdb: or --store memory:');
  return { store: name, connections, cpuProfile: rest.cpuProf === true };
}

/** Default sizes of a full store; LMDB is filled through its coordinator, which takes longer. */
const FULL = { lmdb: { finished: 100_000, waiting: 10_000 }, postgres: { finished: 1_000_000, waiting: 100_000 } };

function scaleOf(
  { store = [DEFAULT_STORE], finished, waiting, connections = [64] }: Values,
  command: Command,
): Pick<ScaleOptions, 'store' | 'finished' | 'waiting' | 'connections'> {
  const [name = '', ...more] = store;
  const kind = name === DEFAULT_STORE ? 'lmdb' : name;
  if ((kind !== 'lmdb' && kind !== 'postgres') || more.length > 0)
    return command.error('error: --scale fills one separate store: --store lmdb: or --store postgres');
  const full = FULL[kind];
  return { store: kind, finished: finished ?? full.finished, waiting: waiting ?? full.waiting, connections };
}

function describe(command: Command): Command {
  return command
    .name('npm run bench --')
    .usage('[options]')
    .description(
      'Measures two-branch sagas that are waited for, against the ceiling: the same HTTP libraries and settings with no engine and no store.',
    )
    .option('--target <url>', 'a coordinator that runs already and speaks the dtm protocol (repeatable)', originList)
    .option('--target-pid <pid>', 'its process, to see its CPU and memory', count(1, 2 ** 22))
    .option(
      '--store <store>',
      `a store; a Holdfast is started on it: lmdb:[PATH] (default, in a temporary folder), memory:, the URL of a database that runs, or a name: ${NAMES.join(', ')} (repeatable). A named database is started for the run, with its data in a temporary folder; all measures every store, and skips, with a message, databases that are not installed`,
      storeList,
    )
    .option(
      '--against <folder>',
      "another checkout, already built: its Holdfast takes turns with this one's on each store, and the ratios are shown",
      checkoutFolder,
    )
    .addOption(
      new Option(
        '--protocol <name>',
        'grpc: compare sagas that are submitted over gRPC, have branches over gRPC, or both, with HTTP; --target is then the address at which a coordinator serves gRPC',
      )
        .choices(['http', 'grpc'])
        .default('http'),
    )
    .option('--embed', 'also embed() on LMDB: sagas of two functions, submitted and run in one process')
    .option('--rounds <n>', 'rounds, in which all take turns; the figures are medians', count(1, 100), 3)
    .option('--seconds <n>', 'length of a round', count(1, 600), 5)
    .option(
      '--warm-up <n>',
      'seconds of load before the first round at each number of connections; a new process is also loaded until it has run 10,000 sagas',
      count(0, 600),
      3,
    )
    .option(
      '--connections <list>',
      'callers at once, over HTTP each with a connection (default: 1,64,256; --scale: 64)',
      connectionList,
    )
    .addOption(
      new Option('--branch-service <name>', 'the service that the branch calls go to')
        .choices(['auto', 'nginx', 'node'])
        .default('auto'),
    )
    .addOption(new Option('--load <name>', 'who posts the sagas').choices(['auto', 'wrk', 'node']).default('auto'))
    .addOption(
      new Option('-o, --output <format>', 'how the figures are written').choices(['table', 'json']).default('table'),
    )
    .option('--cpu-prof', 'also write a CPU profile of each Holdfast, and sum it up')
    .option(
      '--scale',
      'instead compare an empty store with one that holds many transactions; --store lmdb: (default) or postgres',
    )
    .option(
      '--secured',
      'instead compare a coordinator with tokens, signed calls and TLS with an open one; needs nginx and openssl',
    )
    .option('--stall', 'instead show for how long the worst requests hold the event loop of a coordinator')
    .option(
      '--finished <n>',
      'with --scale: finished transactions in the full store (default: 100,000; PostgreSQL 1,000,000)',
      count(0, 10_000_000),
    )
    .option(
      '--waiting <n>',
      'with --scale: unfinished transactions in it (default: 10,000; PostgreSQL 100,000)',
      count(0, 1_000_000),
    );
}

/** Parses a whole number within bounds. */
const count =
  (low: number, high: number) =>
  (text: string): number => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= low && value <= high) return value;
    throw new InvalidArgumentError(`It takes a whole number from ${low} to ${high}.`);
  };

function connectionList(text: string): readonly number[] {
  return text.split(',').map((part) => count(1, 10_000)(part.trim()));
}

function checkoutFolder(text: string): string {
  const folder = resolve(text);
  if (cliOfCheckout(folder) !== undefined) return folder;
  throw new InvalidArgumentError(`${folder} is not a built checkout of Holdfast: build it first.`);
}

function originList(text: string, before: string[] = []): string[] {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' || url.pathname !== '/')
    throw new InvalidArgumentError('It takes an address such as http://127.0.0.1:36789.');
  return [...before, url.origin];
}

function storeList(text: string, before: string[] = []): string[] {
  if (!/^[a-z]+:/.test(text) && !NAMES.includes(text))
    throw new InvalidArgumentError(`It takes a store such as lmdb: or memory:, or one of ${NAMES.join(', ')}.`);
  return [...before, text];
}
