import { randomBytes } from 'node:crypto';
import type { Logger } from '@holdfast/core';
import type { Store } from '@holdfast/core/store';
import { HoldfastError, logTextOfThrown } from '@holdfast/protocol';
import { AuditStore } from './audit-store.ts';
import { type AuditFields, CHAIN_START, type ChainPoint, sealed } from './chain.ts';
import { within } from './within.ts';

export interface AuditLogOptions {
  readonly store: Store;
  readonly logger: Logger;
  /** How long entries are kept; 0: forever. */
  readonly retentionMs: number;
  /** Number of entries at which further actions are rejected. */
  readonly maxEntries: number;
}

/** What an entry contains besides its place and its time. */
export type NewEntry = Omit<AuditFields, 'atMs'> & Pick<AuditFields, 'kind'>;

/**
 * Whether the log must have room for an entry: `needed` for that of a submitter, `reserve` for that
 * of an operator; `none` for what has happened already.
 */
export type Room = 'none' | 'reserve' | 'needed';

/** For how long an entry waits for a store that takes none. */
const APPEND_MS = 5_000;
const TOO_SLOW = 'the audit log cannot be written: the store did not respond in time';

/** Appends of this node that may wait for one another. */
const MOST_WAITING = 1_000;
/** Nodes that append at once delay each other; each round, one of them succeeds. */
const MOST_ROUNDS = 200;
/**
 * How long a node trusts its memory of the last entry. Less than the shortest retention: a number
 * must not be used again after its entry was deleted.
 */
const HEAD_VALID_MS = 10 * 60_000;
/** The part of the log that is kept free for operators, so that no other caller can fill it. */
const RESERVE = 0.1;
const PRUNED_AT_ONCE = 500;
const PRUNE_PASSES = 20;

/**
 * The audit log of a store: append-only, chained by hashes (`chain.ts`), written by all nodes.
 *
 * A1  `append` resolves only when the entry is durable, as far as the store is.
 * A2  An entry continues the entry with the number before: the key of a number is created once.
 * A3  The time of an entry is the store's, and never earlier than that of the entry before.
 * A4  Entries are deleted from the beginning only, by age only. First an entry `pruned` names the
 *     last one and its hash, then the anchor moves there, then they are deleted: a crash in between
 *     leaves entries before the anchor, which the next pass deletes.
 */
export class AuditLog {
  readonly stored: AuditStore;
  readonly #options: AuditLogOptions;
  #head: { readonly point: ChainPoint; readonly atMs: number; readonly knownMs: number } | undefined;
  #anchor: ChainPoint = CHAIN_START;
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  /** When the store last took an entry. */
  #takenMs = -Infinity;

  constructor(options: AuditLogOptions) {
    this.#options = options;
    this.stored = new AuditStore(options.store);
  }

  /**
   * Appends an entry; resolves to its number.
   *
   * @param room whether the log must have room: for an action, before it is carried out
   * @throws {HoldfastError} `unavailable` or `overloaded`; the entry is not stored, or its outcome
   *   is unknown
   */
  append(entry: NewEntry, room: Room = 'none'): Promise<number> {
    if (this.#waiting >= MOST_WAITING)
      return Promise.reject(new HoldfastError('overloaded', 'too many actions wait for the audit log; retry later'));
    this.#waiting++;
    const deadlineMs = performance.now() + APPEND_MS;
    const appended = this.#tail.then(() => this.#appendUntil(deadlineMs, entry, room));
    this.#tail = appended.then(
      () => this.#waiting--,
      () => this.#waiting--,
    );
    return appended;
  }

  /** The last entry. */
  async head(): Promise<ChainPoint> {
    const anchor = await this.stored.anchor();
    const known = this.#head?.point;
    return this.stored.head(known !== undefined && known.sequence >= anchor.sequence ? known : anchor);
  }

