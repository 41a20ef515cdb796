import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dtmBranch, dtmCommand, dtmTransaction, HoldfastError } from '@holdfast/protocol';

const whole = {
  gid: 'g1',
  trans_type: 'saga',
  steps: [{ action: 'http://a/', compensate: 'http://b/', data: '{}' }],
  payloads: ['{}'],
  custom_data: '{}',
  query_prepared: 'http://c/',
  protocol: 'http',
  rollback_reason: 'r',
  req_extra: { status: 'succeed' },
  wait_result: true,
  timeout_to_fail: 35,
  retry_interval: 10,
  request_timeout: 3,
  branch_headers: { 'x-a': 'b' },
  concurrent: true,
  retry_limit: 3,
};
type Field = keyof typeof whole;
const FIELDS = Object.keys(whole) as Field[];

describe("dtm's transaction", () => {
  it('may omit any field, or set it to null', () => {
    fc.assert(
      fc.property(fc.subarray(FIELDS), fc.subarray(FIELDS), (nulls, absent) => {
        const body: Record<string, unknown> = { ...whole };
        for (const field of nulls) body[field] = null;
        for (const field of absent) delete body[field];
        const read = dtmTransaction.parse(body);
        for (const field of FIELDS) expect(read[field]).toEqual(body[field]);
      }),
    );
  });

  it('may have any unknown field, which is ignored', () => {
    const unknown = fc.dictionary(
      fc.string().filter((name) => !(name in whole) && name !== '__proto__'),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(unknown, (others) => {
        expect(dtmTransaction.parse({ ...others, ...whole })).toEqual(whole);
      }),
    );
  });

  it('has no field of another type', () => {
    const others = fc.constantFrom<unknown>('text', 7.5, -1, true, ['a', 1], { a: 1 }, [[]]);
    fc.assert(
      fc.property(fc.constantFrom(...FIELDS), others, (field, value) => {
        fc.pre(typeof value !== typeof whole[field] || typeof value === 'object' || typeof value === 'number');
        fc.pre(!(field === 'steps' && JSON.stringify(value) === '[[]]'));
        const read = dtmTransaction.safeParse({ ...whole, [field]: value });
        expect(read.success).toBe(false);
        expect(read.error?.issues[0]?.path[0]).toBe(field);
      }),
    );
  });

  it('has the last value of a repeated key', () => {
    const body: unknown = JSON.parse('{"subType":"a","subType":"b","gid":"first","gid":"last"}');
    expect(dtmCommand.parse(body).gid).toBe('last');
  });
});

describe("dtm's branch", () => {
  it('is a map of texts, of which some may be null', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.option(fc.string())), (texts) => {
        expect(dtmBranch.safeParse(texts).success).toBe(true);
      }),
    );
    for (const value of [1, true, {}, []]) expect(dtmBranch.safeParse({ gid: 'g', status: value }).success).toBe(false);
  });
});

describe('an error', () => {
  it('is one of the closed set, whatever was thrown', () => {
    const refused = new HoldfastError('refused', 'no', { gid: 'g', field: ['f'], status: 'failed', cause: 1 });
    expect(HoldfastError.from(refused)).toBe(refused);
    expect(refused).toMatchObject({ code: 'refused', gid: 'g', field: ['f'], status: 'failed', cause: 1 });
    fc.assert(
      fc.property(fc.anything(), (thrown) => {
        const error = HoldfastError.from(thrown);
        expect(error).toMatchObject({ code: 'internal', gid: undefined });
      }),
    );
  });
});
