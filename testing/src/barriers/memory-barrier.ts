import { type Barrier, CommitUnknown, LocalTransactionRefused, TransactionEnded } from '@holdfast/client';

/** What happens to a commit. `ended-before`: the work has already committed implicitly. */
export type CommitFault = 'none' | 'lost-commit' | 'lost-response' | 'ended-before';

/** A database of lines with a barrier for messages, and faults on demand. */
export class MemoryBarrier implements Pick<Barrier<string[]>, 'message' | 'checkBack'> {
  /** The committed lines. */
  readonly lines: string[] = [];
  readonly rows = new Map<string, 'committed' | 'refused'>();
  /** The faults of the next commits, in order. */
  readonly faults: CommitFault[] = [];
  /** The database does not respond. */
  away = false;
  /** Commits what the current work has written so far, as a schema change does in MySQL. */
  commitNow: () => void = () => {};

  async message<T>(gid: string, work: (tx: string[]) => T | Promise<T>): Promise<T> {
    this.#assertThere();
    const written: string[] = [];
    if (this.rows.has(gid)) throw new LocalTransactionRefused(gid);
    const commit = (): void => {
      this.rows.set(gid, 'committed');
      this.lines.push(...written.splice(0));
    };
    this.commitNow = commit;
    const value = await work(written);
    if (this.rows.has(gid)) throw new LocalTransactionRefused(gid);
    const fault = this.faults.shift() ?? 'none';
    if (fault !== 'lost-commit') commit();
    if (fault === 'ended-before') throw new TransactionEnded();
    if (fault !== 'none') throw new CommitUnknown(new Error('connection lost'));
    return value;
  }

  async checkBack(gid: string): Promise<'committed' | 'refused'> {
    this.#assertThere();
    const row = this.rows.get(gid) ?? 'refused';
    this.rows.set(gid, row);
    return Promise.resolve(row);
  }

  #assertThere(): void {
    if (this.away) throw new Error('the database is away');
  }
}
