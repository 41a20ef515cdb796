import type { Outcome } from './outcome.ts';
import type { Stoppable } from './started.ts';

/** The suites, in the order in which they run. */
export const SUITE_NAMES = ['go', 'python', 'java', 'generated'] as const;

/** A language whose client is run. */
export type SuiteName = (typeof SUITE_NAMES)[number];

/**
 * Where the cases find what they run against. An absent database skips the cases that need it.
 */
export interface Targets {
  readonly coordinator: string;
  /** `host:port` of its gRPC; undefined skips the cases that need it. */
  readonly grpc: string | undefined;
  readonly mariadb: string | undefined;
  readonly postgres: string | undefined;
  readonly redis: string | undefined;
  /** The participant that shares the cases' barriers. */
  readonly typescript: string;
  /** Undefined skips the cases with a token. */
  readonly secured: SecuredTargets | undefined;
}

/** Coordinators that require a token. */
export interface SecuredTargets {
  readonly token: string;
  /** PEM file of the authority of `tlsUrl` and `tlsGrpc`. */
  readonly ca: string;
  /** `http://host:port`, and `host:port` of its gRPC. */
  readonly url: string;
  readonly grpc: string;
  /** `https://host:port`, and `host:port` of its gRPC over TLS. */
  readonly tlsUrl: string;
  readonly tlsGrpc: string;
  /** nginx in front of `tlsUrl` and `tlsGrpc`, which adds the token and TLS. */
  readonly proxyUrl: string;
  readonly proxyGrpc: string;
}

/** The cases of a language, ready to run; `stop` ends a run and removes what was built. */
export interface Cases extends Stoppable {
  /** Runs the cases that match `pattern`; all of them when undefined. */
  run(targets: Targets, pattern: string | undefined): Promise<readonly Outcome[]>;
}

/** One language. */
export interface Suite {
  readonly name: SuiteName;
  /** What is run, for the headline of its table. */
  readonly title: string;
  /** What has to be installed. */
  readonly needs: string;
  /** Builds the cases; undefined when something is not installed. */
  build(): Promise<Cases | undefined>;
}

/** The outcomes of one suite. */
export interface SuiteOutcomes {
  readonly suite: Suite;
  readonly outcomes: readonly Outcome[];
}
