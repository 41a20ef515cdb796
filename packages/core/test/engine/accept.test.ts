import { HoldfastError, LIMITS, renderField } from '@holdfast/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BranchRegistration, TransactionInput } from '../../src/index.ts';
import { acceptDefinition, acceptRegistrations, groupOf } from '../../src/engine/accept.ts';
import { message, saga } from '../patterns/support/definitions.ts';

const step = (action = 'http://a', compensate = 'http://c') => ({ action, compensate });
const payload = Buffer.from('{}');

const SAGA: TransactionInput = { gid: 'g', pattern: 'saga', steps: [step(), step()], payloads: [payload, payload] };

/** The error for a bad input; undefined if it is accepted. */
function fault(run: () => void): { readonly code: string; readonly field: string | undefined } | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return { code: error.code, field: error.field && renderField(error.field) };
  }
}

const long = (length: number): string => 'x'.repeat(length);

describe('a transaction that is accepted', () => {
  it('has every field, with its default where the input has none', () => {
    expect(acceptDefinition({ gid: 'g', pattern: 'tcc' })).toEqual({
      pattern: 'tcc',
      protocol: 'http',
      steps: [],
      payloads: [],
      customData: '',
      queryPrepared: '',
      options: {
        waitResult: false,
        timeoutToFailMs: 0,
        retryIntervalMs: 0,
        requestTimeoutMs: 0,
        retryLimit: 0,
        branchHeaders: {},
        concurrent: false,
        alwaysPost: false,
        delayMs: 0,
      },
      orders: {},
      workflowName: '',
      workflowData: new Uint8Array(0),
    });
  });

  it('keeps the fields of the input', () => {
    const accepted = acceptDefinition({ ...SAGA, options: { concurrent: true }, orders: { 1: [0] } });
    expect(accepted).toMatchObject({ steps: SAGA.steps, payloads: SAGA.payloads, orders: { 1: [0] } });
    expect(accepted.options.concurrent).toBe(true);
  });

  it('may have texts of any language, up to the limits', () => {
    expect(fault(() => acceptDefinition({ ...SAGA, gid: '订单-😀' }))).toBe(undefined);
    expect(fault(() => acceptDefinition({ ...SAGA, gid: long(LIMITS.gidLength) }))).toBe(undefined);
  });
});

describe('the error for a rejected transaction names the field', () => {
  it.each<[what: string, input: Partial<TransactionInput>, code: string, field: string]>([
    ['no gid', { gid: '' }, 'invalid', 'gid'],
    ['a long gid', { gid: long(129) }, 'invalid', 'gid'],
    ['a NUL in the gid', { gid: 'a\0b' }, 'invalid', 'gid'],
    ['half a surrogate pair in the gid', { gid: 'a\ud83d' }, 'invalid', 'gid'],
    ['a gid too long for the names of XA', { gid: long(62), pattern: 'xa' }, 'invalid', 'gid'],
    ['a gid of too many bytes for XA', { gid: 'é'.repeat(31), pattern: 'xa' }, 'invalid', 'gid'],
    ['fewer payloads than steps', { payloads: [payload] }, 'invalid', 'payloads'],
    ['a long action', { steps: [step(), step(long(2_049))] }, 'invalid', 'steps[1].action'],
    ['a long compensate', { steps: [step('', long(2_049)), step()] }, 'invalid', 'steps[0].compensate'],
    ['a topic in a saga', { steps: [step('topic://t'), step()] }, 'invalid', 'steps[0].action'],
    ['a long check-back URL', { queryPrepared: long(2_049) }, 'invalid', 'queryPrepared'],
    ['too many steps', { steps: Array.from({ length: 1_001 }, () => step()) }, 'too_large', 'steps'],
    [
      'a large payload',
      { payloads: [payload, Buffer.alloc(LIMITS.payloadBytes + 1)] },
      'too_large',
      'steps[1].payload',
    ],
    ['large workflow data', { workflowData: Buffer.alloc(LIMITS.payloadBytes + 1) }, 'too_large', 'workflow.input'],
    ['large custom data', { customData: long(LIMITS.bodyBytes) }, 'too_large', 'payloads'],
    [
      'payloads that are too large together',
      { steps: Array.from({ length: 5 }, () => step()), payloads: Array.from({ length: 5 }, () => Buffer.alloc(1e6)) },
      'too_large',
      'payloads',
    ],
    ['orders of no step', { orders: { 2: [0] } }, 'invalid', 'orders'],
    ['orders after no step', { orders: { 1: [7] } }, 'invalid', 'steps[1].after'],
    ['orders after half a step', { orders: { 1: [0.5] } }, 'invalid', 'steps[1].after'],
    ['a step after itself', { orders: { 1: [1] } }, 'invalid', 'steps[1].after'],
    ['a step after another twice', { orders: { 1: [0, 0] } }, 'invalid', 'steps[1].after'],
    [
      'orders of a step with a leading zero',
      { orders: { '01': [0] } as Record<string, number[]> },
      'invalid',
      'orders',
    ],
    [
      'too many dependencies',
      { orders: { 1: Array.from({ length: LIMITS.dependencies + 1 }, () => 7) } },
      'too_large',
      'orders',
    ],
    ['a call that may take too long', { options: { requestTimeoutMs: 600_001 } }, 'invalid', 'requestTimeoutMs'],
    ['a duration that is none', { options: { retryIntervalMs: -1 } }, 'invalid', 'retryIntervalMs'],
    ['too many retries', { options: { retryLimit: 1e9 } }, 'invalid', 'retryLimit'],
    ['a long name of a workflow', { workflowName: long(129) }, 'invalid', 'workflow.name'],
    ['half a surrogate pair in the name of a workflow', { workflowName: '\ud800' }, 'invalid', 'workflow.name'],
    ['half a surrogate pair in a URL', { steps: [step('http://\ud800'), step()] }, 'invalid', 'steps[0].action'],
    ['orders in a circle', { orders: { 0: [1], 1: [0] } }, 'invalid', 'steps[0].after'],
  ])('%s', (_, input, code, field) => {
    expect(fault(() => acceptDefinition({ ...SAGA, ...input }))).toEqual({ code, field });
  });

  it.each(['\ud800', 'a\udc00b', 'nul\0'])('is rejected when its workflow name is not text: %j', (workflowName) => {
    expect(fault(() => acceptDefinition({ gid: 'g', pattern: 'workflow', workflowName }))).toEqual({
      code: 'invalid',
      field: 'workflow.name',
    });
  });

  it('names the gid when another field is wrong', () => {
    expect(() => acceptDefinition({ ...SAGA, payloads: [] })).toThrow(expect.objectContaining({ gid: 'g' }));
  });
});

