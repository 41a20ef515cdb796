import type { Logger } from '@holdfast/core';
import type { HoldfastError } from '@holdfast/protocol';

/**
 * The engine's logger, with a flag whether debug lines are enabled: building their fields is costly
 * on the hot path.
 */
export interface Log extends Logger {
  readonly debugs: boolean;
}

/** Writes nothing. */
export const SILENT: Log = { debugs: false, debug() {}, info() {}, warn() {}, error() {} };

/** Logs an unexpected error with its cause; the caller is referred to this log. */
export function logDefect(log: Log, route: string, error: HoldfastError): void {
  const { gid, cause } = error;
  log.error(
    { ...(gid !== undefined && { gid }), route, err: cause ?? error },
    'a request failed because of an internal error',
  );
}
