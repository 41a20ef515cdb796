import type { Coordinator } from '@holdfast/core';
import type { StoreCapabilities } from '@holdfast/core/store';
import type { NODE_OPERATIONS } from '@holdfast/protocol';
import { writeNodes, writeStatus } from '../v1/write-view.ts';
import type { ImplementationsOf } from './implementation.ts';

/** What a node reports about itself, beside its load. */
export interface NodeDescription {
  readonly version: string;
  readonly node: string;
  readonly store: StoreCapabilities;
  readonly uptimeMs: () => number;
}

export const nodeOperations = (
  coordinator: Coordinator,
  description: NodeDescription,
): ImplementationsOf<typeof NODE_OPERATIONS> => ({
  async listNodes(context) {
    return writeNodes(await coordinator.nodes(context));
  },

  async getStatus(context) {
    return writeStatus(description, coordinator.load(), await coordinator.counts(context));
  },
});
