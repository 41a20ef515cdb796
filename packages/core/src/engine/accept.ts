import { HoldfastError, LIMITS } from '@holdfast/protocol';
import { NO_OPTIONS } from '../codec/definition-codec.ts';
import type { BranchRegistration, TransactionInput } from '../coordinator.ts';
import type { Definition, Step } from '../model.ts';
import { isStorable } from '../stores/rules.ts';

const NO_BYTES = new Uint8Array(0);
/** MySQL's limit for the name of an XA branch, which is `gid-branch_id`. */
const XA_NAME_BYTES = 64;
export const TOPIC_PREFIX = 'topic://';
export const LOCAL_PREFIX = 'local://';

/**
 * Checks a transaction as it comes from outside and fills in what was left out. Throws `invalid` or `too_large`, naming the field.
 */
export function acceptDefinition(input: TransactionInput): Definition {
  acceptGid(input);
  const steps = input.steps ?? [];
  const payloads = input.payloads ?? [];
  const options = { ...NO_OPTIONS, ...input.options };
  const orders = input.orders ?? {};
  if (input.pattern === 'saga' || input.pattern === 'msg') acceptSteps(input.gid, input.pattern, steps, payloads);
  acceptUrl(input.gid, 'query_prepared', input.queryPrepared ?? '');
  if (Object.keys(orders).length > 0) acceptOrders(input.gid, orders, steps.length);
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
    workflowName: input.workflowName ?? '',
    workflowData: input.workflowData ?? NO_BYTES,
  };
}

/**
 * Application group of a transaction: that of its `local://group/…` branches; only nodes that host it may drive it. Throws `invalid` when there are two:
 * no node might ever host both.
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
  if (gid === '') throw new HoldfastError('invalid', 'gid must not be empty', { field: 'gid' });
  acceptStorable(gid, 'gid', gid);
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

function acceptName(gid: string, field: string, text: string): void {
  if (text === '' || text.length > LIMITS.gidLength)
    throw new HoldfastError('invalid', `${field} must have 1 to ${LIMITS.gidLength} characters`, { gid, field });
  acceptStorable(gid, field, text);
}

/** What is part of a key must be kept as it is by every store; one that is not would be refused there, in the company of others. */
function acceptStorable(gid: string, field: string, text: string): void {
  if (!isStorable(text))
    throw new HoldfastError('invalid', `${field} must not hold a NUL or half a surrogate pair`, { gid, field });
}

function acceptGid({ gid, pattern }: TransactionInput): void {
  if (gid === '')
    throw new HoldfastError('invalid', 'gid must not be empty; ask newGid for one or choose your own', {
      field: 'gid',
    });
  if (gid.length > LIMITS.gidLength) {
    throw new HoldfastError(
      'invalid',
      `gid must have at most ${LIMITS.gidLength} characters, this one has ${gid.length}`,
      { field: 'gid' },
    );
  }
  acceptStorable(gid, 'gid', gid);
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
  payloads.forEach((payload, i) => acceptPayload(gid, `payloads[${i}]`, payload));
  steps.forEach((step, i) => {
    acceptUrl(gid, `steps[${i}].action`, step.action);
    acceptUrl(gid, `steps[${i}].compensate`, step.compensate);
    if (pattern === 'saga' && step.action.startsWith(TOPIC_PREFIX)) {
      throw new HoldfastError('invalid', 'only messages can have topics as steps', {
        gid,
        field: `steps[${i}].action`,
      });
    }
  });
}

/** What one record can hold, and one request. */
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

function acceptUrl(gid: string, field: string, url: string): void {
  if (url.length > LIMITS.urlLength) {
    throw new HoldfastError(
      'invalid',
      `${field} must have at most ${LIMITS.urlLength} characters, this one has ${url.length}`,
      { gid, field },
    );
  }
}

/** Orders must name steps and must not go in a circle, which could never start. */
function acceptOrders(gid: string, orders: Readonly<Record<number, readonly number[]>>, count: number): void {
  const field = 'custom_data.orders';
  const isStep = (n: number): boolean => Number.isInteger(n) && n >= 0 && n < count;
  const waiting = new Map<number, Set<number>>();
  for (const [key, before] of Object.entries(orders)) {
    if (!isStep(Number(key)) || !before.every(isStep)) {
      throw new HoldfastError(
        'invalid',
        `orders name steps by index, 0 to ${count - 1}; "${key}": [${before.join(', ')}] does not`,
        { gid, field },
      );
    }
    waiting.set(Number(key), new Set(before));
  }
  let ready = [...Array(count).keys()].filter((step) => (waiting.get(step)?.size ?? 0) === 0);
  let placed = 0;
  while (ready.length > 0) {
    placed += ready.length;
    for (const step of ready) waiting.delete(step);
    const done = new Set(ready);
    ready = [...waiting].flatMap(([step, before]) => {
      for (const earlier of done) before.delete(earlier);
      return before.size === 0 ? [step] : [];
    });
  }
  if (placed < count)
    throw new HoldfastError(
      'invalid',
      `orders go in a circle through steps ${[...waiting.keys()].join(', ')}: none of them could ever start`,
      { gid, field },
    );
}
