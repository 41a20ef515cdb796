import type { BranchRequest } from '@holdfast/core';

/** An ordinary branch call, with the changes that a test needs. */
export function branchRequest(url: string, changes: Partial<BranchRequest> = {}): BranchRequest {
  return {
    namespace: 'default',
    gid: 'g1',
    pattern: 'saga',
    branchId: '01',
    op: 'action',
    attempt: 1,
    url,
    protocol: 'http',
    payload: new Uint8Array(),
    alwaysPost: false,
    headers: {},
    timeoutMs: 5_000,
    ...changes,
  };
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
