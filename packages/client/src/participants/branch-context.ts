import { AsyncLocalStorage } from 'node:async_hooks';
import type { BranchCallContext } from './call.ts';

const storage = new AsyncLocalStorage<BranchCallContext>();

/** The coordinator's call that the code running now serves; undefined outside of a participant's handler. */
export const currentBranch = (): BranchCallContext | undefined => storage.getStore();

/** Runs a handler such that `currentBranch` finds its call, whatever it awaits. */
export const runInBranch = <T>(call: BranchCallContext, handler: () => T): T => storage.run(call, handler);
