import type { Logger } from '@holdfast/core';
import { logTextOfThrown } from '@holdfast/protocol';
import type { AuditLog, NewEntry } from './audit-log.ts';

/** Entries that wait for the store; further ones are logged and dropped. */
const MOST_WAITING = 1_000;
/** The time between two attempts. */
const RETRY_MS = 5_000;

/**
 * Appends entries about what has happened already: results of actions, and changes of settings. An
 * entry that the store does not take is tried again until it does. The log shows the outcome of the
 * action as unknown until then, and for good if the node ends before.
 */
export class AuditBacklog {
  readonly #log: AuditLog;
  readonly #logger: Logger;
  readonly #waiting: NewEntry[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(log: AuditLog, logger: Logger) {
    this.#log = log;
    this.#logger = logger;
  }

  /** Resolves after the first attempt; never rejects. */
  async add(entry: NewEntry): Promise<void> {
    try {
      await this.#log.append(entry);
    } catch (thrown) {
      this.#keep(entry, thrown);
    }
  }

  /** Entries that still wait are dropped. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #keep(entry: NewEntry, thrown: unknown): void {
    const { kind, operation, begun, result } = entry;
    const isKept = this.#waiting.length < MOST_WAITING && !this.#isStopped;
    this.#logger.error(
      { kind, operation, begun, result, error: logTextOfThrown(thrown) },
      isKept
        ? 'an entry could not be written to the audit log yet; the node tries again'
        : 'an entry could not be written to the audit log, and is lost',
    );
    if (!isKept) return;
    this.#waiting.push(entry);
    this.#retryLater();
  }

  #retryLater(): void {
    if (this.#isStopped) return;
    this.#timer ??= setTimeout(() => void this.#retry(), RETRY_MS).unref();
  }

  /** In their order; the first one that fails again ends the attempt. */
  async #retry(): Promise<void> {
    try {
      for (let [entry] = this.#waiting; entry !== undefined; [entry] = this.#waiting) {
        await this.#log.append(entry);
        this.#waiting.shift();
      }
      this.#logger.info({}, 'the entries that waited have been written to the audit log');
    } catch {
      // The store is still away: the first failure has been logged.
    }
    this.#timer = undefined;
    if (this.#waiting.length > 0) this.#retryLater();
  }
}
