import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS, renderField } from '@holdfast/protocol';
import type { Definition, State } from '../../src/patterns/index.ts';
import { decodeDefinition, encodeDefinition } from '../../src/codec/definition-codec.ts';
import { type Difference, differenceOf } from '../../src/engine/identity.ts';
import { samePayload } from '../../src/engine/same-payload.ts';
import { newTransaction } from '../../src/patterns/state.ts';
import { KEY, message, saga, twoPhase, workflow } from '../patterns/support/definitions.ts';
import { step } from '../../src/patterns/index.ts';
import { isRefusal, type TransactionEvent } from '../../src/patterns/step.ts';
import { POLICY } from '../patterns/support/definitions.ts';

/** The state of a transaction after its first event. */
function stateAfter(definition: Definition, event: TransactionEvent): State {
  const stepped = step(newTransaction(KEY, definition, 1), event, { nowMs: 1, random: 0, policy: POLICY });
  if (isRefusal(stepped)) throw new Error(stepped.refusal);
  return stepped.transaction.state;
}

const submitted = (definition: Definition): State => stateAfter(definition, { kind: 'submitted', options: {} });
const prepared = (definition: Definition): State => stateAfter(definition, { kind: 'prepared', again: false });

const fieldOf = (difference: Difference | undefined): string | undefined => difference && renderField(difference.field);

/** The field that differs when a submitted transaction is submitted again. */
const differs = (stored: Definition, given: Definition): string | undefined =>
  fieldOf(differenceOf(stored, submitted(stored), given, 'submitted'));

const withOptions = (definition: Definition, options: Partial<Definition['options']>): Definition => ({
  ...definition,
  options: { ...definition.options, ...options },
});
const withPayload = (definition: Definition, index: number, text: string): Definition => ({
  ...definition,
  payloads: definition.payloads.map((payload, i) => (i === index ? Buffer.from(text) : payload)),
});

describe('a definition submitted again', () => {
  it('is the same when it is read back from its record', () => {
    for (const definition of [saga(2, { concurrent: true }, { 1: [0] }), message(2, { delayMs: 5 })])
      expect(differs(decodeDefinition(encodeDefinition(definition)), definition)).toBeUndefined();
  });

  it.each<[field: string, other: Definition]>([
    ['steps', saga(3)],
    ['steps[1].action', { ...saga(2), steps: [...saga(1).steps, { action: 'http://b', compensate: 'http://c/1' }] }],
    ['steps[1].compensate', { ...saga(2), steps: [...saga(1).steps, { action: 'http://a/1', compensate: '' }] }],
    ['steps[1].payload', withPayload(saga(2), 1, 'payload 2')],
    ['protocol', { ...saga(2), protocol: 'json-rpc' }],
    ['queryPrepared', { ...saga(2), queryPrepared: 'http://q' }],
    ['steps[1].after', { ...saga(2), orders: { 1: [0] } }],
    ['concurrent', withOptions(saga(2), { concurrent: true })],
    ['timeoutToFailMs', withOptions(saga(2), { timeoutToFailMs: 1_000 })],
    ['retryLimit', withOptions(saga(2), { retryLimit: 3 })],
    ['delayMs', withOptions(saga(2), { delayMs: 1_000 })],
    ['branchHeaders', withOptions(saga(2), { branchHeaders: { tenant: 'b' } })],
  ])('differs by %s', (field, other) => {
    expect(differs(saga(2), other)).toBe(field);
    expect(differs(other, saga(2))).toBe(field);
  });

  it('does not differ by what does not change what happens (ID1)', () => {
    const stored = withOptions(saga(2, {}, { 1: [0] }), { branchHeaders: { Tenant: 'a', site: 'b' } });
    const given = {
      ...withOptions(saga(2, {}, { 0: [], 1: [0, 0] }), {
        waitResult: true,
        retryIntervalMs: 5,
        requestTimeoutMs: 7,
        branchHeaders: { site: 'b', tenant: 'a', traceparent: '00-1-1-01', Authorization: 'Bearer new' },
      }),
      customData: '{"orders":{"1":[0]}}',
    };
    expect(differs(stored, given)).toBeUndefined();
  });

  it('is the same message when the subscribers of its topic have changed (ID2)', () => {
    const named = { action: 'topic://t', compensate: '' };
    const stored = { ...message(1), steps: [{ ...named, subscribers: ['http://a'] }] };
    expect(differs(stored, { ...stored, steps: [named] })).toBeUndefined();
    expect(differs(stored, { ...stored, steps: [{ ...named, action: 'topic://u' }] })).toBe('steps[0].action');
  });
});

