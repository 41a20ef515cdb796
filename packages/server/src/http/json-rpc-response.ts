import { JSON_TYPE, type Reply, textReply } from './reply.ts';

export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** The result or error of one request. */
export type RpcResponse = { readonly result: unknown } | { readonly error: RpcError };

/** An error without or with `data`. */
export const failed = (code: number, message: string, data?: Readonly<Record<string, unknown>>): RpcResponse => ({
  error: { code, message, ...(data !== undefined && { data }) },
});

/** A reply to a request whose ID could not be read. */
export const replyTo = (status: number, response: RpcResponse, head?: readonly string[]): Reply =>
  textReply(status, responseText('null', response), JSON_TYPE, head);

/** A response object; `id` is a JSON text. */
export const responseText = (id: string, response: RpcResponse): string =>
  `{"jsonrpc":"2.0","id":${id},${JSON.stringify(response).slice(1)}`;
