import type { BranchRegistration } from '@holdfast/core';
import type { CheckedInputOf } from '@holdfast/protocol';
import { defined } from '../reading/defined.ts';
import { bytesOf, payloadOf } from './json-bytes.ts';

type RegistrationRequest = CheckedInputOf<'registerBranch'>['body'];

export interface Registration {
  readonly pattern: RegistrationRequest['pattern'];
  readonly branches: readonly BranchRegistration[];
}

/** Converts the body of `POST /api/v1/transactions/:gid/branches`. */
export function readRegistration(gid: string, request: RegistrationRequest): Registration {
  return { pattern: request.pattern, branches: branchesOf(gid, request) };
}

/** The ops of a branch are stored in the protocol's order. */
function branchesOf(gid: string, request: RegistrationRequest): readonly BranchRegistration[] {
  const { branchId } = request;
  switch (request.pattern) {
    case 'tcc': {
      const { digest } = request;
      const payload = payloadOf(request, gid, []);
      const common = { branchId, payload, status: 'prepared' as const, ...defined({ digest }) };
      const cancel = { ...common, op: 'cancel' as const, url: request.cancel };
      return request.confirm === undefined ? [cancel] : [cancel, { ...common, op: 'confirm', url: request.confirm }];
    }
    case 'xa': {
      const { url, digest } = request;
      const payload = bytesOf(undefined);
      const common = { branchId, url, payload, status: 'prepared' as const, ...defined({ digest }) };
      return [
        { ...common, op: 'rollback' },
        { ...common, op: 'commit' },
      ];
    }
    case 'workflow': {
      const { op, status, data = '' } = request;
      return [{ branchId, op, url: '', status, payload: Buffer.from(data, 'base64') }];
    }
  }
}