describe('the submit of what was prepared', () => {
  const again = (stored: Definition, given: Definition): string | undefined =>
    fieldOf(differenceOf(stored, prepared(stored), given, 'submitted'));

  it('may leave out the definition, and has options and a delay that are only its own (ID3)', () => {
    for (const stored of [message(2), twoPhase('tcc'), twoPhase('xa')]) {
      const bare = { ...stored, steps: [], payloads: [], queryPrepared: '' };
      expect(again(stored, bare)).toBeUndefined();
      expect(again(stored, withOptions(stored, { delayMs: 9, timeoutToFailMs: 9, retryLimit: 9 }))).toBeUndefined();
    }
  });

  it('has no other steps, payloads or check-back URL', () => {
    expect(again(message(2), message(1))).toBe('steps');
    expect(again(message(2), withPayload(message(2), 0, '50'))).toBe('steps[0].payload');
    expect(again(message(2), { ...message(2), queryPrepared: 'http://other' })).toBe('queryPrepared');
  });

  it('prepared again, it has no other options either', () => {
    const stored = message(2);
    const of = (given: Definition) => fieldOf(differenceOf(stored, prepared(stored), given, 'prepared'));
    expect(of(message(2))).toBeUndefined();
    expect(of(withOptions(stored, { timeoutToFailMs: 9 }))).toBe('timeoutToFailMs');
  });
});

describe('a workflow prepared again', () => {
  const of = (given: Definition) => fieldOf(differenceOf(workflow(), prepared(workflow()), given, 'prepared'));

  it('is the same from a process with another URL and other options (ID4)', () => {
    expect(of({ ...withOptions(workflow(), { timeoutToFailMs: 9 }), queryPrepared: 'http://pod-2' })).toBeUndefined();
  });

  it('has no other name and no other input', () => {
    expect(of({ ...workflow(), workflowName: 'other' })).toBe('workflow.name');
    expect(of({ ...workflow(), workflowData: Buffer.from('{"amount":50}') })).toBe('workflow.input');
  });
});

describe('payloads', () => {
  const same = (a: string, b: string): boolean => samePayload(Buffer.from(a), Buffer.from(b));

  it.each([
    ['{"a":1}', '{ "a" : 1 }\n', true],
    ['{"a":"é"}', '{"a":"\\u00e9"}', true],
    ['{"a":"x  y"}', '{"a":"x y"}', false],
    ['{"id":738529527931269425}', '{"id":738529527931269426}', false],
    ['{"amount":10.0}', '{"amount":10}', true],
    ['[1.10,-0.0,1e2,0.5e-3]', '[1.1,0,100,0.0005]', true],
    ['0.1', '1', false],
    ['-1', '1', false],
    ['[1,0]', '[10]', false],
    ['1e400', '1e401', false],
    ['1e9999999999', '1e99999999999', false],
    ['"1.10"', '"1.1"', false],
    ['1 2', '12', false],
    ['a b', 'a  b', false],
    ['', '""', false],
    ['[1,12]', '[1,1]', false],
    ['[1,10]', '[1,1.0e1]', true],
    ['[1,-1]', '[1,-1.0]', true],
    ['["a","b\\u0063"]', '["a","bc"]', true],
    ['["a","b\\"c"]', '["a","b\\"d"]', false],
    ['["a\\"",1]', '["a\\"", 1]', true],
    ['{"a":[1,{"b":2}]}', '{"a":[1,{"b":2} ] }', true],
    ['[true,1]', '[true,10e-1]', true],
    ['["a', '["a ', false],
  ])('%s and %s are the same: %s', (a, b, expected) => {
    expect([same(a, b), same(b, a)]).toEqual([expected, expected]);
  });

  it('are the same only if they are the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        const [one, other] = [JSON.stringify(a), JSON.stringify(b, null, 2)];
        expect(same(one, other)).toBe(one === JSON.stringify(b));
      }),
    );
  });

  it('are the same whatever they begin with alike', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.jsonValue(), fc.jsonValue(), (start, a, b) => {
        const [one, other] = [JSON.stringify([...start, a]), JSON.stringify([...start, b])];
        expect(same(one, other)).toBe(one === other);
        const spaced = `${JSON.stringify(start).slice(0, -1)}${start.length > 0 ? ',' : ''}${JSON.stringify(b, null, 1)}\n]`;
        expect(same(one, spaced)).toBe(one === other);
      }),
    );
  });

  it('that nest deeper than a request may are not the same, wherever they begin to differ', () => {
    const nested = (depth: number, inner: string): string => `${'['.repeat(depth)}${inner}${']'.repeat(depth)}`;
    expect(same(nested(LIMITS.jsonDepth, '1'), nested(LIMITS.jsonDepth, ' 1'))).toBe(true);
    expect(same(nested(LIMITS.jsonDepth + 1, '1'), nested(LIMITS.jsonDepth + 1, ' 1'))).toBe(false);
  });

  it('of the largest size are compared without trouble', () => {
    const text = JSON.stringify({ text: '\\"'.repeat(200_000) });
    expect(same(text, ` ${text}`)).toBe(true);
    expect(same(text, ` ${text.replace('t', 'u')}`)).toBe(false);
  });
});
