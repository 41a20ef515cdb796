import { expect, it } from 'vitest';
import { z } from 'zod';
import { HoldfastError, renderError } from '@holdfast/protocol';
import { parse } from '../../src/reading/parse.ts';

const schema = z.strictObject({
  gid: z.string().min(1).max(8).optional(),
  pattern: z.enum(['saga', 'msg']).optional(),
  steps: z
    .array(z.strictObject({ action: z.string(), after: z.array(z.number().int().min(0)).optional() }))
    .max(2)
    .optional(),
  waitMs: z.number().positive().max(10).optional(),
  headers: z.record(z.string().max(3), z.string()).optional(),
  either: z.union([z.string(), z.boolean()]).optional(),
  own: z.string().regex(/^a/, 'starts with an a').optional(),
});

/** The error's message for a caller. */
function rejectionOf(read: () => unknown): string | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    return renderError(HoldfastError.from(error)).message;
  }
}

it.each([
  [{ gid: 'too-long-a-gid' }, 'gid: must have at most 8 characters, not 14'],
  [{ gid: '' }, 'gid: must have at least 1 character, not 0'],
  [{ gid: 7 }, 'gid: must be a string, not 7'],
  [{ pattern: 'sagas' }, 'pattern: must be one of "saga", "msg"'],
  [{ steps: [{}] }, 'steps[0].action: is missing; it must be a string'],
  [{ steps: {} }, 'steps: must be an array, not an object'],
  [{ steps: [1] }, 'steps[0]: must be an object, not 1'],
  [{ steps: [{ action: 'a' }, { action: 'b' }, { action: 'c' }] }, 'steps: must have at most 2 elements, not 3'],
  [{ steps: [{ action: 'a', after: [0.5] }] }, 'steps[0].after[0]: must be a whole number, not 0.5'],
  [{ steps: [{ action: 'a', after: [-1] }] }, 'steps[0].after[0]: must be at least 0'],
  [{ waitMs: 11 }, 'waitMs: must be at most 10'],
  [{ waitMs: 0 }, 'waitMs: must be more than 0'],
  [{ stepz: [], other: 1 }, 'the request has no field "stepz", "other"'],
  [{ headers: { long: 'x' } }, 'headers.long: has a name that is not allowed: must have at most 3 characters, not 4'],
  [{ either: 7 }, 'either: must be a string or a boolean, not 7'],
  [{ own: 'b' }, 'own: starts with an a'],
  [null, 'the request must be an object, not null'],
])('a field that is wrong is named with its bound, in plain words: %j', (value, message) => {
  expect(rejectionOf(() => parse(schema, value))).toBe(message);
});
