import { type Alert, DEFAULT_ENGINE_OPTIONS, type EngineOptions, type Logger, type Store } from '@holdfast/core';
import { namesOf, requireKnownNames } from '@holdfast/protocol';
import type { Branches } from './branches.ts';

/** What the engine may be told; times are milliseconds. See `EngineOptions` for each. */
export type EmbedEngineOptions = Partial<Omit<EngineOptions, 'groups' | 'version'>>;

export interface EmbedOptions<B extends Branches = Branches> {
  /**
   * Where transactions are kept: `lmdb:PATH` (a directory, made when it is not there; one process at a time), `memory:` (forgotten at exit), or a store
   * of your own that is not open yet; it is closed with the coordinator.
   */
  readonly store: string | Store;
  /**
   * Functions of this process that transactions may name, by `hf.branches.NAME`. All of them are known before the coordinator starts, so that what an
   * earlier process left unfinished finds them. Names are kept in the store: a function whose name is gone is asked for again until it is back.
   */
  readonly branches?: B;
  /**
   * Which application the functions belong to: part of their URLs, `local://APPLICATION/NAME`, and kept in the store. On a store that several processes
   * share, only those of the same application drive its transactions. Default: `app`.
   */
  readonly application?: string;
  /** Retries, time-outs, bounds, retention, in milliseconds. */
  readonly engine?: EmbedEngineOptions;
  /** What `wait: true` means. Default 30,000. */
  readonly waitTimeoutMs?: number;
  /** How long a call is repeated while the store cannot take it. 0: never. Default 5,000. */
  readonly retryForMs?: number;
  /**
   * How long `close` waits for what is in progress: calls, first phases and workflows. It takes at most 2 s longer when the store does not respond, and
   * does not wait for code of the application beyond that. Default 10,000.
   */
  readonly drainMs?: number;
  /**
   * Receives an alert for each transaction that needs operator attention, at least once: an alert is raised again with
   * a later attempt if this function throws, its promise rejects, or the process ends before the promise resolves.
   */
  readonly onAlert?: (alert: Alert) => void | Promise<void>;
  /**
   * What calls branches over HTTP: `own`, the default, is the client of Holdfast; `undici` replaces
   * it by the library.
   */
  readonly branchClient?: 'own' | 'undici';
  /**
   * How names of branches are looked up: `own`, the default, by the hosts file and DNS; `system` by
   * getaddrinfo.
   */
  readonly nameLookup?: 'own' | 'system';
  /** Default: warnings and errors become warnings of the process (`process.on('warning')`), which Node prints to stderr; the rest is dropped. */
  readonly logger?: Logger;
}

export const DEFAULT_EMBED_OPTIONS = {
  application: 'app',
  waitTimeoutMs: 30_000,
  retryForMs: 5_000,
  drainMs: 10_000,
} as const;

const OPTION_NAMES = namesOf<EmbedOptions>({
  store: true,
  branches: true,
  application: true,
  engine: true,
  waitTimeoutMs: true,
  retryForMs: true,
  drainMs: true,
  onAlert: true,
  branchClient: true,
  nameLookup: true,
  logger: true,
});
/** The application is the group, and the package's version is the version. */
const ENGINE_NAMES = Object.keys(DEFAULT_ENGINE_OPTIONS).filter((name) => name !== 'groups' && name !== 'version');

/**
 * Checks the names of all options, and that those of the engine are numbers.
 *
 * @throws {TypeError} a name is unknown, a value is not a number of 0 or more, or is none of the
 *   choices
 */
export function checkOptions(options: EmbedOptions): void {
  requireKnownNames(options, OPTION_NAMES, 'embed()');
  requireChoice('branchClient', options.branchClient, ['own', 'undici']);
  requireChoice('nameLookup', options.nameLookup, ['own', 'system']);
  const engine = options.engine ?? {};
  requireKnownNames(engine, ENGINE_NAMES, 'embed(), engine');
  for (const [name, value] of Object.entries({ ...engine, ...numbersOf(options) })) {
    if (value === undefined || name === 'node' || isNumber(value)) continue;
    throw new TypeError(
      `embed(): ${name} must be a number of 0 or more, not ${typeof value === 'number' ? value : (JSON.stringify(value) ?? typeof value)}`,
    );
  }
}

const numbersOf = ({ waitTimeoutMs, retryForMs, drainMs }: EmbedOptions) => ({ waitTimeoutMs, retryForMs, drainMs });

const isNumber = (value: unknown): boolean => typeof value === 'number' && value >= 0;

function requireChoice(name: string, value: string | undefined, choices: readonly string[]): void {
  if (value === undefined || choices.includes(value)) return;
  throw new TypeError(`embed(): ${name} must be ${choices.join(' or ')}, not ${JSON.stringify(value)}`);
}
