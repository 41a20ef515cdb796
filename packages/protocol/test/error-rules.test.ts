import { describe, expect, it } from 'vitest';
import { ERROR_CODES, ERROR_RULES, type ErrorCode, rejectionCode } from '../src/index.ts';

describe('the table of error codes', () => {
  it('has one rule for each code', () => {
    expect(Object.keys(ERROR_RULES).sort()).toEqual([...ERROR_CODES].sort());
  });

  it.each([...ERROR_CODES])('gives %s a status of its kind, and never success', (code) => {
    const { httpStatus, reaction, title, dtm } = ERROR_RULES[code];
    expect(title).not.toBe('');
    // What may be repeated or is a bug has a status of the server, except for a caller's excess.
    if (code === 'too_many_requests') expect(httpStatus).toBe(429);
    else expect(Math.floor(httpStatus / 100)).toBe(reaction === 'reject' ? 4 : 5);
    // Clients of dtm take 409 for a FAILURE, and nothing else.
    expect(httpStatus === 409).toBe(dtm === 'FAILURE');
  });

  it('maps no temporary error to FAILURE', () => {
    for (const code of ['unavailable', 'overloaded', 'deadline_exceeded', 'internal'] as const)
      expect(ERROR_RULES[code].dtm).toBe('UNKNOWN');
  });
});

describe('a rejection', () => {
  it.each<[number, string, ErrorCode | undefined]>([
    [409, 'exists', 'exists'],
    [409, 'refused', 'refused'],
    [400, 'wrong_pattern', 'wrong_pattern'],
    [503, 'unavailable', undefined],
    [504, 'deadline_exceeded', undefined],
    [500, 'internal', undefined],
  ])('with HTTP %i and %s is %s', (status, code, expected) => {
    expect(rejectionCode(status, code)).toBe(expected);
  });

  it.each<[number, ErrorCode | undefined]>([
    [400, 'invalid'],
    [401, 'unauthenticated'],
    [403, 'forbidden'],
    [404, 'not_found'],
    [409, 'refused'],
    [413, 'too_large'],
    [500, undefined],
    [503, undefined],
    [200, undefined],
  ])('with HTTP %i and a code of a later version is %s', (status, expected) => {
    expect(rejectionCode(status, 'not_invented_yet')).toBe(expected);
    expect(rejectionCode(status, 'toString')).toBe(expected);
  });
});
