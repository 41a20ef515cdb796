import type { AppendItem, InsertItem, UpdateItem } from '@holdfast/core/store';

const bytes = Buffer.from('body');

/** An insert of an unowned saga that, by default, is due at once. */
export const insertOf = (gid: string, settings: Partial<InsertItem> = {}): InsertItem => ({
  kind: 'insert',
  key: { namespace: 'default', gid },
  writeId: `insert ${gid}`,
  status: 'submitted',
  owner: null,
  dueInMs: 0,
  attention: false,
  state: bytes,
  pattern: 'saga',
  group: '',
  definition: bytes,
  ...settings,
});

/** An update of version 1 that, by default, leaves the record unowned and due at once. */
export const updateOf = (gid: string, settings: Partial<UpdateItem> = {}): UpdateItem => ({
  kind: 'update',
  key: { namespace: 'default', gid },
  expectVersion: 1,
  writeId: `update ${gid}`,
  status: 'submitted',
  owner: null,
  dueInMs: 0,
  attention: false,
  state: bytes,
  ...settings,
});

/** An append of one entry to a submitted transaction. */
export const appendOf = (gid: string, key: string): AppendItem => ({
  kind: 'append',
  key: { namespace: 'default', gid },
  whenStatus: ['submitted'],
  entries: [{ key, body: bytes }],
  maxEntries: 1_000,
});
