import { Committer } from '../../../src/engine/committer.ts';
import { Commands } from '../../../src/engine/commands.ts';
import type { Delivery, Reply } from '../../../src/engine/delivery.ts';
import type { Saboteur } from './saboteur.ts';

/** A callback that the engine owes one call. */
interface Owed {
  readonly what: string;
  calls: number;
}

/**
 * Counts the calls of each reply (E4) and of each callback of a write (G4), and makes the
 * saboteur's choice throw.
 */
export class ReplyLedger {
  readonly #saboteur: Saboteur;
  readonly #owed: Owed[] = [];
  /** A delivery that goes back to the store passes twice. */
  readonly #known = new WeakSet<Reply>();

  constructor(saboteur: Saboteur) {
    this.#saboteur = saboteur;
  }

  /** Those that were not called exactly once. */
  get violations(): readonly string[] {
    return this.#owed.filter(({ calls }) => calls !== 1).map(({ what, calls }) => `${what}: ${calls} calls`);
  }

  delivery(gid: string, delivery: Delivery): Delivery {
    const { reply } = delivery;
    if (reply === undefined || this.#known.has(reply)) return delivery;
    const owed = this.#owe(`${delivery.event.kind} ${gid}`);
    const watched: Reply = {
      wholePass: reply.wholePass,
      done: (transaction) => this.#call('reply.done', owed, () => reply.done(transaction)),
      failed: (error) => this.#call('reply.failed', owed, () => reply.failed(error)),
    };
    this.#known.add(watched);
    return { ...delivery, reply: watched };
  }

  write<R>(id: string, done: (result: R) => void): (result: R) => void {
    const owed = this.#owe(`write of ${id}`);
    return (result) => this.#call('write.done', owed, () => done(result));
  }

  #owe(what: string): Owed {
    const owed = { what, calls: 0 };
    this.#owed.push(owed);
    return owed;
  }

  #call(name: string, owed: Owed, call: () => void): void {
    owed.calls++;
    this.#saboteur.call(name, call);
  }
}

/** Has all engines report to the ledger that `current` returns. Returns how to end that. */
export function watchReplies(current: () => ReplyLedger): () => void {
  const create = methodOf(Commands.prototype, 'create');
  const command = methodOf(Commands.prototype, 'command');
  const enqueue = methodOf(Committer.prototype, 'enqueue');
  Commands.prototype.create = function watched(fresh, group, delivery) {
    create.call(this, fresh, group, current().delivery(fresh.key.gid, delivery));
  };
  Commands.prototype.command = function watched(key, delivery) {
    command.call(this, key, current().delivery(key.gid, delivery));
  };
  Committer.prototype.enqueue = function watched(item, id, persistent, done) {
    enqueue.call(this, item, id, persistent, current().write(id, done));
  };
  return () => {
    Object.assign(Commands.prototype, { create, command });
    Object.assign(Committer.prototype, { enqueue });
  };
}

const methodOf = <T extends object, K extends keyof T>(prototype: T, name: K): T[K] => prototype[name];