describe('dependencies of steps', () => {
  it('are rejected exactly when some step could never start', () => {
    const orders = fc.dictionary(
      fc.nat(5).map((n) => String(n)),
      fc.uniqueArray(fc.nat(5), { maxLength: 3 }),
    );
    fc.assert(
      fc.property(orders, (given) => {
        const before = (n: number): readonly number[] => given[n] ?? [];
        const started = new Set<number>();
        for (let round = 0; round < 6; round++)
          for (let n = 0; n < 6; n++) if (before(n).every((b) => started.has(b))) started.add(n);
        const steps = Array.from({ length: 6 }, () => step());
        const payloads = steps.map(() => payload);
        const rejection = fault(() => acceptDefinition({ ...SAGA, steps, payloads, orders: given }));
        expect(rejection === undefined).toBe(started.size === 6);
      }),
      { seed: 20_240_917 },
    );
  });
});

describe('branches to register', () => {
  const branch: BranchRegistration = { branchId: '01', op: 'confirm', url: 'http://b', payload, status: 'prepared' };

  it('are accepted as clients send them', () => {
    expect(fault(() => acceptRegistrations('g', 'tcc', [{ ...branch, op: 'cancel' }, branch]))).toBe(undefined);
  });

  it.each<[what: string, gid: string, change: Partial<BranchRegistration>, code: string, field: string]>([
    ['no gid', '', {}, 'invalid', 'gid'],
    ['a NUL in the gid', 'a\0', {}, 'invalid', 'gid'],
    ['no branch id', 'g', { branchId: '' }, 'invalid', 'branchId'],
    ['a long branch id', 'g', { branchId: long(129) }, 'invalid', 'branchId'],
    ['a NUL in the branch id', 'g', { branchId: '0\0' }, 'invalid', 'branchId'],
    ['no op', 'g', { op: '' }, 'invalid', 'op'],
    ['a long op', 'g', { op: long(300) }, 'invalid', 'op'],
    ['half a surrogate pair in the op', 'g', { op: '\udc00' }, 'invalid', 'op'],
    ['a long url, which has the name of the op', 'g', { url: long(2_049) }, 'invalid', 'confirm'],
    ['a large payload', 'g', { payload: Buffer.alloc(LIMITS.payloadBytes + 1) }, 'too_large', 'payload'],
  ])('are rejected with %s', (_, gid, change, code, field) => {
    expect(fault(() => acceptRegistrations(gid, 'tcc', [{ ...branch, ...change }]))).toEqual({ code, field });
  });

  it('are rejected when they contain the same op twice', () => {
    expect(fault(() => acceptRegistrations('g', 'tcc', [branch, branch]))).toEqual({ code: 'invalid', field: 'op' });
  });
});

describe('the application group', () => {
  it.each([
    ['no local branch', saga(2), ''],
    ['a local action', { ...saga(1), steps: [step('local://shop/debit')] }, 'shop'],
    ['a local compensation', { ...saga(1), steps: [step('http://a', 'local://shop/refund')] }, 'shop'],
    ['a local check-back', { ...message(1), queryPrepared: 'local://shop/check' }, 'shop'],
    [
      'a local subscriber',
      { ...message(1), steps: [{ ...step('topic://t'), subscribers: ['local://shop/told'] }] },
      'shop',
    ],
  ])('of a transaction with %s', (_, definition, group) => {
    expect(groupOf('g', definition)).toBe(group);
  });

  it('is the only one of a transaction: there may be no node that hosts two groups', () => {
    const mixed = { ...saga(2), steps: [step('local://shop/debit'), step('http://a', 'local://bank/refund')] };
    expect(fault(() => groupOf('g', mixed))).toEqual({ code: 'invalid', field: 'steps[1].compensate' });
  });
});
