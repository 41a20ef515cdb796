import type { BranchCaller, BranchRequest, CallContents } from '@holdfast/core';
import { type BranchResult, SUCCESS, uncallable } from '@holdfast/protocol';
import { BranchHeaderError } from './http/branch-headers.ts';
import type { BranchRegistry } from './registry/branch-registry.ts';

/** The result for an empty URL: there is nothing to do. */
const NOTHING_TO_DO: Promise<BranchResult> = Promise.resolve(SUCCESS);

/** The engine's caller of branches: calls each branch by the protocol that the registry finds. */
export class BranchRouter implements BranchCaller {
  readonly #registry: BranchRegistry;

  constructor(registry: BranchRegistry) {
    this.#registry = registry;
  }

  call(request: BranchRequest): Promise<BranchResult> {
    if (request.url === '') return NOTHING_TO_DO;
    try {
      const { call, target } = this.#registry.of(request.url, request.protocol);
      return call(request, target);
    } catch (error) {
      if (!(error instanceof BranchHeaderError)) throw error;
      return Promise.resolve(uncallable(error.message));
    }
  }

  destinationOf(url: string): string {
    return this.#registry.destinationOf(url);
  }

  faultOf(url: string, contents: CallContents): string | undefined {
    return url === '' ? undefined : this.#registry.faultOf(url, contents);
  }

  dependsOnContents(url: string): boolean {
    return url !== '' && this.#registry.dependsOnContents(url);
  }

  refusalOf(url: string, namespace: string): string | undefined {
    return url === '' ? undefined : this.#registry.refusalOf(url, namespace);
  }

  /** Closes every connection. */
  close(): Promise<void> {
    return this.#registry.close();
  }
}
