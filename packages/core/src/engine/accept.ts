import { type FieldPath, HoldfastError, LIMITS, type Pattern, shown } from '@holdfast/protocol';
import { NO_OPTIONS } from '../codec/definition-codec.ts';
import type { BranchRegistration, TransactionInput } from '../coordinator.ts';
import type { Definition, Step } from '../patterns/model.ts';
import { isStorable } from '../store/rules.ts';
import { acceptOptions, acceptStepTimeout } from './accept-options.ts';
import { acceptDependencies } from './accept-dependencies.ts';

const NO_BYTES = new Uint8Array(0);
const NOT_STORABLE = 'must not contain a NUL or half a surrogate pair';
/** The payloads of all steps. */
const PAYLOADS: FieldPath = ['payloads'];
/** MySQL's limit for the name of an XA branch, which is the gid, `-` and the branch ID. */
const XA_NAME_BYTES = 64;
export const TOPIC_PREFIX = 'topic://';
export const LOCAL_PREFIX = 'local://';

/**
 * Validates a transaction from a client and fills in the defaults. Throws `invalid` or `too_large`,
 * naming the field.
 */
export function acceptDefinition(input: TransactionInput): Definition {
  acceptGid(input);
  const steps = input.steps ?? [];
  const payloads = input.payloads ?? [];
  const options = { ...NO_OPTIONS, ...input.options };
  const orders = input.orders ?? {};
  if (input.pattern === 'saga' || input.pattern === 'msg') acceptSteps(input.gid, input.pattern, steps, payloads);
  acceptUrl(input.gid, ['queryPrepared'], input.queryPrepared ?? '');
  acceptOptions(input.gid, options);
  if (input.orders !== undefined) acceptDependencies(input.gid, orders, steps.length);
  const workflowName = input.workflowName ?? '';
  if (workflowName !== '') acceptName(input.gid, ['workflow', 'name'], workflowName);
  acceptPayload(input.gid, ['workflow', 'input'], input.workflowData ?? NO_BYTES);
  acceptSize(input);
  return {
    pattern: input.pattern,
    protocol: input.protocol ?? 'http',
    steps,
    payloads,
    customData: input.customData ?? '',
    queryPrepared: input.queryPrepared ?? '',
    options,
    orders,
    workflowName,
    workflowData: input.workflowData ?? NO_BYTES,
  };
}

/**
 * Returns the application group of a transaction: the group of its `local://group/…` branches,
 * which only nodes that host this group may drive. Throws `invalid` for two groups, because
 * possibly no node hosts both.
 */
export function groupOf(gid: string, definition: Definition): string {
  let group = '';
  const meet = (url: string, field: FieldPath): void => {
    const other = url.slice(LOCAL_PREFIX.length).split('/')[0] ?? '';
    if (other === '' || other === group) return;
    if (group !== '') {
      const fault = `all local branches must belong to one application group, not to ${shown(group)} and ${shown(other)}`;
      throw new HoldfastError('invalid', fault, { gid, field });
    }
    group = other;
  };
  definition.steps.forEach(({ action, compensate, subscribers }, i) => {
    if (isLocal(action)) meet(action, ['steps', i, 'action']);
    if (isLocal(compensate)) meet(compensate, ['steps', i, 'compensate']);
    if (subscribers === undefined) return;
    for (const subscriber of subscribers) if (isLocal(subscriber)) meet(subscriber, ['steps', i, 'action']);
  });
  if (isLocal(definition.queryPrepared)) meet(definition.queryPrepared, ['queryPrepared']);
  return group;
}

const isLocal = (url: string): boolean => url.startsWith(LOCAL_PREFIX);

/** Checks branches to register. Throws `invalid` or `too_large`, naming the field. */
export function acceptRegistrations(
  gid: string,
  pattern: Pattern | undefined,
  branches: readonly BranchRegistration[],
): void {
  acceptKnownGid(gid);
  const seen = new Set<string>();
  for (const { branchId, op, url, payload } of branches) {
    acceptName(gid, BRANCH_ID, branchId);
    acceptName(gid, OP, op);
    if (!isUrl(url)) acceptUrl(gid, urlFieldOf(op), url);
    acceptPayload(gid, payloadFieldOf(pattern), payload);
    const name = `${branchId}\0${op}`;
    if (seen.has(name))
      throw new HoldfastError('invalid', `${op} of branch ${branchId} is registered twice in one request`, {
        gid,
        field: OP,
      });
    seen.add(name);
  }
}

const BRANCH_ID: FieldPath = ['branchId'];
const OP: FieldPath = ['op'];
const GID: FieldPath = ['gid'];
const URL_FIELD: FieldPath = ['url'];
const DATA: FieldPath = ['data'];
const PAYLOAD: FieldPath = ['payload'];

