import type { StreamReceiver } from '@holdfast/http2';
import { GRPC_STATUS } from '@holdfast/protocol/grpc';
import type { Call } from './call.ts';
import { GrpcError } from './grpc-error.ts';
import type { EventsMethod, StreamMethod, UnaryMethod } from './grpc-method.ts';
import { GRPC_SERVER_SETTINGS } from './grpc-settings.ts';
import { MessageReader } from './message-reader.ts';
import { RequestQueue } from './request-queue.ts';

/** The longest message that may share the memory of the piece in which it came. */
const ONE_PIECE_BYTES = 16 * 1024;

/** The received bytes of all calls that are not complete, or that wait for their method. */
export class HeldBytes {
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number = GRPC_SERVER_SETTINGS.maxHeldBytes) {
    this.#maxBytes = maxBytes;
  }

  get areTooMany(): boolean {
    return this.#bytes > this.#maxBytes;
  }

  change(bytes: number): void {
    this.#bytes += bytes;
  }
}

/** What the receiver of a call needs. */
export interface ReceiverOptions {
  readonly call: Call;
  readonly maxMessageBytes: number;
  readonly held: HeldBytes;
  /** Called when the whole request has come. */
  readonly received?: () => void;
  /** Called when the stream is closed. */
  readonly closed: () => void;
}

/** Receives the requests of one call. An error in them ends the call. */
abstract class RequestReceiver implements StreamReceiver {
  protected readonly call: Call;
  protected readonly reader: MessageReader;
  readonly #options: ReceiverOptions;
  #heldBytes = 0;
  #isClosed = false;

  constructor(options: ReceiverOptions) {
    this.call = options.call;
    this.reader = new MessageReader(options.maxMessageBytes);
    this.#options = options;
  }

  /** Takes the messages that are complete now. */
  protected abstract read(): void;

  /** The peer has sent everything, and no bytes are left. */
  protected abstract finish(): void;

  /** Whether the rest of the request is not needed. */
  protected get isOver(): boolean {
    return this.call.isEnded;
  }

  /** Whether bytes are left in the reader on purpose. */
  protected get isPaused(): boolean {
    return false;
  }

  /** Bytes of complete messages that are held. */
  protected abstract get messageBytes(): number;

  /** Trailers of a request have no meaning in gRPC. */
  headers(): void {}

  data(piece: Buffer): void {
    if (this.isOver) return;
    this.call.received(piece.length);
    this.reader.add(piece);
    this.readSafely();
    if (!this.isPaused) this.call.stream.consume(piece.length);
  }

  complete(): void {
    this.#options.received?.();
    if (this.isOver || this.isPaused) return;
    const { heldBytes } = this.reader;
    if (heldBytes > 0) this.fail(truncated(heldBytes));
    else this.finish();
  }

  drained(): void {}

  closed(): void {
    this.#hold(0);
    this.#isClosed = true;
    this.#options.closed();
    this.call.closed();
  }

