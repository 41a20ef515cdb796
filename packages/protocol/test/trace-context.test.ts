import { describe, expect, it } from 'vitest';
import { parseTraceContext } from '../src/trace-context.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const VALID = `00-${TRACE}-${PARENT}-01`;

const parentOf = (value: string) => parseTraceContext(value, undefined)?.traceparent;
const stateOf = (value: string) => parseTraceContext(VALID, value)?.tracestate;

describe('traceparent', () => {
  it.each([
    ['is taken as it is', VALID, VALID],
    ['may have blanks around it', ` \t${VALID} `, VALID],
    ['may say that it is not sampled', `00-${TRACE}-${PARENT}-00`, `00-${TRACE}-${PARENT}-00`],
    ['loses flags that no version defines', `00-${TRACE}-${PARENT}-ff`, `00-${TRACE}-${PARENT}-03`],
    ['of a later version is read as version 00', `cc-${TRACE}-${PARENT}-01`, VALID],
    ['of a later version loses its additional fields', `cc-${TRACE}-${PARENT}-01-what-the-future-brings`, VALID],
  ])('%s', (_, value, expected) => {
    expect(parentOf(value)).toBe(expected);
  });

  it.each([
    ['is empty', ''],
    ['has the invalid version', `ff-${TRACE}-${PARENT}-01`],
    ['has no trace', `00-${'0'.repeat(32)}-${PARENT}-01`],
    ['has no parent', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['has capitals', VALID.toUpperCase()],
    ['is of version 00 and longer', `${VALID}-00`],
    ['is of a later version without a separator', `cc-${TRACE}-${PARENT}-01.more`],
    ['is too short', VALID.slice(0, -1)],
    ['has another separator', VALID.replaceAll('-', '_')],
    ['is a list', `${VALID},${VALID}`],
    ['contains a line break', `cc-${TRACE}-${PARENT}-01-a\r\nb: c`],
    ['is huge', `cc-${TRACE}-${PARENT}-01-${'a'.repeat(10_000)}`],
  ])('that %s is ignored, and its tracestate with it', (_, value) => {
    expect(parseTraceContext(value, 'a=1')).toBeUndefined();
  });

  it('is not known without the header', () => {
    expect(parseTraceContext(undefined, 'a=1')).toBeUndefined();
  });
});

describe('tracestate', () => {
  it.each([
    ['one member', 'rojo=00f067aa0ba902b7', 'rojo=00f067aa0ba902b7'],
    ['several, with blanks and empty ones between them', ' a=1 ,\t, b=2,', 'a=1,b=2'],
    ['the key of a tenant', 'fw529a3039@dt=FfAB', 'fw529a3039@dt=FfAB'],
    ['a value with blanks inside', 'a=b c', 'a=b c'],
  ])('with %s is kept', (_, value, expected) => {
    expect(stateOf(value)).toBe(expected);
  });

  it.each([
    ['a key in capitals', 'A=1'],
    ['no value', 'a='],
    ['no key', '=1'],
    ['no equals sign', 'a'],
    ['two equals signs', 'a=1=2'],
    ['one key twice', 'a=1,b=2,a=3'],
    ['a line break', 'a=1\r\nb: 2'],
    ['a character beyond ASCII', 'a=é'],
    ['33 members', Array.from({ length: 33 }, (_, i) => `k${i}=1`).join(',')],
    ['a key of 257 characters', `${'k'.repeat(257)}=1`],
    ['a value of 257 characters', `k=${'v'.repeat(257)}`],
    ['nothing but commas', ',,,'],
    ['more than any valid one', `a=1,${' '.repeat(20_000)}`],
  ])('with %s is ignored alone', (_, value) => {
    expect(parseTraceContext(VALID, value)).toEqual({ traceparent: VALID });
  });

  it('of more than 512 characters loses long members first, then the oldest', () => {
    const long = `long=${'x'.repeat(200)}`;
    const short = Array.from({ length: 6 }, (_, i) => `k${i}=${String(i).repeat(97)}`);
    expect(stateOf([short[0], long, ...short.slice(1)].join(','))).toBe(short.slice(0, 5).join(','));
  });

  it('may have 512 characters', () => {
    const members = [`a=${'1'.repeat(254)}`, `b=${'2'.repeat(253)}`].join(',');
    expect(members.length).toBe(512);
    expect(stateOf(members)).toBe(members);
    expect(stateOf(`${members}3`)?.length).toBe(256);
  });
});
