import type { StoredTransaction } from '@holdfast/core/store';

/** A record as it lies in a file of an earlier format: its bodies as hex. */
export type GoldenRecord = Omit<StoredTransaction, 'definition' | 'state' | 'entries'> & {
  readonly definition: string;
  readonly state: string;
  readonly entries: readonly { readonly key: string; readonly body: string }[];
};

/** Bytes from hex. */
export const unhex = (hex: string): Buffer => Buffer.from(hex, 'hex');

/** The record that a store must read. */
export const thaw = (record: GoldenRecord): StoredTransaction => ({
  ...record,
  definition: unhex(record.definition),
  state: unhex(record.state),
  entries: record.entries.map(({ key, body }) => ({ key, body: unhex(body) })),
});