  /** `read`, with its errors as the end of the call. */
  protected readSafely(): void {
    try {
      this.read();
      this.reader.keep();
      this.hold();
      // A message that came in one piece needs no room.
      if (this.#heldBytes > 0 && this.#options.held.areTooMany) throw tooManyBytes();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Ends the call with an error in its request. */
  fail(error: unknown): void {
    this.call.end(error);
  }

  /** Counts what is held now. */
  protected hold(): void {
    // A method may take requests after the end of its call.
    if (!this.#isClosed) this.#hold(this.reader.heldBytes + this.messageBytes);
  }

  #hold(bytes: number): void {
    if (bytes === this.#heldBytes) return;
    this.#options.held.change(bytes - this.#heldBytes);
    this.#heldBytes = bytes;
  }
}

/** Promises that resolve when all bytes of a call have been sent, or when it is closed. */
class Drains {
  #waiting: (() => void)[] = [];

  next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  resolve(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** The request of a method that takes one. The method is called when the whole request has come. */
export class OneRequest extends RequestReceiver {
  readonly #method: UnaryMethod | EventsMethod;
  /** Of a method with several responses. */
  #drains: Drains | undefined;
  #request: Buffer | undefined;
  /** Bytes of the request that count as held, until the call has ended. */
  #messageBytes = 0;
  #isComplete = false;
  #isRejected = false;

  constructor(method: UnaryMethod | EventsMethod, options: ReceiverOptions) {
    super(options);
    this.#method = method;
  }

  protected read(): void {
    for (let message = this.reader.next(); message !== undefined; message = this.reader.next()) {
      if (this.#request !== undefined)
        throw new GrpcError(GRPC_STATUS.invalidArgument, 'the method takes one request, not several');
      this.#request = message;
      // Only a request that came with its end in one piece is not held.
      if (message.length > ONE_PIECE_BYTES) this.#messageBytes = message.length;
      else queueMicrotask(() => this.#keep());
    }
  }

  protected get messageBytes(): number {
    return this.#messageBytes;
  }

  /** Copies a message whose call waits for the end of the request: it would keep its piece. */
  #keep(): void {
    if (this.#isComplete || this.isOver || this.#request === undefined) return;
    this.#request = Buffer.from(this.#request);
    this.#messageBytes = this.#request.length;
    this.readSafely();
  }

  protected override get isOver(): boolean {
    return this.#isRejected || super.isOver;
  }

  /** The interceptors of the method's operation apply to a request that does not reach it. */
  override fail(error: unknown): void {
    if (this.isOver) return;
    if (this.#method.reject === undefined || !(error instanceof GrpcError)) return super.fail(error);
    this.#isRejected = true;
    const reject = this.#method.reject.bind(this.#method);
    this.call.whenAdmitted(() => {
      reject(this.call.context, error).catch((thrown: unknown) => this.call.end(thrown));
    });
  }

  protected finish(): void {
    this.#isComplete = true;
    if (this.#request === undefined)
      return this.fail(new GrpcError(GRPC_STATUS.invalidArgument, 'the request has no message'));
    const request = this.#request;
    this.call.whenAdmitted(() => void this.#run(request));
  }

  override drained(): void {
    this.#drains?.resolve();
  }

  override closed(): void {
    super.closed();
    this.drained();
  }

  async #run(request: Buffer): Promise<void> {
    const { call } = this;
    const method = this.#method;
    try {
      if (method.kind === 'unary') return call.respond(await method.call(call.context, request));
      const drains = (this.#drains = new Drains());
      await method.run(call.context, request, (message) => (call.send(message) ? undefined : drains.next()));
      call.end();
    } catch (error) {
      call.end(error);
    }
  }
}

/** The requests of a streaming method, which runs from the beginning of the call. */
export class ManyRequests extends RequestReceiver {
  readonly #method: StreamMethod;
  readonly #requests: RequestQueue;
  #isComplete = false;
  /** Bytes that the client may not send again yet, since the method does not take its requests. */
  #unconsumed = 0;
  readonly #drains = new Drains();

  constructor(method: StreamMethod, options: ReceiverOptions) {
    super(options);
    this.#method = method;
    this.#requests = new RequestQueue(
      () => this.#resume(),
      () => this.hold(),
    );
  }

  start(): void {
    void this.#run();
  }

  protected override get isPaused(): boolean {
    return this.#requests.isFull;
  }

  protected read(): void {
    while (!this.#requests.isFull) {
      const message = this.reader.next();
      if (message === undefined) return;
      // A copy, since the message would keep its piece.
      this.#requests.push(Buffer.from(message));
    }
  }

  protected get messageBytes(): number {
    return this.#requests.bytes;
  }

  override data(piece: Buffer): void {
    super.data(piece);
    if (this.isPaused) this.#unconsumed += piece.length;
  }

  override complete(): void {
    this.#isComplete = true;
    super.complete();
  }

  protected finish(): void {
    this.#requests.end();
  }

  override drained(): void {
    this.#drains.resolve();
  }

  override closed(): void {
    super.closed();
    this.drained();
  }

  /** The method has taken all requests of the queue. */
  #resume(): void {
    if (this.call.isEnded) return;
    this.readSafely();
    if (this.isPaused) return;
    this.call.stream.consume(this.#unconsumed);
    this.#unconsumed = 0;
    if (this.#isComplete) super.complete();
  }

  async #run(): Promise<void> {
    const { signal } = this.call;
    signal.addEventListener('abort', () => this.#requests.end());
    try {
      await this.#method.run({
        signal,
        requests: this.#requests,
        send: async (message) => {
          if (!this.call.send(message)) await this.#drains.next();
        },
      });
      this.call.end();
    } catch (error) {
      this.call.end(error);
    }
  }
}

const truncated = (bytes: number): GrpcError =>
  new GrpcError(GRPC_STATUS.invalidArgument, `the request ended within a message, after ${bytes} of its bytes`);

const tooManyBytes = (): GrpcError =>
  new GrpcError(GRPC_STATUS.resourceExhausted, 'too many requests are being received at once; try again later', {
    'holdfast-code': 'overloaded',
  });
