import { HoldfastError, isFinal, type Pattern } from '@holdfast/protocol';
import type { CallContext } from '../call-context.ts';
import type { PassOutcome, SubmitPreparedInput, TransactionInput, TransactionView } from '../coordinator.ts';
import type { Definition, Transaction } from '../patterns/model.ts';
import { failureReason, newTransaction } from '../patterns/state.ts';
import type { TransactionEvent } from '../patterns/step.ts';
import { acceptDefinition, acceptKnownGid, groupOf } from './accept.ts';
import type { Admission } from './admission.ts';
import { isPast } from './errors.ts';
import { fromStore } from './from-store.ts';
import { differenceOf, keepsHeaders } from './identity.ts';
import { addOrigin } from './origin.ts';
import type { Queries } from './queries.ts';
import { viewOfTransaction } from './records.ts';
import type { Parts } from './wiring.ts';

interface CommandDetails {
  readonly pattern?: Pattern | undefined;
  readonly definition?: Definition;
  readonly wholePass?: boolean;
}

/** A transaction that is not stored yet, and its application group. */
interface New {
  readonly transaction: Transaction;
  readonly group: string;
}

/**
 * A definition with more steps than this is checked, parsed and written in separate turns of the
 * event loop: with a thousand steps each takes milliseconds.
 */
const LONG = 100;
const isLong = ({ steps }: Definition): boolean => steps.length > LONG;

const parkedOutcome = (parked: string): Pick<PassOutcome, 'waited' | 'lastResult' | 'parked'> => ({
  waited: true,
  lastResult: { kind: 'UNKNOWN', reason: `parked: ${parked}` },
  parked,
});

/**
 * Brings the transactions and events of callers to their runs, and waits for the replies. Has no
 * state.
 */
export class Submissions {
  readonly #p: Parts;
  readonly #admission: Admission;
  readonly #queries: Queries;

  constructor(parts: Parts, admission: Admission, queries: Queries) {
    this.#p = parts;
    this.#admission = admission;
    this.#queries = queries;
  }

  async prepare(context: CallContext, input: TransactionInput): Promise<TransactionView> {
    return viewOfTransaction(await this.#create(context, input, { kind: 'prepared', again: false }, false));
  }

  async submitPrepared(
    context: CallContext,
    { gid, pattern, branches, run }: SubmitPreparedInput,
  ): Promise<TransactionView> {
    this.#admission.assertAccepting();
    const called = { ...(branches !== undefined && { branches }), ...(run !== undefined && { run }) };
    const event = { kind: 'submitted', options: {}, ...called } as const;
    return viewOfTransaction(await this.command(context, gid, event, { pattern }));
  }

  async submit(context: CallContext, input: TransactionInput): Promise<PassOutcome> {
    const wholePass = input.options?.waitResult === true;
    // A caller that cannot wait is rejected now, since a durable transaction can no longer be
    // rejected.
    if (wholePass) this.#queries.assertMayWait(input.gid);
    const transaction = await this.#create(
      context,
      input,
      { kind: 'submitted', options: input.options ?? {} },
      wholePass,
    );
    const { key, state, lastResult } = transaction;
    // A repeated submit may itself find the deadline passed. A caller that does not wait gets no
    // status, so it gets an error.
    if (!wholePass && (state.status === 'aborting' || state.status === 'failed'))
      throw isPast(key, state.status, 'submit');
    const view = (): TransactionView => viewOfTransaction(transaction);
    // The transaction is not driven until an operator retries it.
    if (wholePass && state.parked !== '')
      return { ...parkedOutcome(state.parked), status: state.status, rollbackReason: failureReason(state), view };
    if (wholePass && !isFinal(state.status) && lastResult === undefined && state.notBeforeMs === 0) {
      // The pass continues on another node, or waits for room in the work in progress. A wait that
      // fails counts as a wait that ended early.
      const seen = await this.#queries.wait(context, input.gid, this.#p.options.maxWaitMs).catch(view);
      const rollbackReason = failureReason(seen.state);
      const { parked } = seen.state;
      const outcome = parked === '' ? { waited: true, lastResult: undefined } : parkedOutcome(parked);
      return { ...outcome, status: seen.status, rollbackReason, view: () => seen };
    }
    return { status: state.status, waited: wholePass, rollbackReason: failureReason(state), lastResult, view };
  }

  async prepareWorkflow(context: CallContext, input: TransactionInput): Promise<TransactionView> {
    let found: Transaction | undefined;
    try {
      found = await this.#create(context, input, { kind: 'prepared', again: false }, false);
    } catch (error) {
      // A finished transaction is returned as well: its client learns the outcome.
      if (!(error instanceof HoldfastError) || error.code !== 'refused' || error.field !== undefined) throw error;
    }
    try {
      return await this.#queries.mustGet(context, input.gid);
    } catch (error) {
      // While the client's callback is in progress, other calls may have recorded steps that are
      // not in memory.
      if (found === undefined || found.checking) throw error;
      return viewOfTransaction(found);
    }
  }

