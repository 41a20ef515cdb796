import type { Patch } from './patched-build.ts';

/** A build that is broken on purpose: the crash test must find it guilty. */
export interface BrokenBuild {
  readonly name: string;
  /** What it does wrong. */
  readonly wrong: string;
  readonly patches: readonly Patch[];
}

export const BROKEN_BUILDS: readonly BrokenBuild[] = [];
