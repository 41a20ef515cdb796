import { describe, expect, it } from 'vitest';
import type { ListQuery, StoredTransaction } from '../../src/store/index.ts';
import { passesFilter, passingFilter } from '../../src/store-kit/list-filter.ts';

const CREATED_MS = 1_700_000_000_000;

const record: StoredTransaction = {
  key: { namespace: 'default', gid: 'a' },
  pattern: 'saga',
  group: '',
  status: 'submitted',
  version: 1,
  writeId: 'write',
  owner: null,
  claims: 0,
  dueAtMs: CREATED_MS,
  attention: false,
  createdAtMs: CREATED_MS,
  updatedAtMs: CREATED_MS,
  finishedAtMs: null,
  definition: new Uint8Array(),
  state: new Uint8Array(),
  entries: [],
};

const queryOf = (filter: Partial<ListQuery>): ListQuery => ({ namespace: 'default', limit: 10, ...filter });

describe('the filter of a list', () => {
  it.each<Partial<ListQuery>>([
    {},
    { status: 'submitted' },
    { pattern: 'saga' },
    { attention: false },
    { createdFromMs: CREATED_MS },
    { createdToMs: CREATED_MS },
    { status: 'submitted', pattern: 'saga', attention: false, createdFromMs: CREATED_MS, createdToMs: CREATED_MS },
  ])('%j lets a record pass that is so, the ends of a time included', (filter) => {
    expect(passesFilter(record, queryOf(filter))).toBe(true);
  });

  it.each<Partial<ListQuery>>([
    { status: 'failed' },
    { pattern: 'tcc' },
    { attention: true },
    { createdFromMs: CREATED_MS + 1 },
    { createdToMs: CREATED_MS - 1 },
    { status: 'submitted', pattern: 'saga', attention: true },
  ])('%j keeps out a record that is otherwise in one of these', (filter) => {
    expect(passesFilter(record, queryOf(filter))).toBe(false);
  });

  it('leaves out what is gone, and keeps the order of the rest', () => {
    const other = { ...record, key: { namespace: 'default', gid: 'b' } };
    const ended: StoredTransaction = { ...record, status: 'succeed' };
    expect(passingFilter([other, undefined, ended, record], queryOf({ status: 'submitted' }))).toEqual([other, record]);
  });
});
