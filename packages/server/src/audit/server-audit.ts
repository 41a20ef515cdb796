import {
  AuditBacklog,
  AuditLog,
  AuditRecorder,
  BOOTSTRAP_ID,
  type CallHooks,
  NodeAudit,
  type RecordFirstToken,
  SettingsRecord,
  type TokenBook,
} from '@holdfast/api';
import type { Coordinator } from '@holdfast/core';
import type { Store } from '@holdfast/core/store';
import { logTextOfThrown } from '@holdfast/protocol';
import type { ServerConfig } from '../config/options.ts';
import type { Log } from '../logs/log.ts';
import type { WatchedFiles } from '../secrets/watched-files.ts';
import { auditedSettings } from './audited-settings.ts';

/** Interval at which a node deletes old entries. */
const PRUNE_MS = 3_600_000;

export interface ServerAuditParts {
  readonly store: Store;
  readonly config: ServerConfig;
  readonly log: Log;
  /** The display name of this node. */
  readonly node: string;
  readonly tokens: TokenBook;
  readonly files: WatchedFiles;
}

/** Undefined if nothing is recorded. */
export const auditOf = (parts: ServerAuditParts, isProtected: boolean): ServerAudit | undefined => {
  const { audit } = parts.config;
  return audit === 'off' || (audit === 'auto' && !isProtected) ? undefined : new ServerAudit(parts);
};

/** The audit log of a server: calls, its actions and settings, and the deletion of old entries. */
export class ServerAudit {
  readonly log: AuditLog;
  readonly #backlog: AuditBacklog;
  readonly #node: NodeAudit;
  readonly #parts: ServerAuditParts;
  readonly #timer: NodeJS.Timeout;

  constructor(parts: ServerAuditParts) {
    const { store, log: logger, node, config } = parts;
    const { auditRetention: retentionMs, auditMaxEntries: maxEntries } = config;
    this.#parts = parts;
    this.log = new AuditLog({ store, logger, retentionMs, maxEntries });
    this.#backlog = new AuditBacklog(this.log, logger);
    this.#node = new NodeAudit({ log: this.log, backlog: this.#backlog, node });
    this.#timer = setInterval(() => void this.log.prune(), PRUNE_MS).unref();
    parts.files.onReload(({ option, paths, before, after }) => {
      const on = { option, files: paths };
      void this.#node.changed('reloadFiles', { on, before: { sha256: before }, after: { sha256: after } });
    });
  }

  hooksOf(coordinator: Coordinator): Pick<CallHooks, 'audit' | 'recorder'> {
    const { log: logger, node, tokens } = this.#parts;
    const recorder = new AuditRecorder({ log: this.log, backlog: this.#backlog, coordinator, tokens, logger, node });
    return { audit: (entry) => recorder.denied(entry), recorder };
  }

  /** Records the creation of the first token of the store. */
  readonly recordFirstToken: RecordFirstToken = (create) => {
    const file = this.#parts.config.bootstrapTokenFile;
    const on = { id: BOOTSTRAP_ID, role: 'admin', ...(file !== '' && { file }) };
    return this.#node.carryOut('createBootstrapToken', on, create);
  };

  /** Records the settings of this node unless they are the last recorded ones. Never rejects. */
  async recordSettings(): Promise<void> {
    const { store, config, log } = this.#parts;
    try {
      await new SettingsRecord(store).update(auditedSettings(config), (before, after) =>
        this.#node.changed('settings', { on: {}, before, after }),
      );
    } catch (error) {
      log.error({ error: logTextOfThrown(error) }, 'the settings of this node could not be written to the audit log');
    }
  }

  /** Ends the deletion of old entries, and attempts to write entries that wait. */
  stop(): void {
    clearInterval(this.#timer);
    this.#backlog.stop();
  }
}
