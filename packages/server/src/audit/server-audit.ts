import { AuditLog, AuditRecorder, type CallHooks } from '@holdfast/api';
import type { Coordinator } from '@holdfast/core';
import type { Store } from '@holdfast/core/store';
import type { ServerConfig } from '../config/options.ts';
import type { Log } from '../logs/log.ts';

/** Interval at which a node deletes old entries. */
const PRUNE_MS = 3_600_000;

/** The audit log of a server: its hooks, and the deletion of old entries. */
export interface ServerAudit {
  readonly log: AuditLog;
  hooksOf(coordinator: Coordinator, node: string): Pick<CallHooks, 'audit' | 'recorder'>;
  /** Ends the deletion of old entries. */
  stop(): void;
}

/** Undefined if nothing is recorded. */
export function auditOf(
  store: Store,
  { audit, auditRetention, auditMaxEntries }: ServerConfig,
  logger: Log,
  isProtected: boolean,
): ServerAudit | undefined {
  if (audit === 'off' || (audit === 'auto' && !isProtected)) return undefined;
  const log = new AuditLog({ store, logger, retentionMs: auditRetention, maxEntries: auditMaxEntries });
  const timer = setInterval(() => void log.prune(), PRUNE_MS).unref();
  return {
    log,
    hooksOf: (coordinator, node) => {
      const recorder = new AuditRecorder({ log, coordinator, logger, node });
      return { audit: (entry) => recorder.denied(entry), recorder };
    },
    stop: () => clearInterval(timer),
  };
}
