import { setTimeout as delay } from 'node:timers/promises';
import { BranchFailure, xaName } from '@holdfast/protocol';
import type { Barrier, BarrierOutcome, BranchKey } from '../barrier/barrier.ts';
import { createBarrier } from '../barrier/create-barrier.ts';
import type { IsolationLevel } from '../barrier/pg-dialect.ts';
import type { BarrierRow } from '../barrier/dialect.ts';
import { rowsOf } from '../barrier/rows.ts';
import { checkedLockTimeout } from '../lock-timeout.ts';
import { XaLockTimeout, XaUndecided } from './errors.ts';
import { GrpcRegistration } from './grpc-registration.ts';
import { coordinatorRoot, registerXaBranch } from './registration.ts';
import type { XaConnection, XaDialect, XaEnd } from './xa-dialect.ts';

/** A call at the URL of an XA branch, as `branch` of a framework passes it. */
export interface XaCall extends BranchKey {
  /** Contains `dtm` and `phase2_url` for an action. */
  readonly query?: URLSearchParams;
}

export interface XaOptions {
  /** The barrier's table; see the options of the barrier in this database. */
  readonly table?: string;
  /**
   * The coordinator at which actions are registered, such as `http://coordinator:36789`, or over
   * gRPC `grpc://coordinator:36790`. Default:
   * the coordinator that the call names, but only at a loopback address: otherwise any client of
   * this participant could make it send requests to any address. Omit it for transactions of an
   * `embed()`, whose coordinator is not reachable: its initiator has registered the branch.
   */
  readonly coordinator?: string;
  /**
   * Isolation of the actions. Default: the session's. Avoid `serializable` in PostgreSQL: as long
   * as an action is prepared, transactions that may conflict with it fail repeatedly.
   */
  readonly isolation?: IsolationLevel;
  /**
   * How long a statement of the action waits for a lock, in ms; after that the branch fails
   * (`XaLockTimeout`): the transaction that holds the lock may be prepared, and no database detects
   * a deadlock between prepared transactions. A shorter lock timeout of the session stays. In MySQL
   * and MariaDB the value is rounded up to whole seconds. Default: 2,000, less than the default
   * timeout of a call, 3 s. 0: only the database's limit applies.
   */
  readonly lockTimeoutMs?: number;
}

const LOCK_TIMEOUT_MS = 2_000;

/**
 * The participant's side of XA. For `branch` it is a barrier: at one URL it carries out action,
 * commit and rollback, and only the action runs the handler.
 *
 *     const xa = postgresXa(pool);
 *     app.post('/xa/debit', branch(xa, (call, tx) => tx.query('update …'), { of: debit }));
 *
 * `run` throws a `BranchFailure` for an action whose branch was rolled back before, or that waited
 * too long for a lock (`XaLockTimeout`), `XaUndecided` if only a later call can determine the
 * outcome, and `XaUnusable`. The other methods are those of the barrier in the same database.
 */
export type XaParticipant<Tx> = Barrier<Tx>;

/**
 * How long one call waits for other calls in progress for the same branch; less than the time for
 * which a coordinator waits for a response.
 */
const PATIENCE_MS = 2_000;
const PAUSE_MS = 20;

/**
 * X1  The action's row of the barrier is inserted in the XA transaction before its work, so that
 *     one action works at a time, and no action works once the row exists.
 * X2  The branch is registered with the coordinator before it is prepared, so that the coordinator
 *     ends every prepared transaction.
 * X3  A rollback is successful only if the action's row exists, with the rollback as its reason,
 *     and nothing is prepared: a late action finds the row, and a running action holds the row
 *     until it is prepared and then rolled back.
 * X4  A commit is successful only if it ended the prepared transaction, or if the action's row is
 *     visible, which only a commit can cause.
 * X5  Any other situation is an error, so the coordinator sees the result UNKNOWN and calls again.
 * X6  The names of two branches differ; see `xaName`. The previous version used names that two
 *     branches may share: a transaction with such a name is ended only for the branch whose action
 *     holds its row, while the action of no other branch holds one.
 * X7  An action waits for a lock no longer than its lock timeout, and then fails: it is rolled back
 *     before that, and so is certainly not prepared.
 */
export class DialectXa<Tx extends Open, Open> implements Barrier<Tx> {
  readonly message: Barrier<Tx>['message'];
  readonly checkBack: Barrier<Tx>['checkBack'];
  readonly #dialect: XaDialect<Tx, Open>;
  readonly #coordinator: string | undefined;
  readonly #overGrpc = new GrpcRegistration();
  readonly #lockTimeoutMs: number;
  /**
   * A branch is one XA transaction: a second use within one call would find it prepared and not run
   * its work.
   */
  readonly #used = new WeakSet<BranchKey>();

