import { url as inspectorUrl } from 'node:inspector';
import type { ClientTls } from '@holdfast/client';
import {
  type ConfigSources,
  filesOf,
  givenConfig,
  OPTIONS,
  type ServerConfig,
  statesConfig,
  VERSION,
  withFileValues,
} from '@holdfast/server/config';
import { storeTlsOf } from '@holdfast/server/store';
import { callerOf } from '../coordinator/caller.ts';
import { readClientTls } from '../coordinator/client-tls.ts';
import { secretValue } from '../coordinator/secret-value.ts';
import { barrierCheck } from './barrier.ts';
import { coordinatorCheck } from './coordinator.ts';
import { type Check, skip } from './finding.ts';
import { coordinatorFacts } from './hardening/ask-coordinator.ts';
import { CHECKLIST, hardeningChecks } from './hardening/checklist.ts';
import { secretFilesOf } from './hardening/command-files.ts';
import { type Installation, processFacts } from './hardening/installation.ts';
import { checkFileLimit, checkNode, fileLimit, portCheck } from './machine.ts';
import { storeCheck } from './store.ts';
import { tlsCheck } from './tls.ts';

export interface DoctorOptions {
  readonly config?: string;
  readonly barrier: readonly string[];
  readonly barrierTable?: string;
  readonly server?: string;
  readonly tokenFile?: string;
  readonly output: 'table' | 'json';
  readonly strict: boolean;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly dtmConfig?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The running coordinator of `--server`. */
interface Server {
  readonly url: string;
  readonly token: string | undefined;
  readonly tls: ClientTls | undefined;
}

/** The checks that the options require. Throws `ConfigError` and `CommandError`. */
export async function checksOf(options: DoctorOptions, env: Environment): Promise<readonly Check[]> {
  const { config: file } = options;
  const sources = { flags: { ...options }, env, ...(file === undefined ? {} : { file }) };
  const server = await serverOf(options, env);
  const facts = await localFacts(options, sources);
  let found: Promise<Installation> | undefined;
  const installation = (): Promise<Installation> => (found ??= withCoordinator(facts, server));
  const barriers = options.barrier.map((url) => barrierCheck(url, options.barrierTable));
  const running = server === undefined ? [] : [coordinatorCheck(server.url, VERSION, server.token, server.tls)];
  // Without any option of the coordinator, its configuration is elsewhere: the defaults are not it.
  if (server !== undefined && !statesConfig(sources)) {
    const items = CHECKLIST.filter(({ isVisible }) => isVisible === true);
    return [...barriers, ...running, ...hardeningChecks(items, installation), notVisible];
  }
  return [
    ...machineChecks(facts.config, server !== undefined),
    ...barriers,
    ...running,
    ...hardeningChecks(CHECKLIST, installation),
  ];
}

async function serverOf(options: DoctorOptions, env: Environment): Promise<Server | undefined> {
  const { token } = await callerOf(options.tokenFile === undefined ? {} : { tokenFile: options.tokenFile }, env);
  const url = options.server === undefined ? undefined : await secretValue('--server', options.server);
  const tls = await readClientTls(options, url);
  return url === undefined ? undefined : { url, token, tls };
}

async function localFacts(
  options: DoctorOptions,
  sources: ConfigSources & { readonly env: Environment },
): Promise<Omit<Installation, 'coordinator'>> {
  const given = await givenConfig(sources);
  return {
    config: await withFileValues(given),
    files: filesOf(given),
    secretFiles: secretFilesOf(options, sources.env),
    process: processFacts(sources.env, inspectorUrl()),
    nowMs: Date.now(),
  };
}

const withCoordinator = async (
  facts: Omit<Installation, 'coordinator'>,
  server: Server | undefined,
): Promise<Installation> => ({
  ...facts,
  coordinator: server === undefined ? undefined : await coordinatorFacts(server.url, server.token, server.tls),
});

/** What the machine, and the options of a coordinator on it, show. */
function machineChecks(config: ServerConfig, hasServer: boolean): readonly Check[] {
  // With --server, a coordinator may run elsewhere, and the default port need not be free.
  const isOfAnother = hasServer && config.httpPort === OPTIONS.httpPort.default;
  return [
    { name: 'node', run: async () => [checkNode(process.version)] },
    { name: 'file limit', run: async () => [checkFileLimit(fileLimit())] },
    ...(config.httpPort === 0 || isOfAnother
      ? []
      : [portCheck(config.host, config.httpPort, config.tlsCertFile !== '')]),
    ...(config.tlsCertFile === '' ? [] : [tlsCheck(config)]),
    storeCheck(config.store, storeTlsOf(config)),
  ];
}

const NAMES = [
  'node',
  'file limit',
  'port',
  'store',
  ...CHECKLIST.filter((item) => item.isVisible !== true).map(({ name }) => name),
];

/** Names the checks that need the configuration or the machine of the coordinator. */
const notVisible: Check = {
  name: 'configuration',
  run: async () => [
    skip(
      'configuration',
      `a client of the coordinator cannot check: ${NAMES.join(', ')}`,
      'run "holdfast doctor" also where the coordinator runs, with its options, variables and config file',
    ),
  ],
};
