import type { Field } from '@holdfast/http2';
import { type BranchResult, branchResult, resultOfGrpc } from '@holdfast/protocol';
import { decodeGrpcMessage, isGrpcType } from '@holdfast/protocol/grpc';
import { MessageCount } from './message-count.ts';

/**
 * The response to a unary call, as its parts arrive.
 *
 * UR1  The result is SUCCESS only for a complete response of gRPC with one complete message and
 *      grpc-status 0, to a request that was sent whole. Otherwise the participant might not have
 *      received the payload.
 * UR2  The status is in the trailers, or in the headers of a response without a message.
 * UR3  Only a response of gRPC decides anything: HTTP status 200 and a content type of gRPC.
 *      Otherwise a proxy might have responded instead of the participant.
 */
export class UnaryResponse {
  readonly #messages = new MessageCount();
  #head: readonly Field[] | undefined;
  #status: readonly Field[] | undefined;

  /** Whether a part has arrived. */
  get hasBegun(): boolean {
    return this.#head !== undefined;
  }

  headers(fields: readonly Field[], isLast: boolean): void {
    this.#head ??= fields;
    if (isLast) this.#status = fields;
  }

  data(bytes: Buffer): void {
    this.#messages.add(bytes);
  }

  /** The result of what cannot be a response of gRPC, whatever follows; undefined if it may be. */
  get early(): BranchResult | undefined {
    const { httpStatus } = this;
    if (this.#status !== undefined || httpStatus === '200') return undefined;
    return branchResult('UNKNOWN', `HTTP ${httpStatus} without grpc-status`);
  }

  /** The result of the complete response. */
  result(isRequestSent: boolean): BranchResult {
    const status = this.#status === undefined ? undefined : valueIn(this.#status, 'grpc-status');
    if (status === undefined) return branchResult('UNKNOWN', this.#withoutStatus());
    // Neither 00 nor 0x0 nor 1e0 is a code.
    if (!/^(?:0|[1-9]\d{0,2})$/.test(status))
      return branchResult('UNKNOWN', `grpc-status ${JSON.stringify(status.slice(0, 64))} is not a number`);
    const message = decodeGrpcMessage(valueIn(this.#status ?? [], 'grpc-message') ?? '');
    const result = resultOfGrpc(Number(status), message);
    if (result.kind === 'UNKNOWN') return result;
    const fault = this.#faultOfHead() ?? (result.kind === 'SUCCESS' ? this.#faultOfSuccess(isRequestSent) : undefined);
    if (fault === undefined) return result;
    return branchResult('UNKNOWN', `grpc-status ${status}, but ${fault}${message === '' ? '' : `: ${message}`}`);
  }

  get httpStatus(): string {
    return valueIn(this.#head ?? [], ':status') ?? '';
  }

  #withoutStatus(): string {
    return this.httpStatus === '200'
      ? 'the response has no grpc-status'
      : `HTTP ${this.httpStatus} without grpc-status`;
  }

  #faultOfHead(): string | undefined {
    if (this.httpStatus !== '200') return `HTTP ${this.httpStatus}`;
    const contentType = valueIn(this.#head ?? [], 'content-type') ?? '';
    return isGrpcType(contentType) ? undefined : `the content-type is ${JSON.stringify(contentType.slice(0, 64))}`;
  }

  #faultOfSuccess(isRequestSent: boolean): string | undefined {
    const encoding = valueIn(this.#head ?? [], 'grpc-encoding') ?? 'identity';
    const fault = this.#messages.faultOfOne(encoding !== 'identity');
    if (fault !== undefined) return fault;
    return isRequestSent ? undefined : 'the response came before the request was sent';
  }
}

/** A field that was sent several times is one list, as in HTTP: two statuses are not a number. */
function valueIn(fields: readonly Field[], name: string): string | undefined {
  let found: string | undefined;
  for (const field of fields)
    if (field.name === name) found = found === undefined ? field.value : `${found}, ${field.value}`;
  return found;
}