  constructor(dialect: XaDialect<Tx, Open>, { coordinator, lockTimeoutMs = LOCK_TIMEOUT_MS }: XaOptions) {
    const barrier = createBarrier(dialect.rows);
    this.message = barrier.message.bind(barrier);
    this.checkBack = barrier.checkBack.bind(barrier);
    this.#dialect = dialect;
    this.#coordinator = coordinator === undefined ? undefined : coordinatorRoot(coordinator);
    this.#lockTimeoutMs = checkedLockTimeout(lockTimeoutMs);
  }

  async run<T>(call: XaCall, work: (tx: Tx) => T | Promise<T>): Promise<BarrierOutcome<T>> {
    if (call.transType !== 'xa' && call.transType !== 'workflow')
      throw new TypeError(`A branch of xa was called for ${call.op} of a ${call.transType} transaction`);
    if (this.#used.has(call) || (call.use ?? 1) !== 1)
      throw new TypeError(`The work of an xa branch is one transaction: run it in one use`);
    this.#used.add(call);
    try {
      return await this.#run(call, work);
    } catch (thrown) {
      // Nothing is prepared, or a repetition finds it: the handler may repeat the use.
      this.#used.delete(call);
      throw thrown;
    }
  }

  async #run<T>(call: XaCall, work: (tx: Tx) => T | Promise<T>): Promise<BarrierOutcome<T>> {
    const name = xaName(call.gid, call.branchId);
    const fits = Buffer.byteLength(name) <= this.#dialect.longestNameBytes;
    const [row] = rowsOf({ ...call, op: 'action' }, 1);
    if (row === undefined) throw new TypeError('An action has one row');
    switch (call.op) {
      case 'action':
        if (!fits)
          throw new BranchFailure(
            `This database names XA transactions with ${this.#dialect.longestNameBytes} bytes at most; "${name}" is longer: choose a shorter gid`,
          );
        return this.#patiently(name, () => this.#action(call, name, row, work));
      case 'commit':
        await this.#patiently(name, () => this.#commit(name, row));
        return { ran: false, why: 'repeated' };
      case 'rollback':
        // What cannot be prepared needs no rollback.
        if (fits) await this.#patiently(name, () => this.#rollback(name, { ...row, reason: 'rollback' }));
        return { ran: false, why: 'empty' };
      default:
        throw new TypeError(`A branch of xa knows action, commit and rollback, not ${call.op}`);
    }
  }