  /** Deletes entries that are older than the retention. Never rejects. */
  async prune(): Promise<void> {
    if (this.#options.retentionMs === 0) return;
    try {
      for (let pass = 0; pass < PRUNE_PASSES; pass++) if (!(await this.#pruneSome())) return;
    } catch (error) {
      this.#options.logger.warn(
        { error: logTextOfThrown(error) },
        'old entries of the audit log could not be deleted; the node tries again within the hour',
      );
    }
  }

  /** A store that does not respond must not make later entries wait for ever. */
  async #appendUntil(deadlineMs: number, entry: NewEntry, room: Room): Promise<number> {
    try {
      // A store that is only slow takes one entry after the other.
      const leftMs = Math.max(deadlineMs, this.#takenMs + APPEND_MS) - performance.now();
      // Its turn has come too late: the action is rejected, and has no entry.
      if (leftMs <= 0) throw new HoldfastError('unavailable', TOO_SLOW);
      return await within(leftMs, this.#append(entry, room), TOO_SLOW);
    } catch (error) {
      this.#head = undefined;
      if (error instanceof HoldfastError) throw error;
      throw new HoldfastError('unavailable', `the audit log cannot be written: ${logTextOfThrown(error)}`, {
        cause: error,
      });
    }
  }

  async #append(entry: NewEntry, room: Room): Promise<number> {
    const nowMs = await this.stored.nowMs();
    let head = await this.#knownHead();
    if (room !== 'none') await this.#requireRoom(head.point, room);
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const atMs = Math.max(nowMs, head.atMs);
      const { line, point } = sealed(head.point, { id: randomBytes(8).toString('hex'), atMs, ...entry });
      if ((await this.stored.create(point.sequence, line)) === 'applied') {
        this.#takenMs = performance.now();
        this.#head = { point, atMs, knownMs: this.#takenMs };
        return point.sequence;
      }
      head = await this.#findHead(head.point);
    }
    throw new HoldfastError('unavailable', 'too many nodes write to the audit log at once; retry');
  }

  async #knownHead() {
    if (this.#head !== undefined && performance.now() - this.#head.knownMs < HEAD_VALID_MS) return this.#head;
    this.#anchor = await this.stored.anchor();
    return this.#findHead(this.#anchor);
  }

  async #findHead(from: ChainPoint) {
    const knownMs = performance.now();
    const { sequence, hash } = await this.stored.head(from);
    const entry = sequence === 0 ? undefined : await this.stored.read(sequence);
    return (this.#head = { point: { sequence, hash }, atMs: entry?.fields.atMs ?? 0, knownMs });
  }

  async #requireRoom({ sequence }: ChainPoint, room: 'reserve' | 'needed'): Promise<void> {
    const { maxEntries } = this.#options;
    const most = room === 'reserve' ? maxEntries : Math.floor(maxEntries * (1 - RESERVE));
    if (sequence - this.#anchor.sequence < most) return;
    this.#anchor = await this.stored.anchor();
    if (sequence - this.#anchor.sequence < most) return;
    throw new HoldfastError(
      'unavailable',
      `the audit log is full: it has ${sequence - this.#anchor.sequence} entries, and the limit is ${maxEntries}; ` +
        'export it, then raise --audit-max-entries or shorten --audit-retention',
    );
  }

  /** Returns whether there may be more to delete. */
  async #pruneSome(): Promise<boolean> {
    const anchor = await this.stored.anchor();
    await this.#deleteThrough(anchor.sequence);
    const untilMs = (await this.stored.nowMs()) - this.#options.retentionMs;
    const first = await this.stored.read(anchor.sequence + 1);
    if (first === undefined || first.fields.atMs > untilMs) return false;
    const sequences = Array.from({ length: PRUNED_AT_ONCE }, (_, n) => anchor.sequence + 1 + n);
    const found = await this.stored.readAll(sequences);
    const end = found.findIndex((entry) => entry === undefined || entry.fields.atMs > untilMs);
    const last = found[(end < 0 ? found.length : end) - 1];
    if (last === undefined) return false;
    await this.append({ kind: 'pruned', through: last.sequence, throughHash: last.hash });
    if (!(await this.stored.moveAnchor(anchor, last))) return false;
    await this.#deleteThrough(last.sequence);
    this.#options.logger.info({ through: last.sequence }, 'old entries of the audit log were deleted');
    return end < 0;
  }

  /** Deletes the entries up to a number, oldest first; a pass that crashed left the newest ones. */
  async #deleteThrough(sequence: number): Promise<void> {
    let first = sequence + 1;
    while (first > 1 && (await this.stored.has(first - 1))) first--;
    for (let each = first; each <= sequence; each++) await this.stored.remove(each);
  }
}
