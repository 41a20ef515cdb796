import { HoldfastError, LIMITS } from '@holdfast/protocol';
import { NO_OPTIONS } from '../codec/definition-codec.ts';
import type { BranchRegistration, TransactionInput } from '../coordinator.ts';
import type { Definition, Step } from '../model.ts';
import { isStorable } from '../stores/rules.ts';
import { acceptOptions, acceptStepTimeout } from './accept-options.ts';
import { acceptOrders } from './accept-orders.ts';

const NO_BYTES = new Uint8Array(0);
/** MySQL's limit for the name of an XA branch, which is `gid-branch_id`. */
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
  acceptUrl(input.gid, 'query_prepared', input.queryPrepared ?? '');
  acceptOptions(input.gid, options);
  if (input.orders !== undefined) acceptOrders(input.gid, orders, steps.length);
  const workflowName = input.workflowName ?? '';
  if (workflowName !== '') acceptName(input.gid, 'custom_data.name', workflowName);
  acceptPayload(input.gid, 'custom_data', input.workflowData ?? NO_BYTES);
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
  const meet = (field: string, url: string): void => {
    const other = groupIn(url);
    if (other === '' || other === group) return;
    if (group !== '') {
      const fault = `its local branches must be of one application, these are of ${group} and ${other}`;
      throw new HoldfastError('invalid', `${field}: ${fault}`, { gid, field });
    }
    group = other;
  };
  definition.steps.forEach(({ action, compensate, subscribers = [] }, i) => {
    meet(`steps[${i}].action`, action);
    meet(`steps[${i}].compensate`, compensate);
    for (const subscriber of subscribers) meet(`steps[${i}].action`, subscriber);
  });
  meet('query_prepared', definition.queryPrepared);
  return group;
}

const groupIn = (url: string): string =>
  url.startsWith(LOCAL_PREFIX) ? (url.slice(LOCAL_PREFIX.length).split('/')[0] ?? '') : '';

/** Checks branches to register. Throws `invalid` or `too_large`. */
export function acceptRegistrations(gid: string, branches: readonly BranchRegistration[]): void {
  acceptKnownGid(gid);
  const seen = new Set<string>();
  for (const { branchId, op, url, payload } of branches) {
    acceptName(gid, 'branch_id', branchId);
    acceptName(gid, 'op', op);
    acceptUrl(gid, op, url);
    acceptPayload(gid, 'data', payload);
    const name = `${branchId}\0${op}`;
    if (seen.has(name))
      throw new HoldfastError('invalid', `branch ${branchId} ${op} stands there twice`, { gid, field: 'op' });
    seen.add(name);
  }
}

/**
 * Checks the gid of an existing transaction. Throws `invalid` for a gid that no store could have
 * kept.
 */
export const acceptKnownGid = (gid: string): void => acceptKeyText('gid', gid, LIMITS.gidLength);

/**
 * Checks a text that is part of a key in the store: 1 to `longest` UTF-16 units, all of which every
 * store can keep. Throws `invalid`, naming the field.
 */
export function acceptKeyText(field: string, text: string, longest: number, gid?: string): void {
  const details = gid === undefined ? { field } : { gid, field };
  if (text === '' || text.length > longest)
    throw new HoldfastError(
      'invalid',
      text === ''
        ? `${field} must not be empty`
        : `${field} must have at most ${longest} characters, this one has ${text.length}`,
      details,
    );
  if (!isStorable(text))
    throw new HoldfastError('invalid', `${field} must not hold a NUL or half a surrogate pair`, details);
}

const acceptName = (gid: string, field: string, text: string): void =>
  acceptKeyText(field, text, LIMITS.gidLength, gid);

function acceptGid({ gid, pattern }: TransactionInput): void {
  if (gid === '')
    throw new HoldfastError('invalid', 'gid must not be empty; ask newGid for one or choose your own', {
      field: 'gid',
    });
  acceptKnownGid(gid);
  if (pattern === 'xa' && Buffer.byteLength(gid) + '-01'.length > XA_NAME_BYTES) {
    throw new HoldfastError(
      'invalid',
      `gid of an xa must have at most ${XA_NAME_BYTES - 3} bytes: databases limit the names of XA transactions`,
      { gid, field: 'gid' },
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
    throw new HoldfastError('too_large', `a transaction has at most ${LIMITS.steps} steps, this one ${steps.length}`, {
      gid,
      field: 'steps',
    });
  if (payloads.length < steps.length) {
    throw new HoldfastError(
      'invalid',
      `there must be a payload for each step: ${payloads.length} payloads, ${steps.length} steps`,
      { gid, field: 'payloads' },
    );
  }
  // Field names are built only for an error, since a transaction may have a thousand steps.
  payloads.forEach((payload, i) => {
    if (payload.length > LIMITS.payloadBytes) acceptPayload(gid, `payloads[${i}]`, payload);
  });
  steps.forEach((step, i) => {
    if (!isUrl(step.action)) acceptUrl(gid, `steps[${i}].action`, step.action);
    if (!isUrl(step.compensate)) acceptUrl(gid, `steps[${i}].compensate`, step.compensate);
    acceptStepTimeout(gid, step, i);
    if (pattern === 'saga' && step.action.startsWith(TOPIC_PREFIX)) {
      throw new HoldfastError('invalid', 'only messages can have topics as steps', {
        gid,
        field: `steps[${i}].action`,
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
      `payloads and custom_data must have at most ${LIMITS.bodyBytes} bytes together, these have ${bytes}`,
      { gid, field: 'payloads' },
    );
  }
}

function acceptPayload(gid: string, field: string, payload: Uint8Array): void {
  if (payload.length > LIMITS.payloadBytes) {
    throw new HoldfastError(
      'too_large',
      `${field} must have at most ${LIMITS.payloadBytes} bytes, this one has ${payload.length}`,
      { gid, field },
    );
  }
}

const isUrl = (url: string): boolean => url.length <= LIMITS.urlLength && isStorable(url);

function acceptUrl(gid: string, field: string, url: string): void {
  if (!isStorable(url))
    throw new HoldfastError('invalid', `${field} must not hold a NUL or half a surrogate pair`, { gid, field });
  if (url.length > LIMITS.urlLength) {
    throw new HoldfastError(
      'invalid',
      `${field} must have at most ${LIMITS.urlLength} characters, this one has ${url.length}`,
      { gid, field },
    );
  }
}
