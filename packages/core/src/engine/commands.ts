import type { TransactionKey } from '@holdfast/protocol';
import type { Transaction } from '../patterns/model.ts';
import type { Entry } from '../store/store.ts';
import type { Committer } from './committer.ts';
import { forwarded } from './deliver.ts';
import type { Delivery, Reply } from './delivery.ts';
import { unavailable } from './errors.ts';
import type { Registry } from './registry.ts';
import type { Replies } from './replies.ts';
import { idOf, Run } from './run.ts';

interface CommandsDependencies {
  readonly registry: Registry;
  readonly replies: Replies;
  readonly committer: Committer;
  /** Delivers an event to a run. */
  readonly deliver: (run: Run, delivery: Delivery) => void;
  /** Reads the record of a run that has just been created. */
  readonly load: (run: Run) => void;
  /** Called when a transaction was written with this due time. */
  readonly onReleased: (dueInMs: number) => void;
}

/**
 * Brings the events of callers to the run of their transaction, which is created if this node has
 * none, or to the node that drives the transaction (E5). Has no state.
 */
export class Commands {
  readonly #d: CommandsDependencies;

  constructor(dependencies: CommandsDependencies) {
    this.#d = dependencies;
  }

  /** Creates a transaction, or delivers the event to the stored one when the gid exists. */
  create(fresh: Transaction, group: string, delivery: Delivery): void {
    const { registry, deliver } = this.#d;
    const id = idOf(fresh.key);
    deliver(registry.get(id) ?? registry.add(Run.ofNew(fresh, group, id)), delivery);
  }

  /** Delivers an event to a stored transaction. */
  command(key: TransactionKey, delivery: Delivery): void {
    const { registry, deliver, load } = this.#d;
    const id = idOf(key);
    const existing = registry.get(id);
    if (existing !== undefined) return deliver(existing, delivery);
    const run = registry.add(Run.ofStored(key, undefined, id));
    run.enqueue(delivery);
    load(run);
  }

  /** Delivers the events of callers again, from the store: their run has left memory. */
  again({ key }: Run, queue: readonly Delivery[]): void {
    for (const delivery of queue) if (delivery.reply !== undefined) this.command(key, delivery);
  }

  /** Forwards a command to the node that drives the transaction. */
  forward(transaction: Transaction, id: string, entry: Entry | undefined, reply: Reply | undefined): void {
    const { replies, committer, onReleased } = this.#d;
    if (entry === undefined) return replies.done(reply, transaction);
    committer.enqueue(forwarded(transaction, entry), id, false, (result) => {
      if (result.kind !== 'applied')
        return replies.failed(reply, unavailable(transaction.key, 'the command could not be stored; retry it'));
      onReleased(0);
      replies.done(reply, transaction);
    });
  }
}
