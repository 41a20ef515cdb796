import { isFinal } from '@holdfast/protocol';
import type { StoredTransaction } from '@holdfast/core/store';
import type { Counters } from '../counters.ts';
import type { World } from '../kernel/world.ts';
import { type Case, nameOf } from '../parts/case.ts';
import type { Profile } from '../profile.ts';
import type { Checker } from './checker.ts';

interface HeartbeatWatchDependencies {
  readonly world: World;
  readonly checker: Checker;
  readonly counters: Counters;
  readonly profile: Profile;
}

/**
 * Share of the interval for which an acknowledged heartbeat keeps the callback away: one soon after
 * another is not stored (1/6), and clocks drift.
 */
const SHARE_KEPT_AWAY = 0.7;

/** What the store had of a workflow when a heartbeat reached a node. */
export interface Arrival {
  readonly atMs: number;
  readonly record: StoredTransaction | undefined;
}

/** Judges the heartbeats of workflows, and the callbacks that follow them. */
export class HeartbeatWatch {
  readonly #d: HeartbeatWatchDependencies;

  constructor(dependencies: HeartbeatWatchDependencies) {
    this.#d = dependencies;
  }

  arrived({ record }: Case): Arrival {
    return { atMs: this.#d.world.nowMs, record };
  }

  acknowledged(one: Case, { atMs, record }: Arrival, intervalMs: number): void {
    const { checker, counters } = this.#d;
    counters.count('heartbeats of workflows');
    if (!this.#readsLatest) return;
    const gid = nameOf(one.key);
    const now = one.record;
    if (record === undefined || now === undefined) return;
    // A node that has not seen the end yet may acknowledge it.
    checker.expect(
      !isFinal(record.status) || now.version === record.version,
      'CB2',
      gid,
      () => `a heartbeat changed a workflow that was ${record.status}`,
    );
    checker.expect(
      !isParked(record) || isParked(now) || wasCommanded(one) || isFinal(now.status),
      'CB2',
      gid,
      () => 'a heartbeat made a parked workflow due',
    );
    // A node that is calling the workflow back does not store the heartbeat.
    if (record.owner !== null || now.owner !== null || isParked(now) || isFinal(now.status)) return;
    counters.count('heartbeats that postponed a callback');
    one.noCallbackBeforeMs = atMs + intervalMs * SHARE_KEPT_AWAY;
  }

  /** A node starts the callback. */
  calledBack(one: Case): void {
    const { world, checker } = this.#d;
    if (wasCommanded(one) || !this.#clocksAgree) return;
    checker.expect(
      world.nowMs >= one.noCallbackBeforeMs,
      'CB1',
      nameOf(one.key),
      () => `called back ${Math.round(one.noCallbackBeforeMs - world.nowMs)} ms too early after a heartbeat`,
    );
  }

  /** Otherwise a node may act on a version of the record that it should not see any more. */
  get #readsLatest(): boolean {
    return this.#d.profile.store.stale === 0;
  }

  /** Engine time of each node is about that of the store, also after it was set. */
  get #clocksAgree(): boolean {
    const { store, nodeFaults, clockFaults } = this.#d.profile;
    return clockFaults.store === 0 && nodeFaults.pauses === 0 && store.outages === 0 && store.outcomeUnknown === 0;
  }
}

const isParked = ({ attention, dueAtMs, owner, status }: StoredTransaction): boolean =>
  attention && dueAtMs === null && owner === null && !isFinal(status);

/** An operator's command makes a callback due at once. */
const wasCommanded = ({ requested, madeDue }: Case): boolean =>
  madeDue || requested.has('retry') || requested.has('abort-order') || requested.has('stop');