  /** Repeats the attempt while another call for the same branch is in progress. */
  async #patiently<T>(name: string, attempt: () => Promise<T | undefined>): Promise<T> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const result = await attempt();
      if (result !== undefined) return result;
      if (performance.now() > deadline) throw new XaUndecided(`Another call is in progress for XA transaction ${name}`);
      await delay(PAUSE_MS);
    }
  }

  async #action<T>(
    call: XaCall,
    name: string,
    row: BarrierRow,
    work: (tx: Tx) => T | Promise<T>,
  ): Promise<BarrierOutcome<T> | undefined> {
    const connection = await this.#dialect.open(name);
    if (connection === undefined) return this.#preparedBefore(name);
    let claim: 'inserted' | 'there' | 'taken' | undefined;
    try {
      claim = await this.#claim(connection, row);
      if (claim === 'inserted') {
        const value = await work(connection.tx);
        await registerXaBranch(call, this.#coordinator, this.#overGrpc);
        await connection.prepare();
        return { ran: true, value };
      }
    } catch (error) {
      await connection.rollback();
      throw claim === 'inserted' && this.#dialect.isBlocked(error) ? this.#lockTimeout(name, error) : error;
    }
    await connection.rollback();
    return claim === 'there' ? this.#doneBefore(name, row) : this.#preparedBefore(name);
  }

  #lockTimeout(name: string, cause: unknown): XaLockTimeout {
    const why = `its action waited longer for a lock than its lock timeout: another transaction, perhaps a prepared one, holds a row that it needs`;
    return new XaLockTimeout(`XA transaction ${name} was rolled back, since ${why}`, { cause });
  }

  /** `taken`: another transaction has inserted the row and is still open. */
  async #claim(connection: XaConnection<Tx>, row: BarrierRow): Promise<'inserted' | 'there' | 'taken'> {
    try {
      return await this.#insert(connection.tx, row, this.#lockTimeoutMs);
    } catch (error) {
      if (this.#isTaken(error)) return 'taken';
      throw error;
    }
  }

  async #insert(tx: Tx, row: BarrierRow, laterMs = 0): Promise<'inserted' | 'there'> {
    const [inserted] = await this.#dialect.withShortWaits(tx, laterMs, () =>
      this.#dialect.rows.insertMissing(tx, [row]),
    );
    return inserted === true ? 'inserted' : 'there';
  }

  async #preparedBefore(name: string): Promise<{ ran: false; why: 'repeated' } | undefined> {
    return (await this.#dialect.isPrepared(name)) ? { ran: false, why: 'repeated' } : undefined;
  }

  async #doneBefore(name: string, row: BarrierRow): Promise<{ ran: false; why: 'repeated' } | undefined> {
    const reason = await this.#reason(row);
    if (reason === 'blocked') return undefined;
    if (reason === 'rollback') throw new BranchFailure(`XA transaction ${name} was rolled back before its action came`);
    return { ran: false, why: 'repeated' };
  }

  async #commit(name: string, row: BarrierRow): Promise<true | undefined> {
    const ended = await this.#dialect.end(name, 'commit');
    if (ended === 'ended') return true;
    if (ended === 'busy') return undefined;
    const reason = await this.#reason(row);
    if (reason === 'action') return true;
    if (reason !== 'rollback' && (await this.#endOfEarlierVersion(row, 'commit', reason === 'blocked'))) return true;
    if (reason === 'blocked') return undefined;
    throw new XaUndecided(
      reason === undefined
        ? `XA transaction ${name} can not be committed now: it is neither prepared nor committed, or its connection is still being closed`
        : `XA transaction ${name} can not be committed: it was rolled back`,
    );
  }

  async #rollback(name: string, row: BarrierRow): Promise<true | undefined> {
    if ((await this.#dialect.end(name, 'rollback')) === 'busy') return undefined;
    try {
      if ((await this.#dialect.rows.transaction((tx) => this.#insert(tx, row))) === 'inserted') return true;
    } catch (error) {
      if (!this.#isTaken(error)) throw error;
      const ended = await this.#endOfEarlierVersion({ ...row, reason: 'action' }, 'rollback', true);
      return ended ? this.#rollback(name, row) : undefined;
    }
    const reason = await this.#reason(row);
    if (reason === 'rollback') return true;
    if (reason === 'blocked') return undefined;
    throw new XaUndecided(`XA transaction ${name} can not be rolled back: it was committed`);
  }

  /**
   * X6. Ends a transaction that the previous version prepared for a branch whose ID has a hyphen:
   * its name may be that of another branch as well. The transaction that has the name holds the row
   * of its branch's action.
   *
   * @param isHeld whether an open transaction is known to hold this branch's row; false: to be
   *   checked
   */
  async #endOfEarlierVersion(row: BarrierRow, how: XaEnd, isHeld: boolean): Promise<boolean> {
    const name = `${row.gid}-${row.branchId}`;
    if (name === xaName(row.gid, row.branchId) || !(await this.#dialect.isPrepared(name))) return false;
    if (!isHeld && (await this.#isFree(row))) return false;
    for (let at = name.indexOf('-'); at >= 0; at = name.indexOf('-', at + 1)) {
      const [gid, branchId] = [name.slice(0, at), name.slice(at + 1)];
      if (gid === row.gid || gid === '' || branchId === '') continue;
      if (!(await this.#isFree({ ...row, gid, branchId }))) return false;
    }
    return (await this.#dialect.end(name, how)) === 'ended';
  }

  /** Whether no transaction has inserted the row, committed or not. */
  async #isFree(row: BarrierRow): Promise<boolean> {
    const free = new Error('rolled back on purpose');
    try {
      await this.#dialect.rows.transaction(async (tx) => {
        if ((await this.#insert(tx, row)) === 'inserted') throw free;
      });
      return false;
    } catch (error) {
      if (error === free) return true;
      if (this.#isTaken(error)) return false;
      throw error;
    }
  }

  /** The reason of the action's row; `blocked`: the row belongs to an open transaction. */
  async #reason(row: BarrierRow): Promise<string | undefined> {
    const { rows } = this.#dialect;
    try {
      return await rows.transaction((tx) => this.#dialect.withShortWaits(tx, 0, () => rows.readReason(tx, row)));
    } catch (error) {
      if (this.#isTaken(error)) return 'blocked';
      throw error;
    }
  }

  #isTaken(error: unknown): boolean {
    return this.#dialect.isBlocked(error) || this.#dialect.rows.lostAgainstAnother(error);
  }
}
