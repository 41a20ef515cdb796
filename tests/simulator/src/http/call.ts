import type { BranchRequest } from '@holdfast/core';
import type { BranchResult } from '@holdfast/protocol';
import type { Checker } from '../check/checker.ts';
import { nameOf } from '../parts/case.ts';
import type { ReceivedRequest } from './sim-server.ts';

/** One use of a connection by a call. */
export interface Use {
  /** The connection had carried other calls. */
  readonly isReused: boolean;
  /** Bytes arrived at the client after the request was written. */
  hasResponse: boolean;
}

/** The facts about one call over HTTP, from its bytes and its participant. */
export class Call {
  readonly request: BranchRequest;
  readonly #checker: Checker;
  readonly #uses: Use[] = [];
  /** Kinds of the results that the participant responded with. */
  readonly #responses = new Set<string>();

  constructor(request: BranchRequest, checker: Checker) {
    this.request = request;
    this.#checker = checker;
  }

  /** The client writes the request. Returns whether it did so before. */
  sentOver(use: Use): boolean {
    const [first, ...more] = this.#uses;
    this.#uses.push(use);
    if (first === undefined) return false;
    this.#expect(more.length === 0, 'HTTP2', 'is sent a third time');
    this.#expect(first.isReused, 'HTTP2', 'is sent again although its connection was new');
    this.#expect(!first.hasResponse, 'HTTP2', 'is sent again although its response had begun');
    return true;
  }

  /** The participant has received the whole request. */
  arrived({ target, body }: ReceivedRequest, service: string): void {
    const { request } = this;
    const url = new URL(target, `http://${service}`);
    const { gid, branchId, op, pattern, payload } = request;
    const sent = [gid, pattern, branchId, op, new URL(request.url).pathname, Buffer.from(payload).toString()];
    const names = ['gid', 'trans_type', 'branch_id', 'op'];
    const arrived = [...names.map((name) => url.searchParams.get(name)), url.pathname, body];
    this.#expect(sent.join('\n') === arrived.join('\n'), 'EFF7', `arrives as ${arrived.join(' ')}`);
  }

  responded({ kind }: BranchResult): void {
    this.#responses.add(kind);
  }

  ended({ kind }: BranchResult): void {
    this.#expect(
      kind === 'UNKNOWN' || this.#responses.has(kind),
      'HTTP1',
      `has the result ${kind}, but its participant responded ${[...this.#responses].join(' and ') || 'nothing'}`,
    );
  }

  #expect(holds: boolean, invariant: 'HTTP1' | 'HTTP2' | 'EFF7', what: string): void {
    const { branchId, op } = this.request;
    this.#checker.expect(holds, invariant, nameOf(this.request), () => `${branchId} ${op} ${what}`);
  }
}
