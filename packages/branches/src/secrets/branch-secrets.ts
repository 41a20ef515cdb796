import type { SecretFound } from '@holdfast/protocol';

/** The secrets that `branch_headers` may name (`secret:NAME`). */
export interface BranchSecrets {
  /**
   * The present value of a secret of a namespace, or why a call must not have it: a text that
   * follows the reference, such as "is not a secret of …".
   */
  find(namespace: string, name: string): SecretFound;
}

/** A coordinator without secrets rejects every reference, so that none is sent as it is. */
export const NO_SECRETS: BranchSecrets = {
  find: () => ({ kind: 'none', why: 'names a secret, and this coordinator has no secrets' }),
};
