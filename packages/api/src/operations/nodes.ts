import type { NODE_OPERATIONS } from '@holdfast/protocol';
import type { Handlers } from '../handlers/table.ts';
import { writeNodes, writeStatus } from '../v1/write-view.ts';
import type { ImplementationsOf } from './implementation.ts';

export const nodeOperations = (handlers: Handlers): ImplementationsOf<typeof NODE_OPERATIONS> => ({
  async listNodes(context) {
    return writeNodes(await handlers.nodes(context, undefined));
  },

  async getStatus(context) {
    return writeStatus(await handlers.status(context, undefined));
  },
});
