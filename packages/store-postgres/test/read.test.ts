import { StoreError } from '@holdfast/core/store';
import { describe, expect, it } from 'vitest';
import type { Connection } from '../src/connection.ts';
import { read } from '../src/read.ts';
import { GET_HEADS } from '../src/statements/index.ts';

const KEY = { namespace: 'default', gid: 's' };
const HEAD = {
  ...{ namespace: 'default', gid: 's', version: 2, created_at: 1, updated_at: 1, due_at: null, finished_at: null },
  ...{ claims: 1, entry_count: 0, attention: false, status: 'submitted', pattern: 'saga', app_group: '' },
  ...{ owner: 'A.1', write_id: 'w' },
};

/** A connection whose server rejects, with an SQLSTATE, each statement that reads bodies. */
const refusing = (code: string): Connection => {
  const cause = Object.assign(new Error('refused'), { code, severity: 'ERROR' });
  const query: Connection['query'] = (statement) =>
    statement === GET_HEADS
      ? Promise.resolve([HEAD])
      : Promise.reject(new StoreError('unavailable', `PostgreSQL rejected a statement (${code})`, cause));
  return { query } as Connection;
};

describe('a read that the server rejects', () => {
  it.each([
    ['a statement timeout or a cancellation', '57014'],
    ['a lack of memory', '53200'],
    ['a full disk', '53100'],
    ['a missing privilege', '42501'],
    ['a missing table', '42P01'],
    ['a lock', '55P03'],
    ['a deadlock', '40P01'],
    ['a stack that is too small', '54001'],
  ])('for %s is thrown, because the cause is not the record', async (_, code) => {
    await expect(read(refusing(code), [KEY])).rejects.toMatchObject({ code: 'unavailable' });
    await expect(read(refusing(code), [KEY], true)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it.each([
    ['a damaged page', 'XX001'],
    ['a damaged length', 'XX000'],
    ['a value beyond a limit', '54000'],
    ['damaged text', '22021'],
    ['a block of the disk that cannot be read', '58030'],
  ])('for %s returns the record as unreadable', async (_, code) => {
    expect(await read(refusing(code), [KEY])).toMatchObject([
      { key: KEY, version: 2, owner: 'A.1', unreadable: expect.stringContaining(code) as string },
    ]);
  });
});
