import type { Logger } from '@holdfast/core';
import type { HoldfastError } from '@holdfast/protocol';

/** The engine's logger, which also says whether debug lines are wanted at all: making their fields costs in the hot path. */
export interface Log extends Logger {
  readonly debugs: boolean;
}

/** Writes nothing. */
export const SILENT: Log = { debugs: false, debug() {}, info() {}, warn() {}, error() {} };

/** An error that no code foresees, with where it came from: its caller is told only that it is here. */
export function logDefect(log: Log, route: string, error: HoldfastError): void {
  const { gid, cause } = error;
  log.error({ ...(gid !== undefined && { gid }), route, err: cause ?? error }, 'a request failed by a defect');
}
