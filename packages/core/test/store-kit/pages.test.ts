import { describe, expect, it, vi } from 'vitest';
import { encodeListCursor } from '../../src/store/cursor.ts';
import { examinedBy, keyValuePage, singlePage } from '../../src/store-kit/pages.ts';

const NAMESPACE = 'default';

describe('the page of one transaction', () => {
  it('is empty after a cursor, without a read', async () => {
    const read = vi.fn(async () => []);
    const cursor = encodeListCursor({ createdAtMs: 1, gid: 'g' });
    const page = await singlePage({ namespace: NAMESPACE, gid: 'g', limit: 1, cursor }, read);
    expect(page).toEqual({ items: [], next: null });
    expect(read).not.toHaveBeenCalled();
  });

  it('rejects a cursor of another store', async () => {
    const page = singlePage({ namespace: NAMESPACE, gid: 'g', limit: 1, cursor: 'else' }, async () => []);
    await expect(page).rejects.toMatchObject({ code: 'invalid' });
  });
});

describe('the number of records that a list examines', () => {
  it('is one more than the page without a filter, and at least the bound with one', () => {
    expect(examinedBy({ namespace: NAMESPACE, limit: 5 }, 100)).toBe(6);
    expect(examinedBy({ namespace: NAMESPACE, limit: 5, attention: false }, 100)).toBe(100);
    expect(examinedBy({ namespace: NAMESPACE, limit: 100, status: 'failed' }, 100)).toBe(101);
  });
});

describe('a page of key-values', () => {
  const item = { namespace: NAMESPACE, category: 'c', key: 'k', value: '', version: 1, createdAtMs: 1, updatedAtMs: 1 };

  it('has a cursor only if more items follow its last one', () => {
    expect(keyValuePage([item], true).next).toBe('k.k');
    expect(keyValuePage([item], false).next).toBeNull();
    expect(keyValuePage([], true).next).toBeNull();
  });
});
