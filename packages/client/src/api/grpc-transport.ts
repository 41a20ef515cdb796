import {
  basicAuthorization,
  ERROR_RULES,
  type ErrorCode,
  type FieldNames,
  HoldfastError,
  type InputOf,
  isRejectionCode,
  operationOf,
  type OperationName,
  renameField,
  renderError,
  type Status,
  STATUSES,
  type TransactionDetails,
  watchEvent,
  withoutField,
} from '@holdfast/protocol';
import { formatGrpcTimeout, holdfastPath, holdfastService, type OperationMessages } from '@holdfast/protocol/grpc';
import type { Client, Metadata, ServiceError } from '@grpc/grpc-js';
import { UnexpectedResponse } from '../errors.ts';
import type { ApiCall, ApiResponse } from './api.ts';
import { callerFields } from './caller-fields.ts';
import { Ending } from './ending.ts';
import { GrpcClients } from './grpc-clients.ts';
import { refuseWithoutTls } from './client-tls.ts';
import { connected } from './grpc-connected.ts';
import { type GrpcLibrary, loadGrpc } from './grpc-library.ts';
import { isServiceError, serverStream } from './grpc-stream.ts';
import { unary } from './grpc-unary.ts';
import type { HttpApiOptions } from './http-transport.ts';
import { type RejectedRequest, rejectionOf } from './rejection.ts';
import { LONGEST_TIMER_MS } from '../longest-timer.ts';
import type { WatchCall, WatchedCoordinator, WatchEnd } from './watching.ts';
import { attemptTimes, callRepeatedly, type Outcome } from './repeated-call.ts';

/** Reads a JSON value, or throws. */
interface Schema<T> {
  parse(value: unknown): T;
}

export interface GrpcRequest<T> {
  readonly operation: OperationName;
  readonly input: InputOf<OperationName>;
  readonly schema: Schema<T>;
  /** For error messages. */
  readonly gid?: string;
}

/** Pages and transactions are bounded, as over HTTP. */
const MAX_RESPONSE_BYTES = 32 * 1024 * 1024;

const CHANNEL_OPTIONS = {
  'grpc.max_receive_message_length': MAX_RESPONSE_BYTES,
  // A watch, or a long wait, may receive nothing for a long time: pings detect a lost connection.
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 20_000,
} as const;

