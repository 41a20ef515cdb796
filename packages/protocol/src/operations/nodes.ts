import { nodeList } from '../api-v1.ts';
import { nodeStatus } from '../api-v1-status.ts';
import type { Operation } from './operation.ts';

/** Operations on nodes. */
export const NODE_OPERATIONS = {
  listNodes: {
    summary: 'Lists the live coordinators over this store.',
    kind: 'query',
    role: 'viewer',
    audited: false,
    method: 'GET',
    path: '/nodes',
    result: nodeList,
  },
  getStatus: {
    summary: 'Reads the version and load of this node, and the counts of its store.',
    kind: 'query',
    role: 'viewer',
    audited: false,
    method: 'GET',
    path: '/status',
    result: nodeStatus,
  },
} as const satisfies Readonly<Record<string, Operation>>;
