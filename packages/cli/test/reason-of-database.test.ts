import { expect, it } from 'vitest';
import { reasonOf } from '../src/database/open-database.ts';

it('the reason of a database that cannot be opened has a text, whatever its driver throws', () => {
  const unreadable = new Error('away');
  Object.defineProperty(unreadable, 'message', {
    get: () => {
      throw new Error('read');
    },
  });
  for (const thrown of [null, Object.create(null), unreadable]) expect(reasonOf(thrown)).not.toBe('');
  expect(reasonOf(Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }))).toBe('ECONNREFUSED');
});
