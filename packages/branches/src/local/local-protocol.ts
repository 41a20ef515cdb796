import type { BranchRequest } from '@holdfast/core';
import type { BranchResult } from '@holdfast/protocol';
import type { AdmissionContext, BranchProtocol, BranchTarget, Origin } from '../registry/branch-protocol.ts';
import type { LocalBranches } from './local-branches.ts';

const SCHEME = 'local://';

interface LocalTarget extends BranchTarget {
  /** Name of the registered function. */
  readonly name: string;
}

/** Functions of this process, as `local://NAME`. */
export class LocalProtocol implements BranchProtocol<LocalTarget> {
  readonly name = 'local';
  readonly isInProcess = true;
  readonly #locals: LocalBranches;

  constructor(locals: LocalBranches) {
    this.#locals = locals;
  }

  matches(url: string): boolean {
    return url.startsWith(SCHEME);
  }

  parse(url: string): LocalTarget {
    return { destination: url, name: url.slice(SCHEME.length) };
  }

  admit({ name }: LocalTarget, _context: AdmissionContext, origin: Origin): string | undefined {
    if (origin === 'network')
      return 'a local:// branch cannot be named over the network, only by the process that hosts it';
    return this.#locals.has(name) ? undefined : 'no branch of that name was given to this process when it started';
  }

  call(request: BranchRequest, { name }: LocalTarget): Promise<BranchResult> {
    return this.#locals.call(name, request);
  }
}
