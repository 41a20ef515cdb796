import { branchResult, refersToSecrets, resolveSecrets } from '@holdfast/protocol';
import { markSecrets } from '../http/echoed-secrets.ts';
import type { BranchInterceptor } from '../registry/branch-protocol.ts';
import type { BranchSecrets } from './branch-secrets.ts';

/**
 * Replaces the references to secrets in the headers of each call that leaves the process, and marks
 * the secrets, so that they are hidden in its result. If a secret is missing, the call is not made
 * and its result is UNKNOWN: a missing file must not undo anything.
 */
export const withSecrets =
  (secrets: BranchSecrets): BranchInterceptor =>
  (next, protocol) =>
    protocol.isInProcess === true
      ? next
      : (request, target) => {
          if (!refersToSecrets(request.headers)) return next(request, target);
          const resolved = resolveSecrets(request.headers, (name) => secrets.find(request.namespace, name));
          if (resolved.kind === 'missing')
            return Promise.resolve(branchResult('UNKNOWN', `not called: ${resolved.why} (header ${resolved.header})`));
          markSecrets(resolved.headers, resolved.secrets);
          return next({ ...request, headers: resolved.headers }, target);
        };