/** The field with the URL of an op: XA has one URL for both ops, TCC one field for each op. */
export const urlFieldOf = (op: string): FieldPath => (op === 'commit' || op === 'rollback' ? URL_FIELD : [op]);

/** The field with the body of a registered branch: the result of a workflow step, or a payload. */
export const payloadFieldOf = (pattern: Pattern | undefined): FieldPath => (pattern === 'workflow' ? DATA : PAYLOAD);

/**
 * Checks the gid of an existing transaction. Throws `invalid` for a gid that no store could have
 * kept.
 */
export const acceptKnownGid = (gid: string): void => acceptKeyText(GID, gid, LIMITS.gidLength);

/**
 * Checks a text that is part of a key in the store: 1 to `longest` UTF-16 units, all of which every
 * store can keep. Throws `invalid`, naming the field.
 */
export function acceptKeyText(field: FieldPath, text: string, longest: number, gid?: string): void {
  const details = gid === undefined ? { field } : { gid, field };
  if (text === '' || text.length > longest)
    throw new HoldfastError(
      'invalid',
      text === '' ? 'must not be empty' : `must have at most ${longest} characters, not ${text.length}`,
      details,
    );
  if (!isStorable(text)) throw new HoldfastError('invalid', NOT_STORABLE, details);
}

const acceptName = (gid: string, field: FieldPath, text: string): void =>
  acceptKeyText(field, text, LIMITS.gidLength, gid);

function acceptGid({ gid, pattern }: TransactionInput): void {
  if (gid === '')
    throw new HoldfastError('invalid', 'must not be empty; request one from newGid or choose your own', {
      field: GID,
    });
  acceptKnownGid(gid);
  if (pattern === 'xa' && Buffer.byteLength(gid) + '-01'.length > XA_NAME_BYTES) {
    throw new HoldfastError(
      'invalid',
      `must have at most ${XA_NAME_BYTES - 3} bytes for an xa: databases limit the names of XA transactions`,
      { gid, field: GID },
    );
  }
}

function acceptSteps(
  gid: string,
  pattern: 'saga' | 'msg',
  steps: readonly Step[],
  payloads: readonly Uint8Array[],
): void {
  if (steps.length > LIMITS.steps)
    throw new HoldfastError('too_large', `must have at most ${LIMITS.steps} steps, not ${steps.length}`, {
      gid,
      field: ['steps'],
    });
  if (payloads.length < steps.length) {
    throw new HoldfastError(
      'invalid',
      `each step must have a payload, but ${steps.length} steps have ${payloads.length} payloads`,
      { gid, field: PAYLOADS },
    );
  }
  // Field names are built only for an error, since a transaction may have a thousand steps.
  payloads.forEach((payload, i) => {
    if (payload.length > LIMITS.payloadBytes) acceptPayload(gid, ['steps', i, 'payload'], payload);
  });
  steps.forEach((step, i) => {
    if (!isUrl(step.action)) acceptUrl(gid, ['steps', i, 'action'], step.action);
    if (!isUrl(step.compensate)) acceptUrl(gid, ['steps', i, 'compensate'], step.compensate);
    acceptStepTimeout(gid, step, i);
    if (pattern === 'saga' && step.action.startsWith(TOPIC_PREFIX)) {
      throw new HoldfastError('invalid', 'only the step of a message can be a topic', {
        gid,
        field: ['steps', i, 'action'],
      });
    }
  });
}

/** Checks the total size against what one record and one request can hold. */
function acceptSize({ gid, payloads = [], customData = '', workflowData = NO_BYTES }: TransactionInput): void {
  const bytes = payloads.reduce((sum, payload) => sum + payload.length, customData.length + workflowData.length);
  if (bytes > LIMITS.bodyBytes) {
    throw new HoldfastError(
      'too_large',
      `all payloads of a transaction must have at most ${LIMITS.bodyBytes} bytes together, not ${bytes}`,
      { gid, field: PAYLOADS },
    );
  }
}

function acceptPayload(gid: string, field: FieldPath, payload: Uint8Array): void {
  if (payload.length > LIMITS.payloadBytes) {
    throw new HoldfastError('too_large', `must have at most ${LIMITS.payloadBytes} bytes, not ${payload.length}`, {
      gid,
      field,
    });
  }
}

const isUrl = (url: string): boolean => url.length <= LIMITS.urlLength && isStorable(url);

function acceptUrl(gid: string, field: FieldPath, url: string): void {
  if (!isStorable(url)) throw new HoldfastError('invalid', NOT_STORABLE, { gid, field });
  if (url.length > LIMITS.urlLength) {
    throw new HoldfastError('invalid', `must have at most ${LIMITS.urlLength} characters, not ${url.length}`, {
      gid,
      field,
    });
  }
}