  /** See `Coordinator.repeats`. */
  async repeats(context: CallContext, input: TransactionInput, kind: 'prepared' | 'submitted'): Promise<boolean> {
    this.#admission.assertInTime(context, input.gid);
    const stored = await this.#queries.read(context, input.gid);
    if (stored?.pattern !== input.pattern) return false;
    const { definition, state, status } = stored;
    if (differenceOf(definition, state, acceptDefinition(input), kind) !== undefined) return false;
    // The submit of a prepared transaction replaces its headers.
    return status !== 'prepared' || kind === 'prepared' || keepsHeaders(definition.options, input.options);
  }

  /**
   * Creates a transaction and delivers its first event. May throw instead of rejecting: an async
   * function would cost each of the usual definitions, which need no await, three more promises.
   */
  #create(
    context: CallContext,
    input: TransactionInput,
    event: TransactionEvent,
    wholePass: boolean,
  ): Promise<Transaction> {
    this.#admission.assertAccepting();
    this.#admission.assertInTime(context, input.gid);
    const accepted = addOrigin(acceptDefinition(input), context);
    if (input.mustExist === true)
      return this.command(context, input.gid, event, { pattern: input.pattern, definition: accepted, wholePass });
    return accepted.pattern === 'msg' || isLong(accepted)
      ? this.#createInTurns(context, input, accepted, event, wholePass)
      : this.#deliverNew(context, this.#newOf(context, input, accepted), event, wholePass);
  }

  /** Creates a transaction that is long, or that may name a topic. */
  async #createInTurns(
    context: CallContext,
    input: TransactionInput,
    accepted: Definition,
    event: TransactionEvent,
    wholePass: boolean,
  ): Promise<Transaction> {
    if (isLong(accepted)) await this.#nextTurn();
    let definition = accepted;
    if (accepted.pattern === 'msg') {
      try {
        definition = await fromStore(() => this.#p.topics.resolve(context.namespace, input.gid, accepted));
      } catch (error) {
        // Since the first submission the topic may have lost its subscribers or gained more; a
        // message that is already stored keeps its own.
        const { code } = HoldfastError.from(error);
        const mayBeStored = code === 'invalid' || code === 'too_large';
        if (!mayBeStored || (await this.#queries.read(context, input.gid)) === undefined) throw error;
        return this.command(context, input.gid, event, { pattern: 'msg', definition: accepted, wholePass });
      }
    }
    const fresh = this.#newOf(context, input, definition);
    if (isLong(accepted)) await this.#nextTurn();
    return this.#deliverNew(context, fresh, event, wholePass);
  }

  #newOf({ namespace }: CallContext, { gid, group, heartbeats }: TransactionInput, definition: Definition): New {
    const nowMs = this.#p.session.nowMs();
    const transaction = newTransaction({ namespace, gid }, definition, nowMs, heartbeats === true ? nowMs : 0);
    return { transaction, group: groupOf(gid, definition) || (group ?? '') };
  }

  #deliverNew(
    context: CallContext,
    { transaction, group }: New,
    event: TransactionEvent,
    wholePass: boolean,
  ): Promise<Transaction> {
    const { key, definition } = transaction;
    this.#admission.assertInTime(context, key.gid);
    return new Promise((done, failed) => {
      const reply = { done, failed, wholePass };
      this.#p.runs.commands.create(transaction, group, { event, reply, pattern: definition.pattern, definition });
    });
  }

  /** Continues after other events were processed. Throws if this node has stopped accepting. */
  async #nextTurn(): Promise<void> {
    await new Promise<void>((resolve) => this.#p.dependencies.clock.setTimer(0, resolve));
    this.#admission.assertAccepting();
  }

  /** Delivers an event to a stored transaction. Resolves when its effect is durable. */
  command(
    context: CallContext,
    gid: string,
    event: TransactionEvent,
    { pattern, definition, wholePass = false }: CommandDetails = {},
  ): Promise<Transaction> {
    this.#admission.assertInTime(context, gid);
    acceptKnownGid(gid);
    this.#admission.assertStarted();
    return new Promise((done, failed) => {
      const delivery = {
        event,
        reply: { done, failed, wholePass },
        ...(pattern !== undefined && { pattern }),
        ...(definition !== undefined && { definition }),
      };
      this.#p.runs.commands.command({ namespace: context.namespace, gid }, delivery);
    });
  }
}
