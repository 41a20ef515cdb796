import { callId, grpcTarget, parseCallId } from '@holdfast/protocol/signing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const part = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 128 });

describe('a webhook-id', () => {
  it('is gid.branch.op.attempt', () => {
    expect(callId('01hf', '01', 'action', 3)).toBe('01hf.01.action.3');
  });

  it.each([
    ['a.b', 'a%2Eb.01.op.1'],
    ['Grüße', 'Gr%C3%BC%C3%9Fe.01.op.1'],
    ["it's 100% (or *)!", 'it%27s%20100%25%20%28or%20%2A%29%21.01.op.1'],
    ['~_-', '~_-.01.op.1'],
  ])('percent-encodes the gid %s', (gid, id) => {
    expect(callId(gid, '01', 'op', 1)).toBe(id);
  });

  it('has exactly three dots, is ASCII, and gives its parts back, whatever they are', () => {
    fc.assert(
      fc.property(part, part, part, fc.nat(), (gid, branchId, op, attempt) => {
        const id = callId(gid, branchId, op, attempt);
        expect(id).toMatch(/^[\w~%-]+\.[\w~%-]+\.[\w~%-]+\.\d+$/);
        expect(parseCallId(id)).toEqual({ gid, branchId, op, attempt });
      }),
    );
  });

  it('is different for different calls', () => {
    fc.assert(
      fc.property(fc.tuple(part, part, part, fc.nat()), fc.tuple(part, part, part, fc.nat()), (a, b) => {
        fc.pre(JSON.stringify(a) !== JSON.stringify(b));
        expect(callId(...a)).not.toBe(callId(...b));
      }),
    );
  });

  it('of 128 characters that each take nine is shorter than what servers accept as a header', () => {
    expect(callId('\uffee'.repeat(128), '01', 'action', 1).length).toBeLessThan(2_048);
  });

  it.each(['', 'a.b.c', 'a.b.c.d', 'a.b.c.1.2', '.b.c.1', 'a.%zz.c.1'])('is not the text %s', (text) => {
    expect(parseCallId(text)).toBeUndefined();
  });
});

describe('the target of a call over gRPC', () => {
  it('has the coordinates in a fixed order, and the rest by name', () => {
    const fields = { op: 'try', run: 'b c', branch_id: '01', a: "'", trans_type: 'tcc', gid: 'g.1' };
    expect(grpcTarget('/bank.Bank/Debit', Object.entries(fields))).toBe(
      '/bank.Bank/Debit?gid=g.1&trans_type=tcc&branch_id=01&op=try&a=%27&run=b%20c',
    );
  });
});
