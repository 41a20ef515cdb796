import { encodeHeaders, type Field, type Http2Stream } from '@holdfast/http2';
import type { Credentials, PrincipalLimits } from '@holdfast/api';
import type { CallContext } from '@holdfast/core';
import { HoldfastError } from '@holdfast/protocol';
import { encodeGrpcMessage, framedMessage, GRPC_STATUS, messageHead } from '@holdfast/protocol/grpc';
import { type Log, logDefect } from '../logs/log.ts';
import { admitCaller, type GrpcCallers, watchCaller } from './grpc-access.ts';
import { type CallMetadata, GrpcContext } from './grpc-context.ts';
import { GrpcError } from './grpc-error.ts';
import type { GrpcMethod } from './grpc-method.ts';

/** A longer message is sent in two pieces, so that calls with the same message share its memory. */
const LONG_BYTES = 4 * 1024;

export const GRPC_TYPE = 'application/grpc';

const HEADERS: readonly (readonly [string, string])[] = [
  [':status', '200'],
  ['content-type', GRPC_TYPE],
];
const RESPONSE_HEADERS = encodeHeaders(HEADERS);
const OK: readonly (readonly [string, string])[] = [['grpc-status', '0']];
const OK_TRAILERS = encodeHeaders(OK);

/** The client of a call. */
export type CallPeer = Pick<Credentials, 'remoteAddress' | 'clientCertificate'> & Pick<CallContext, 'connection'>;

/** What a call needs from its server. */
export interface CallOwner {
  readonly log: Log;
  readonly maxMessageBytes: number;
  /** Called after each call. */
  readonly responded: (path: string, status: number, durationMs: number) => void;
}

/** One call, until its status is sent or its stream is closed. */
export class Call {
  readonly startedMs = performance.now();
  readonly context: GrpcContext;
  readonly stream: Http2Stream;
  readonly #path: string;
  readonly #owner: CallOwner;
  readonly #abort = new AbortController();
  readonly #metadata: CallMetadata;
  /** Resolves when the caller is known, or the call has ended; undefined: the caller is known. */
  #admission: Promise<void> | undefined;
  #limits: PrincipalLimits | undefined;
  /** Bytes received before the caller is known. */
  #earlyBytes = 0;
  #isEnded = false;
  /** Ends the repeated authentication of the caller. */
  #stopWatching: (() => void) | undefined;

  constructor(stream: Http2Stream, path: string, fields: readonly Field[], owner: CallOwner) {
    this.stream = stream;
    this.#path = path;
    this.#owner = owner;
    this.#metadata = metadataOf(fields);
    this.context = new GrpcContext(this.#metadata, this.startedMs, this.#abort.signal);
  }

  /** Determines the caller. Ends the call if the caller is not authenticated. */
  admit(method: GrpcMethod | undefined, callers: GrpcCallers, peer: CallPeer): void {
    if (method?.isPublic !== true) this.#limits = callers.limits;
    this.context.connection = peer.connection;
    try {
      const credentials = { ...peer, authorization: this.#metadata.field('authorization') };
      const admission = admitCaller(this.context, method, callers, credentials);
      const admitted = (): void => {
        this.#admission = undefined;
        this.#limits?.received(this.context.principal, this.#earlyBytes);
        if (this.#isEnded || method === undefined) return;
        this.#stopWatching = watchCaller(this.context, method, callers, credentials, (error) => this.end(error));
      };
      if (admission === undefined) return admitted();
      this.#admission = admission.then(admitted, (thrown: unknown) => this.end(thrown));
    } catch (thrown) {
      this.end(thrown);
    }
  }

  /** Counts bytes of the request. */
  received(bytes: number): void {
    if (this.#limits === undefined) return;
    if (this.#admission === undefined) this.#limits.received(this.context.principal, bytes);
    else this.#earlyBytes += bytes;
  }

  /** Runs an action when the caller is known, unless the call has ended by then. */
  whenAdmitted(action: () => void): void {
    if (this.#admission === undefined) return action();
    void this.#admission.then(() => {
      if (!this.#isEnded) action();
    });
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Aborts when the call ends before its method. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Sends the response and the status OK. */
  respond(message: Uint8Array): void {
    if (this.#isEnded) return;
    this.#ended(GRPC_STATUS.ok);
    this.stream.sendHeaders(RESPONSE_HEADERS);
    this.stream.sendData(framedMessage(message));
    this.stream.sendTrailers(OK_TRAILERS);
  }

  /** Sends one of several responses. Returns false if it waits for the client's window. */
  send(message: Uint8Array): boolean {
    if (this.#isEnded) return true;
    if (!this.stream.hasSentHeaders) this.stream.sendHeaders(RESPONSE_HEADERS);
    if (message.length < LONG_BYTES) return this.stream.sendData(framedMessage(message));
    this.stream.sendData(messageHead(message));
    return this.stream.sendData(Buffer.from(message.buffer, message.byteOffset, message.byteLength));
  }

  /** Ends the call with the status of an error, or OK. */
  end(thrown?: unknown): void {
    if (this.#isEnded) return;
    const error = thrown === undefined ? undefined : this.#errorOf(thrown);
    this.#ended(error?.code ?? GRPC_STATUS.ok);
    // A streaming method runs until then, if its call was ended by an error or by the server.
    this.#abort.abort();
    const trailers = trailersOf(error);
    if (error?.discardsUnsent === true) this.stream.discardUnsent();
    if (this.stream.hasSentHeaders) this.stream.sendTrailers(encodeHeaders(trailers));
    else this.stream.sendHeaders(encodeHeaders([...HEADERS, ...trailers]), true);
  }

  /** The stream is closed: the client has disconnected, or the call has ended. */
  closed(): void {
    if (this.#isEnded) return;
    this.#ended(GRPC_STATUS.cancelled);
    this.#abort.abort();
  }

  #ended(code: number): void {
    this.#isEnded = true;
    this.#stopWatching?.();
    this.#owner.responded(this.#path, code, performance.now() - this.startedMs);
  }

  #errorOf(thrown: unknown): GrpcError {
    if (thrown instanceof GrpcError) return thrown;
    const error = HoldfastError.from(thrown);
    if (error.code === 'internal') logDefect(this.#owner.log, this.#path, error);
    return GrpcError.from(error);
  }
}

/** A field that was sent several times is one list, as in HTTP. */
const metadataOf = (fields: readonly Field[]): CallMetadata => ({
  field: (name) => {
    let found: string | undefined;
    for (const field of fields)
      if (field.name === name) found = found === undefined ? field.value : `${found}, ${field.value}`;
    return found;
  },
});

function trailersOf(error: GrpcError | undefined): readonly (readonly [string, string])[] {
  if (error === undefined) return OK;
  const details = Object.entries(error.details).map(([name, value]) => [name, encodeGrpcMessage(value)] as const);
  return [['grpc-status', String(error.code)], ['grpc-message', encodeGrpcMessage(error.message)], ...details];
}
