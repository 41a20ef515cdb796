import { ERROR_RULES, type HoldfastError, isFinal, type Status } from '@holdfast/protocol';
import type { PassOutcome, TransactionView } from '@holdfast/core';
import { type Case, nameOf } from '../parts/case.ts';
import type { Checker } from './checker.ts';
import { type Command, isOfStore, refusalIsUnfounded } from './refusals.ts';

/** Judges a coordinator's responses, when they are given, against the store at that moment. */
export class AckWatch {
  readonly #checker: Checker;

  constructor(checker: Checker) {
    this.#checker = checker;
  }

  prepared(one: Case): void {
    one.acks.add('prepare');
    this.#stored(one, 'ACK1', 'prepare', ['prepared', 'submitted', 'aborting', 'succeed', 'failed']);
  }

  submitted(one: Case, { status, waited }: PassOutcome): void {
    one.acks.add('submit');
    this.#stored(one, 'ACK1', 'submit', ['submitted', 'aborting', 'succeed', 'failed']);
    this.statusSeen(one, waited ? 'submit with waitResult' : 'submit', status);
    // A caller that does not wait receives no status, only success or a rejection.
    this.#checker.expect(
      waited || !isRolledBack(status),
      'ACK6',
      nameOf(one.key),
      () => `a submit was acknowledged although the transaction is ${status}`,
    );
  }

  aborted(one: Case): void {
    one.acks.add('abort');
    this.#stored(one, 'ACK1', 'abort', ['aborting', 'failed']);
  }

  /**
   * An operator's abort of a saga that another node drives is a stored command that the node has
   * yet to read. The command must be kept.
   */
  abortCommanded(one: Case): void {
    one.acks.add('abort-order');
    const isStored = one.record?.entries.some((entry) => entry.key.startsWith('order:')) === true;
    const status = one.record?.status;
    this.#checker.expect(
      status === 'aborting' || status === 'failed' || (status === 'submitted' && isStored),
      'ACK1',
      nameOf(one.key),
      () => `an abort command was acknowledged, but the record is ${status ?? 'not there'}`,
    );
  }

  stopped(one: Case): void {
    one.acks.add('stop');
    this.#stored(one, 'DEC5', 'stop', ['failed']);
  }

  finished(one: Case, status: 'succeed' | 'failed'): void {
    one.acks.add(`finish-${status}`);
    this.#stored(one, 'ACK1', `finish: ${status}`, [status]);
  }

  registered(one: Case, entryKeys: readonly string[]): void {
    for (const key of entryKeys) {
      one.registered.add(key);
      const stored = one.record?.entries.some((entry) => entry.key === key) === true;
      this.#checker.expect(
        stored,
        'ACK1',
        nameOf(one.key),
        () => `the registration of ${key} was acknowledged, but is not stored`,
      );
    }
  }

  /** A client's request with its own content was rejected. */
  refused(one: Case, command: Command, error: HoldfastError): void {
    const why = refusalIsUnfounded(one, command, error);
    this.#checker.expect(
      why === undefined,
      'ACK6',
      nameOf(one.key),
      () => `${command} was rejected (${error.code}: ${error.message}), but ${why}`,
    );
  }

  /** A request that contradicts the transaction was acknowledged. */
  contradicted(one: Case, what: string): void {
    this.#checker.violate('ACK6', nameOf(one.key), `${what} was acknowledged`);
  }

  /**
   * A request that contradicts the transaction was rejected, with one of the codes on which a
   * caller can act.
   */
  contradictionRefused(one: Case, what: string, error: HoldfastError): void {
    this.#checker.expect(
      ERROR_RULES[error.code].dtm === 'FAILURE' || isOfStore(error),
      'ACK6',
      nameOf(one.key),
      () => `${what} was rejected as ${error.code}: ${error.message}`,
    );
  }

  /** A repetition of the transaction's submission; `before`: the status when it arrived. */
  repeated(one: Case, outcome: PassOutcome, before: Status | undefined): void {
    this.submitted(one, outcome);
    this.#checker.expect(
      (before !== 'aborting' && before !== 'failed') || isRolledBack(outcome.status),
      'ACK6',
      nameOf(one.key),
      () => `a repeated submit was acknowledged as ${outcome.status}, but the record was ${before} before`,
    );
  }

  /** A view of a transaction: a final status in it must be final in the store. */
  seen(one: Case, view: TransactionView): void {
    this.statusSeen(one, 'a query', view.status);
  }

  statusSeen(one: Case, by: string, status: Status): void {
    if (!isFinal(status) && status !== 'aborting') return;
    this.#stored(
      one,
      'ACK5',
      `the response to ${by} contains ${status}`,
      status === 'aborting' ? ['aborting', 'failed'] : [status],
    );
  }

  #stored(one: Case, invariant: 'ACK1' | 'ACK5' | 'DEC5', what: string, expected: readonly Status[]): void {
    const status = one.record?.status;
    this.#checker.expect(
      status !== undefined && expected.includes(status),
      invariant,
      nameOf(one.key),
      () => `${what}, but the record is ${status ?? 'not there'}`,
    );
  }
}

const isRolledBack = (status: Status): boolean => status === 'aborting' || status === 'failed';
