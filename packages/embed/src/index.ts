export { embed, type EmbeddedHoldfast } from './embed.ts';
export type { EmbedEngineOptions, EmbedOptions } from './options.ts';
export { type Branches, type DeclaredBranches, withBarrier } from './branches.ts';
export { type Alert, type Logger, type Store, StoreError, type StoreErrorCode } from '@holdfast/core';
export { BranchFailure, BranchOngoing, type NodeStatus } from '@holdfast/protocol';
export type { BranchCallContext, BranchHandler, Holdfast } from '@holdfast/client/api';
