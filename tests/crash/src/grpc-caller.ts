import grpc from '@grpc/grpc-js';
import type { PublishedMethod } from './published-services.ts';
import { type Access, authorizationOf } from './secured/access.ts';

/** The end of a call: a response, or a status without one. */
export interface GrpcEnd {
  readonly code: grpc.status;
  /** Trailers of a status other than OK. */
  readonly trailer: (name: string) => string;
  /** The response's message; empty with a status other than OK. */
  readonly message: Readonly<Record<string, unknown>>;
}

/**
 * A lost connection is opened again soon: the library's pause grows to two minutes, in which every
 * call fails. Clients repeat calls themselves.
 */
const CHANNEL_OPTIONS = {
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 250,
  'grpc.enable_retries': 0,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_http_proxy': 0,
} as const;

const asBytes = (bytes: Buffer): Buffer => bytes;

/** Calls one server over gRPC, as programs with `@grpc/grpc-js` do. No call rejects. */
export class GrpcCaller {
  readonly #client: grpc.Client;
  readonly #access: Access | undefined;

  /** @param access undefined: neither TLS nor a token */
  constructor(address: string, access?: Access) {
    const { createInsecure, createSsl } = grpc.credentials;
    const credentials = access === undefined ? createInsecure() : createSsl(Buffer.from(access.ca));
    // An address is not sent as the server's name, for which Node would warn.
    const named = access === undefined ? {} : { 'grpc.ssl_target_name_override': 'localhost' };
    this.#client = new grpc.Client(address, credentials, { ...CHANNEL_OPTIONS, ...named });
    this.#access = access;
  }

  /** Calls a method of a published service. */
  call(method: PublishedMethod, request: object, timeoutMs: number): Promise<GrpcEnd> {
    return this.#unary(method, request, timeoutMs, {});
  }

  /** Calls any method, with a message as bytes. */
  callWithBytes(
    path: string,
    message: Buffer,
    timeoutMs: number,
    metadata: Readonly<Record<string, string>>,
  ): Promise<GrpcEnd> {
    const method = { path, requestSerialize: asBytes, responseDeserialize: asBytes };
    return this.#unary<Buffer, object>(method, message, timeoutMs, metadata);
  }

  #unary<Request, Response extends object>(
    method: Pick<grpc.MethodDefinition<Request, Response>, 'path' | 'requestSerialize' | 'responseDeserialize'>,
    request: Request,
    timeoutMs: number,
    metadata: Readonly<Record<string, string>>,
  ): Promise<GrpcEnd> {
    const sent = new grpc.Metadata();
    for (const [name, value] of Object.entries(metadata)) sent.set(name, value);
    const authorization = authorizationOf(this.#access);
    if (authorization !== undefined) sent.set('authorization', authorization);
    const { path, requestSerialize, responseDeserialize } = method;
    const options = { deadline: Date.now() + timeoutMs };
    return new Promise((resolve) => {
      this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        sent,
        options,
        (error, value) =>
          resolve(error === null ? { code: grpc.status.OK, trailer: () => '', message: { ...value } } : endOf(error)),
      );
    });
  }

  close(): void {
    this.#client.close();
  }
}

const endOf = ({ code, metadata }: grpc.ServiceError): GrpcEnd => ({
  code,
  trailer: (name) => String(metadata.get(name)[0] ?? ''),
  message: {},
});
