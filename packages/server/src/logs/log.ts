import type { Logger } from '@holdfast/core';

/** The engine's logger, which also says whether debug lines are wanted at all: making their fields costs in the hot path. */
export interface Log extends Logger {
  readonly debugs: boolean;
}

/** Writes nothing. */
export const SILENT: Log = { debugs: false, debug() {}, info() {}, warn() {}, error() {} };
