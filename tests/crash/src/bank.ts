import { Barrier } from './barrier.ts';
import {
  openLines,
  readLines,
  type Caller,
  type ResponseLine,
  type Effect,
  type JournalLine,
  type LineWriter,
  type OpId,
} from './journal.ts';
import { existsSync } from 'node:fs';

/**
 * The participants' data: a journal, and the barrier's index over it. Every method is one local
 * transaction: a line in the journal, then the index.
 */
export class Bank {
  readonly #journal: LineWriter<JournalLine>;
  readonly #barrier = new Barrier();
  readonly #calls = new Map<string, number>();

  /** Opens the journal, with what earlier processes left in it. */
  constructor(journalPath: string) {
    if (existsSync(journalPath)) for (const { line } of readLines<JournalLine>(journalPath)) this.#index(line);
    this.#journal = openLines(journalPath);
  }

  /** Records an incoming call. Returns its ordinal number among the calls of its op. */
  called(call: OpId, madeFor: string, caller: Caller): number {
    this.#write({ kind: 'call', ...call, madeFor, ...caller, atMs: Date.now() });
    return this.#calls.get(callKey(call)) ?? 0;
  }

  /** Records a call that was rejected because its signature is missing or wrong. */
  unverified(call: OpId, reason: string, caller: Caller): void {
    this.#write({ kind: 'unverified', ...call, reason, ...caller, atMs: Date.now() });
  }

  /** Records the response to a call. */
  responded(call: OpId, result: ResponseLine['result'], { from }: Caller): void {
    this.#write({ kind: 'response', ...call, result, from, atMs: Date.now() });
  }

  /** One op of one branch behind the barrier. */
  apply(call: OpId, effect: Effect): void {
    const { skipped, rows } = this.#barrier.enter(call);
    this.#write({ kind: 'commit', ...call, rows, skipped, effect: skipped === '' ? effect : null });
  }

  /** The local transaction of a message's sender. False: it may not commit (any more). */
  commitLocal(call: OpId, effect: Effect): boolean {
    const row = this.#barrier.enterLocal(call.gid);
    if (row !== undefined) this.#write({ kind: 'commit', ...call, rows: [row], skipped: '', effect });
    return row !== undefined;
  }

  /**
   * The coordinator's check-back: whether the sender committed. If not, the sender can never commit
   * afterwards.
   */
  checkLocal(call: OpId): boolean {
    const row = this.#barrier.checkLocal(call.gid);
    if (row !== undefined) this.#write({ kind: 'commit', ...call, rows: [row], skipped: 'empty', effect: null });
    return this.#barrier.localCommitted(call.gid);
  }

  close(): void {
    this.#journal.close();
  }

  #write(line: JournalLine): void {
    this.#journal.append(line);
    this.#index(line);
  }

  #index(line: JournalLine): void {
    if (line.kind === 'commit') this.#barrier.committed(line.rows);
    if (line.kind === 'call') this.#calls.set(callKey(line), (this.#calls.get(callKey(line)) ?? 0) + 1);
  }
}

function callKey(call: OpId): string {
  return JSON.stringify([call.gid, call.branchId, call.op]);
}
