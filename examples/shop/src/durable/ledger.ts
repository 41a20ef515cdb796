import { Journal } from './journal.ts';

/** What identifies a call of the coordinator. */
export interface BranchCall {
  readonly gid: string;
  readonly branchId: string;
  readonly op: string;
}

/** One line of a service's journal: which calls it settles, and what they changed. */
interface Entry<Effect> {
  readonly settles?: readonly string[];
  readonly effect?: Effect;
}

/**
 * A service's state: everything its journal says, in order. Changes are made one at a time.
 *
 * Every change for the coordinator goes through a **barrier**, because a coordinator that crashed,
 * or whose call timed out, calls again; it may undo what never happened; and a call that was
 * delayed on the way may arrive after its own undoing. The rule, for (gid, branch, op):
 *
 * - seen before: repeated, or late. Nothing happens, and it is a success.
 * - a compensation of an action that was never seen: nothing to undo. Both are noted, so that the
 *   action is taken for late if it still comes.
 * - otherwise the change is made, and noted **in the same line** of the journal as the call. Either
 *   both survive a crash or neither does.
 *
 * What a service refuses is not noted: its compensation will come and find nothing to undo.
 *
 * A real service does this in its own database: a row with a unique key, in the same transaction as
 * the change, deleted after some weeks. This one remembers every call forever, which is only fit
 * for a demo.
 */
export class Ledger<State, Effect> {
  readonly #journal: Journal<Entry<Effect>>;
  readonly #apply: (state: State, effect: Effect) => State;
  readonly #settled = new Set<string>();
  #state: State;
  /** The change that is being made: the next one waits for it. */
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
   * Makes a change for the coordinator, once however often it is called.
   *
   * @param decide says what changes, or throws: then nothing does
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

  /** Makes a change of the service's own. */
  async record(decide: (state: State) => Effect | undefined): Promise<void> {
    await this.#inTurn(async () => {
      const effect = decide(this.#state);
      if (effect !== undefined) await this.#commit({ effect });
    });
  }

  /** After the change that is being made. */
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
