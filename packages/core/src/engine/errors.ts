import {
  type FieldPath,
  HoldfastError,
  nounOfPattern,
  type Pattern,
  shown,
  type Status,
  textOfThrown,
  type TransactionKey,
  withoutSecrets,
} from '@holdfast/protocol';
import type { Transaction } from '../patterns/model.ts';
import type { UnreadableRecord } from '../codec/frame.ts';
import type { Refusal, TransactionEvent } from '../patterns/step.ts';
import type { StoredTransaction, StoreError } from '../store/store.ts';
import type { Difference } from './identity.ts';

/** The errors that the engine returns for a command on one transaction. */

export const unknownGid = (gid: string): HoldfastError =>
  new HoldfastError('not_found', `there is no transaction with gid ${gid}`, { gid });

/** The caller's deadline had passed before the request was started. */
export const notStarted = (gid: string | undefined): HoldfastError =>
  new HoldfastError('deadline_exceeded', 'the deadline of the request has passed; the request was not started', {
    ...(gid !== undefined && { gid }),
    outcome: 'not_started',
  });

/** The transaction's status does not allow the command. */
export const refused = (
  { gid }: TransactionKey,
  { refusal, field }: Refusal,
  transaction: Transaction,
): HoldfastError =>
  new HoldfastError('refused', refusal, {
    gid,
    status: transaction.state.status,
    ...(field !== undefined && { field }),
  });

/** The same as `refused`, for a known status without the record. */
export const isPast = ({ gid }: TransactionKey, status: Status, command: string): HoldfastError =>
  new HoldfastError('refused', `current status '${status}', cannot ${command}`, { gid, status });

/**
 * The caller named another pattern than that of the transaction. `code`: `exists` for a submission,
 * which is another transaction, and `wrong_pattern` for a command.
 */
export const contradicts = (
  code: 'exists' | 'wrong_pattern',
  gid: string,
  { pattern, status }: { readonly pattern: Pattern; readonly status: Status },
  requested: Pattern,
): HoldfastError =>
  new HoldfastError(code, `${gid} is a ${nounOfPattern(pattern)}, not a ${nounOfPattern(requested)}`, {
    gid,
    field: ['pattern'],
    status,
  });

/**
 * The gid belongs to a transaction with another definition: this submission was not executed and
 * will not be.
 */
export const otherContent = (
  { gid }: TransactionKey,
  transaction: Transaction,
  difference: Difference,
): HoldfastError =>
  new HoldfastError(
    'exists',
    `gid ${gid} belongs to a transaction with other content: ${difference.part} differs. ` +
      'This submission was not executed; submit it under another gid',
    { gid, field: difference.field, status: transaction.state.status },
  );

/** Part of a URL that an error shows. */
const LONGEST_SHOWN_URL = 200;

/** A branch that could never be called was not accepted. */
export const uncallable = (gid: string, field: FieldPath, fault: string, url: string): HoldfastError =>
  new HoldfastError('invalid', `${fault}: ${shown(withoutSecrets(url), LONGEST_SHOWN_URL)}`, { gid, field });

/**
 * The change could not be made durable, or its outcome is unknown; the same gid makes another
 * attempt safe.
 */
export const unavailable = ({ gid }: Pick<TransactionKey, 'gid'>, why: string): HoldfastError =>
  new HoldfastError('unavailable', `${gid}: ${why}; retry with the same gid`, { gid });

/**
 * The store failed to write what a caller requested, and nothing was applied. What the store
 * rejects permanently, such as a record larger than its packets, is `invalid`: a caller would
 * otherwise repeat the request forever.
 */
export const notStored = ({ gid }: Pick<TransactionKey, 'gid'>, error: StoreError): HoldfastError =>
  error.code === 'rejected'
    ? new HoldfastError(
        'invalid',
        `${gid}: the store cannot store the transaction (${error.message}); the transaction was not stored`,
        {
          gid,
          cause: error,
        },
      )
    : unavailable({ gid }, `the store did not accept the write (${error.message})`);

const REPAIR =
  'Repair the store, whose log names the cause: the node that owns the transaction continues it when it can be read';

/**
 * The record cannot be read, so the operator command was not carried out. The message states the
 * reason and a fix. A client's event gets an internal error instead, since `refused` would mean
 * that its transaction was decided otherwise.
 */
export const unreadableRecord = (
  { key: { gid }, status, withoutBodies }: Pick<StoredTransaction, 'key' | 'status' | 'withoutBodies'>,
  { message, isLater }: UnreadableRecord,
  event: TransactionEvent['kind'],
): HoldfastError => {
  const fault = `the record of ${gid} cannot be read: ${message}`;
  const isCommand = event === 'stop' || event === 'retry' || event === 'abort';
  if (!isCommand) return new HoldfastError('internal', fault, { gid });
  if (withoutBodies === true) return new HoldfastError('refused', `${fault}. It was not changed. ${REPAIR}`, { gid });
  const advice = isLater
    ? 'It was not changed. Give the command to a node of the version that wrote it; if no node is of a later version, ' +
      'something other than Holdfast changed the record: restore it from a backup'
    : 'It was not changed. Restore it from a backup, or force-stop it: then it is finished as failed, and the effects ' +
      'of its branches remain';
  return new HoldfastError('refused', `${fault}. ${advice}`, { gid, ...(!isLater && { status }) });
};

/** A bug in Holdfast or in one of its dependencies, in one transaction. */
export const internal = ({ gid }: TransactionKey, thrown: unknown): HoldfastError =>
  new HoldfastError('internal', `internal error in ${gid}: ${textOfThrown(thrown)}`, { gid, cause: thrown });
