import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../src/index.ts';

describe('a thrown value, converted to a HoldfastError', () => {
  it.each([
    ['an error of ours', new HoldfastError('refused', 'no'), 'refused', 'no'],
    ['another error', new TypeError('not a function'), 'internal', 'not a function'],
    ['a text', 'oh', 'internal', 'oh'],
    ['nothing', undefined, 'internal', 'undefined'],
    ['what has no text', Object.create(null), 'internal', 'something that has no text was thrown'],
  ])('%s', (_, thrown, code, message) => {
    expect(HoldfastError.from(thrown)).toMatchObject({ code, message });
  });
});
