import { Journal } from './journal.ts';

/** The identity of a branch call. */
export interface BranchCall {
  readonly gid: string;
  readonly branchId: string;
  readonly op: string;
}

/** One line of a service's journal: the calls that it settles, and their effect. */
interface Entry<Effect> {
  readonly settles?: readonly string[];
  readonly effect?: Effect;
}

/**
 * A service's state: the entries of its journal, applied in order. Changes are made one at a time.
 *
 * Every change for the coordinator goes through a **barrier**: a coordinator that crashed, or whose
 * call timed out, repeats the call; it may compensate an action that never ran; and a delayed call
 * may arrive after its compensation. The rule, for (gid, branch, op):
 *
 * - A repeated or dangling call changes nothing, and succeeds.
 * - An empty compensation changes nothing. Both the compensation and its action are recorded, so
 *   that an action that arrives later is recognised as dangling.
 * - Any other call makes its change, and is recorded **in the same line** of the journal. Either
 *   both survive a crash or neither does.
 *
 * A rejected call is not recorded: its compensation will be an empty one.
 *
 * A real service does this in its own database: a row with a unique key, in the same transaction as
 * the change, deleted after some weeks. This ledger remembers every call forever, which is only
 * acceptable in a demo.
 */
export class Ledger<State, Effect> {
  readonly #journal: Journal<Entry<Effect>>;
  readonly #apply: (state: State, effect: Effect) => State;
  readonly #settled = new Set<string>();
  #state: State;
  /** The change in progress; the next one waits for it. */
  #last: Promise<void> = Promise.resolve();

  private constructor(journal: Journal<Entry<Effect>>, initial: State, apply: (state: State, effect: Effect) => State) {
    this.#journal = journal;
    this.#state = initial;
    this.#apply = apply;
  }

  static async open<State, Effect>(
    path: string,
    initial: State,
    apply: (state: State, effect: Effect) => State,
  ): Promise<Ledger<State, Effect>> {
    const { journal, entries } = await Journal.open<Entry<Effect>>(path);
    const ledger = new Ledger(journal, initial, apply);
    for (const entry of entries) ledger.#take(entry);
    return ledger;
  }

  get state(): State {
    return this.#state;
  }

  /**
   * Makes a change for the coordinator exactly once, even if it is called repeatedly.
   *
   * @param decide returns the change, or throws to reject the call without a change
   */
  async settle(call: BranchCall, decide: (state: State) => Effect): Promise<void> {
    await this.#inTurn(async () => {
      const key = keyOf(call, call.op);
      if (this.#settled.has(key)) return;
      const undone = keyOf(call, 'action');
      if (call.op === 'compensate' && !this.#settled.has(undone)) return this.#commit({ settles: [undone, key] });
      await this.#commit({ settles: [key], effect: decide(this.#state) });
    });
  }

  /** Makes a change that no branch call requested. */
  async record(decide: (state: State) => Effect | undefined): Promise<void> {
    await this.#inTurn(async () => {
      const effect = decide(this.#state);
      if (effect !== undefined) await this.#commit({ effect });
    });
  }

  /** Closes the journal after the change in progress. */
  async close(): Promise<void> {
    await this.#inTurn(() => this.#journal.close());
  }

  async #commit(entry: Entry<Effect>): Promise<void> {
    await this.#journal.append(entry);
    this.#take(entry);
  }

  #take({ settles = [], effect }: Entry<Effect>): void {
    for (const key of settles) this.#settled.add(key);
    if (effect !== undefined) this.#state = this.#apply(this.#state, effect);
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => {});
    return result;
  }
}

const keyOf = ({ gid, branchId }: BranchCall, op: string): string => `${gid} ${branchId} ${op}`;
