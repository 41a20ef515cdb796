import type { Alert, Logger } from '@holdfast/core';
import { DEFAULT_ENGINE_OPTIONS, type EngineOptions } from '@holdfast/core/engine';
import type { Store } from '@holdfast/core/store';
import { namesOf, requireKnownNames } from '@holdfast/protocol';
import type { BranchTls, TargetRules } from '@holdfast/branches';
import type { Secrets, SigningKeys } from '@holdfast/client/api';
import type { Branches } from './branches.ts';

/** Options of the engine; times are in milliseconds. See `EngineOptions` for each. */
export type EmbedEngineOptions = Partial<Omit<EngineOptions, 'groups' | 'version'>>;

export interface EmbedOptions<B extends Branches = Branches> {
  /**
   * The store: `lmdb:PATH` (a directory, created if missing; one process at a time), `memory:`
   * (lost at exit), or a store object that is not open yet; it is closed with the coordinator.
   */
  readonly store: string | Store;
  /**
   * Functions of this process that transactions refer to by `hf.branches.NAME`. All of them are
   * known before the coordinator starts, so that transactions of an earlier process find them.
   * Names are stored: calls of a function that was removed are retried until it is back.
   */
  readonly branches?: B;
  /**
   * The application that the functions belong to: part of their URLs, `local://APPLICATION/NAME`,
   * and stored. On a store that several processes share, only processes of the same application
   * drive its transactions. Default: `app`.
   */
  readonly application?: string;
  /** Retries, timeouts, bounds, retention, in milliseconds. */
  readonly engine?: EmbedEngineOptions;
  /** The timeout of `wait: true`, in ms. Default 30,000. */
  readonly waitTimeoutMs?: number;
  /**
   * How long a call is repeated while the store cannot accept it, in ms. 0: never. Default 5,000.
   */
  readonly retryForMs?: number;
  /**
   * How long `close` waits for what is in progress: calls, first phases and workflows, in ms. If
   * the store does not respond, closing takes at most 2 s longer; code of the application is not
   * waited for beyond `drainMs`. Default 10,000.
   */
  readonly drainMs?: number;
  /**
   * Receives an alert for each transaction that needs operator attention, at least once: an alert
   * is raised again with a later attempt if this function throws, its promise rejects, or the
   * process ends before the promise resolves.
   */
  readonly onAlert?: (alert: Alert) => void | Promise<void>;
  /**
   * The client for branch calls over HTTP: `own`, the default, is Holdfast's client; `undici` uses
   * that library instead.
   */
  readonly branchClient?: 'own' | 'undici';
  /**
   * The lookup of host names of branches: `own`, the default, uses the hosts file and DNS; `system`
   * uses getaddrinfo.
   */
  readonly nameLookup?: 'own' | 'system';
  /**
   * TLS of calls to branches with `https:` and `grpcs:`, as PEM texts: `ca`, certificate
   * authorities in addition to those of the system; `cert` and `key`, a client certificate.
   */
  readonly branchTls?: BranchTls;
  /**
   * Rules for the hosts that branches may have, such as `https://*.shop.example:443` or
   * `10.0.0.0/8`; default: every host. `local://` branches need no rule.
   */
  readonly branchTargets?: readonly string[] | TargetRules;
  /**
   * The keys that sign calls over HTTP and gRPC, those of this process's tcc, xa and workflow code
   * included, so that participants can verify them. Default: calls are not signed.
   */
  readonly signingKeys?: SigningKeys;
  /**
   * The secrets that `branchHeaders` may name (`Bearer secret:bank`): texts by name, or a function
   * that returns the present one. They replace the references in calls over HTTP and gRPC, those of
   * this process's tcc, xa and workflow code included, and are never stored. Default: none, and
   * transactions with references are rejected.
   */
  readonly secrets?: Secrets;
  /**
   * Default: warnings and errors become warnings of the process (`process.on('warning')`), which
   * Node prints to stderr; the rest is discarded.
   */
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
  branchTls: true,
  branchTargets: true,
  signingKeys: true,
  secrets: true,
  logger: true,
});
/** The application is the group, and the package's version is the version. */
const ENGINE_NAMES = Object.keys(DEFAULT_ENGINE_OPTIONS).filter((name) => name !== 'groups' && name !== 'version');

/**
 * Checks the names of all options, and that those of the engine are numbers.
 *
 * @throws {TypeError} a name is unknown, or a value is neither a number of at least 0 nor an
 *   allowed choice
 */
export function checkOptions(options: EmbedOptions): void {
  requireKnownNames(options, OPTION_NAMES, 'embed()');
  requireChoice('branchClient', options.branchClient, ['own', 'undici']);
  requireChoice('nameLookup', options.nameLookup, ['own', 'system']);
  const { branchTls = {} } = options;
  requireKnownNames(branchTls, ['ca', 'cert', 'key'], 'embed(), branchTls');
  if ((branchTls.cert === undefined) !== (branchTls.key === undefined))
    throw new TypeError('embed(): branchTls must have both cert and key, or neither');
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