const FORM = /^(grpcs?):\/\/(?:([^/?#]*)@)?((?:\[[0-9a-f:.]+\]|[^\s:/@,[\]?#]+):\d{1,5})\/?$/i;

/**
 * Sends requests to the coordinator's service `holdfast.v1` and repeats them as `HttpTransport`
 * does.
 */
export class GrpcTransport {
  /** Without credentials. */
  readonly url: string;
  /** `host:port`. */
  readonly address: string;
  readonly #isSecure: boolean;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #options: HttpApiOptions;
  readonly #running = new Map<Promise<unknown>, Ending>();
  readonly #watches = new Set<Ending>();
  readonly #callerFields: () => Readonly<Record<string, string>>;
  #clients: GrpcClients | undefined;
  #closing: Promise<void> | undefined;

  constructor(url: string, options: HttpApiOptions) {
    const match = FORM.exec(url);
    // The URL may contain a password.
    if (match === null)
      throw new TypeError(
        "a coordinator's URL looks like grpc://127.0.0.1:36790, with a port and without a path; percent-encode what is special in a password",
      );
    const [, scheme = '', account = '', address = ''] = match;
    this.#isSecure = scheme.toLowerCase() === 'grpcs';
    this.address = address;
    refuseWithoutTls(options.tls, this.#isSecure);
    this.url = `${scheme.toLowerCase()}://${address}`;
    this.#options = options;
    this.#headers = metadataFields(account, options.headers);
    this.#callerFields = callerFields(options, options.headers);
  }

  async call<T>(request: GrpcRequest<T>, call: ApiCall): Promise<ApiResponse<T>> {
    const { gid, operation } = request;
    const coordinator = {
      url: this.url,
      retryForMs: this.#options.retryForMs,
      isClosed: () => this.#closing !== undefined,
    };
    return callRepeatedly(coordinator, {
      ...call,
      gid,
      isQuery: operationOf(operation).method === 'GET',
      attempt: (waitMs) => this.#attempt(request, call, waitMs),
    });
  }

  /** Waits for the calls in progress. Can be called again. */
  close(): Promise<void> {
    // They may last as long as their transactions.
    for (const ending of this.#watches) ending.end();
    return (this.#closing ??= this.#whenIdle());
  }

  /** For watches. */
  get coordinator(): WatchedCoordinator {
    return { name: this.url, isClosed: () => this.#closing !== undefined };
  }

  /** Watches a transaction over one connection. */
  async *watch(call: WatchCall, afterVersion: number): AsyncGenerator<TransactionDetails, WatchEnd, undefined> {
    const { gid, signal } = call;
    const messages = holdfastService().streams.watch;
    const ending = new Ending(LONGEST_TIMER_MS, signal);
    this.#watches.add(ending);
    try {
      const input = { body: { transactions: [{ gid, ...(afterVersion > 0 && { afterVersion }) }] } };
      const message = messages.encodeInput(input);
      const grpc = await loadGrpc();
      const client = this.#clientOf(grpc);
      const unconnected = await connected(grpc, client, ending.signal);
      if (unconnected !== undefined) return { kind: 'retry', cause: unconnected };
      const path = holdfastPath(messages);
      for await (const event of serverStream(
        client,
        { path, message, metadata: this.#metadata(grpc, Infinity) },
        ending,
      ))
        yield this.#readEvent(messages, gid, event);
      signal?.throwIfAborted();
      return { kind: 'retry', cause: new Error('the coordinator ended the stream') };
    } catch (thrown) {
      signal?.throwIfAborted();
      if (!isServiceError(thrown)) throw thrown;
      const end = this.#readError(await loadGrpc(), { operation: 'watch', input: {}, gid }, messages, thrown);
      return end.kind === 'rejected' ? end : { kind: 'retry', cause: thrown };
    } finally {
      this.#watches.delete(ending);
      ending.over();
    }
  }

  #readEvent(messages: OperationMessages, gid: string, event: Buffer): TransactionDetails {
    try {
      return watchEvent.parse(messages.decodeResult(event)).transaction;
    } catch (error) {
      throw new UnexpectedResponse(this.url, gid, undefined, 'this client cannot read the message', error, 0);
    }
  }

  #clientOf(grpc: GrpcLibrary): Client {
    const clients = (this.#clients ??= new GrpcClients(grpc, CHANNEL_OPTIONS, this.#options.tls));
    return clients.of({ scheme: '', server: this.address, isSecure: this.#isSecure });
  }

  /** Ends the calls in progress: their outcomes are unknown. */
  async destroy(): Promise<void> {
    this.#closing ??= this.#whenIdle();
    for (const ending of this.#running.values()) ending.end();
    await this.#closing;
  }

  async #whenIdle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running.keys());
    this.#clients?.close();
  }

  async #attempt<T>(request: GrpcRequest<T>, call: ApiCall, waitMs: number | undefined): Promise<Outcome<T>> {
    call.signal?.throwIfAborted();
    const messages = holdfastService().operations[request.operation];
    const times = attemptTimes(this.#options.requestTimeoutMs, waitMs, call);
    let message: Buffer;
    try {
      message = messages.encodeInput(request.input, waitMs);
    } catch (thrown) {
      return { kind: 'rejected', rejection: ownRejection(request, HoldfastError.from(thrown)) };
    }
    const ending = new Ending(times.clientMs, call.signal);
    const running = this.#send(request, messages, message, times.coordinatorMs, ending);
    this.#running.set(running, ending);
    try {
      const outcome = await running;
      if (outcome.kind === 'retry') call.signal?.throwIfAborted();
      if (outcome.kind !== 'retry' || !ending.isLate) return outcome;
      return {
        ...outcome,
        cause: new Error(`no response within ${Math.round(times.clientMs)} ms`, { cause: outcome.cause }),
      };
    } finally {
      this.#running.delete(running);
      ending.over();
    }
  }

  async #send<T>(
    request: GrpcRequest<T>,
    messages: OperationMessages,
    message: Buffer,
    coordinatorMs: number,
    ending: Ending,
  ): Promise<Outcome<T>> {
    const grpc = await loadGrpc();
    const client = this.#clientOf(grpc);
    const unconnected = await connected(grpc, client, ending.signal);
    if (unconnected !== undefined) return { kind: 'retry', cause: unconnected, sent: false };
    const metadata = this.#metadata(grpc, coordinatorMs);
    const end = await unary(client, { path: holdfastPath(messages), message, metadata, timeoutMs: Infinity }, ending);
    if (end.isOk) return this.#read(request, messages, end.message);
    // Perhaps the other side no longer exists.
    if (ending.isLate) this.#clients?.replace(client);
    return this.#readError(grpc, request, messages, end.error);
  }

  #metadata(grpc: GrpcLibrary, coordinatorMs: number): Metadata {
    const metadata = new grpc.Metadata();
    // The coordinator responds by then; this side waits a little longer for its response.
    if (coordinatorMs < Infinity) metadata.set('grpc-timeout', formatGrpcTimeout(coordinatorMs));
    for (const [name, value] of Object.entries({ ...this.#headers, ...this.#callerFields() }))
      metadata.set(name, value);
    return metadata;
  }

  #read<T>({ schema, gid }: GrpcRequest<T>, messages: OperationMessages, message: Buffer): Outcome<T> {
    try {
      return { kind: 'done', value: schema.parse(messages.decodeResult(message)) };
    } catch (error) {
      throw new UnexpectedResponse(this.url, gid, undefined, 'this client cannot read the message', error, 0);
    }
  }

  #readError(
    grpc: GrpcLibrary,
    request: RejectedRequest & Pick<GrpcRequest<unknown>, 'gid'>,
    messages: OperationMessages,
    error: ServiceError,
  ): Exclude<Outcome<never>, { kind: 'done' }> {
    const { code, details } = error;
    const stated = statedIn(error, code);
    if (stated.code === undefined) {
      const isAway = [grpc.status.UNAVAILABLE, grpc.status.DEADLINE_EXCEEDED, grpc.status.CANCELLED].includes(code);
      if (isAway) return { kind: 'retry', cause: error, sent: true };
      // A coordinator states its code, unless it rejects the connection: the library then returns
      // this status, without the reason.
      const isRefused = code === grpc.status.PERMISSION_DENIED;
      throw new UnexpectedResponse(
        this.url,
        request.gid,
        undefined,
        isRefused ? `${details}: ${connectionNeeds(this.#isSecure)}` : details,
        error,
        code,
      );
    }
    if (isRejectionCode(stated.code)) {
      const field = stated.field === undefined ? undefined : renameField(stated.field, namesInApi(messages));
      const fault = stated.field === undefined ? undefined : withoutField(stated.field, details);
      const gid = stated.gid ?? request.gid;
      const rejection = { message: details, fault, field, gid, status: stated.status, cause: error };
      return { kind: 'rejected', rejection: rejectionOf(request, stated.code, rejection) };
    }
    if (ERROR_RULES[stated.code].reaction === 'bug')
      throw new UnexpectedResponse(this.url, request.gid, undefined, details, error, code);
    const outcome = stated.code === 'deadline_exceeded' && { outcome: stated.outcome };
    // The coordinator has done nothing for a caller that has reached a limit.
    return { kind: 'retry', cause: error, sent: stated.code !== 'too_many_requests', ...outcome };
  }
}

/** What a coordinator that rejects a connection may require. */
const connectionNeeds = (isSecure: boolean): string =>
  isSecure
    ? 'the coordinator may require a client certificate of an authority that it trusts (tls: { cert, key })'
    : 'the coordinator may require TLS (grpcs://)';

/** What the trailers of an error state; all of it is absent in an error that a proxy sent. */
function statedIn({ metadata }: ServiceError, grpcCode: number) {
  const trailer = (name: string): string | undefined => {
    const [value] = metadata.get(`holdfast-${name}`);
    return typeof value === 'string' ? value : undefined;
  };
  const status = trailer('status');
  return {
    code: codeOf(trailer('code'), grpcCode),
    field: trailer('field'),
    gid: trailer('gid'),
    status: STATUSES.find((known): known is Status => known === status),
    outcome: trailer('outcome') === 'not_started' ? ('not_started' as const) : ('unknown' as const),
  };
}

/** A code of a later version counts as the code of a rejection that its status had before. */
function codeOf(stated: string | undefined, grpcCode: number): ErrorCode | undefined {
  if (stated === undefined) return undefined;
  const codes = Object.keys(ERROR_RULES) as ErrorCode[];
  return (
    codes.find((code) => code === stated) ??
    codes.find((code) => isRejectionCode(code) && ERROR_RULES[code].grpcStatus === grpcCode)
  );
}

const inApi = new WeakMap<OperationMessages, FieldNames>();

/** The names of the fields in `/api/v1`, by those in the message. */
function namesInApi(messages: OperationMessages): FieldNames {
  const known = inApi.get(messages);
  if (known !== undefined) return known;
  const names = Object.fromEntries(Object.entries(messages.fieldNames).map(([api, proto]) => [proto, api]));
  inApi.set(messages, names);
  return names;
}

/** The rejection of an input that has no message, before it is sent. */
function ownRejection(request: GrpcRequest<unknown>, error: HoldfastError) {
  const { code, gid = request.gid, ...rendered } = renderError(error);
  if (!isRejectionCode(code)) throw error;
  return rejectionOf(request, code, { ...rendered, gid, cause: error });
}

const NAME = /^[0-9a-z_.-]+$/;
const VALUE = /^[\x20-\x7e]*$/;

/** Throws a TypeError for what metadata cannot have. */
function metadataFields(account: string, headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const fields: Record<string, string> = {};
  const authorization = account === '' ? '' : basicAuthorization(new URL(`http://${account}@host`));
  if (authorization !== '') fields['authorization'] = authorization;
  for (const [given, value] of Object.entries(headers)) {
    const name = given.toLowerCase();
    if (!NAME.test(name) || name.endsWith('-bin') || !VALUE.test(value))
      throw new TypeError(`connect(): the header ${JSON.stringify(given)} cannot be sent over gRPC`);
    fields[name] = value.trim();
  }
  return fields;
}
