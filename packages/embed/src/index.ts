/** Everything of the SDK, so that an application that embeds its coordinator needs one package. */
export * from '@holdfast/client';
export { embed, type EmbeddedHoldfast } from './embed.ts';
export type { EmbedEngineOptions, EmbedOptions } from './options.ts';
export { type Branches, type DeclaredBranches, withBarrier } from './branches.ts';
export type { Alert, Logger } from '@holdfast/core';
export { type Store, StoreError, type StoreErrorCode } from '@holdfast/core/store';
export type { NodeStatus } from '@holdfast/protocol';
