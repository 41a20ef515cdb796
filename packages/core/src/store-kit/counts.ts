import { STATUSES, type Status } from '@holdfast/protocol';
import type { StoreCounts } from '../store/store.ts';

/** The counts of a store, each read by its name. */
export const countsOf = (read: (name: Status | 'attention') => number): StoreCounts => ({
  byStatus: Object.fromEntries(STATUSES.map((status) => [status, read(status)])) as StoreCounts['byStatus'],
  attention: read('attention'),
});
