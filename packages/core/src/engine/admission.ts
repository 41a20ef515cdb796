import { HoldfastError } from '@holdfast/protocol';
import type { CallContext } from '../call-context.ts';
import type { Clock } from '../environment.ts';
import { notStarted } from './errors.ts';

interface AdmissionDependencies {
  readonly clock: Clock;
  readonly maxQueuedWrites: number;
  /** Number of writes that wait for the store. */
  readonly queuedWrites: () => number;
}

/**
 * Which requests a node accepts: from its start until it drains, in time, and within its bounds.
 */
export class Admission {
  readonly #d: AdmissionDependencies;
  #started = false;
  #retiring = false;
  #draining = false;

  constructor(dependencies: AdmissionDependencies) {
    this.#d = dependencies;
  }

  /** Whether load balancers are to stop using this node. */
  get isRetiring(): boolean {
    return this.#retiring;
  }

  /** From now on requests are accepted. */
  start(): void {
    this.#started = true;
  }

  /** From now on the node is not ready, although it still accepts requests. */
  retire(): void {
    this.#retiring = true;
  }

  /** From now on no new work is accepted. */
  drain(): void {
    this.#draining = true;
  }

  /** Time until the caller's deadline; infinite without one. */
  leftMs({ deadlineMs }: CallContext): number {
    return deadlineMs === undefined ? Infinity : Math.max(0, deadlineMs - this.#d.clock.monotonicMs());
  }

  /** A request whose deadline has passed is not started. A started one is reported as it ends. */
  assertInTime(context: CallContext, gid?: string): void {
    if (context.deadlineMs !== undefined && this.leftMs(context) === 0) throw notStarted(gid);
  }

  /** Before this node has a session it does not know engine time. */
  assertStarted(): void {
    if (!this.#started) throw new HoldfastError('unavailable', 'this node has not started yet; retry');
  }

  assertAccepting(): void {
    this.assertStarted();
    if (this.#draining) throw new HoldfastError('unavailable', 'this node is shutting down; retry on another node');
    const { maxQueuedWrites, queuedWrites } = this.#d;
    if (queuedWrites() >= maxQueuedWrites)
      throw new HoldfastError('overloaded', `${maxQueuedWrites} writes wait for the store; retry later`);
  }
}
