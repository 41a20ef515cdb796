import type { BranchResult } from '@holdfast/protocol';
import type { Counters } from '../counters.ts';
import type { Random } from '../kernel/random.ts';
import type { World } from '../kernel/world.ts';
import type { ServerEnd, SimSocket } from './sim-socket.ts';

export interface ReceivedRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

export interface ServerDependencies {
  readonly world: World;
  readonly random: Random;
  readonly counters: Counters;
  readonly isHealed: () => boolean;
  /** Serves a request; `reply` may be called at any time, or never. */
  readonly serve: (request: ReceivedRequest, reply: (result: BranchResult) => void) => void;
}

const STATUS: Readonly<Record<BranchResult['kind'], number>> = {
  SUCCESS: 200,
  FAILURE: 409,
  ONGOING: 425,
  UNKNOWN: 500,
};
/** Longer than the client keeps an idle connection. Some connections are closed at any time. */
const IDLE_MS = 6_000;

/** The server's end of one connection: reads requests one after the other and responds to them. */
export class SimServer implements ServerEnd {
  readonly #d: ServerDependencies;
  readonly #socket: SimSocket;
  #bytes = Buffer.alloc(0);
  #isServing = false;
  #isClosed = false;
  #uses = 0;

  constructor(dependencies: ServerDependencies, socket: SimSocket) {
    this.#d = dependencies;
    this.#socket = socket;
  }

  received(piece: Buffer): void {
    if (this.#isClosed) return;
    this.#bytes = Buffer.concat([this.#bytes, piece]);
    if (!this.#isServing) this.#serveNext();
  }

  ended(): void {
    this.#isClosed = true;
  }

  #serveNext(): void {
    const request = this.#take();
    if (request === undefined) return;
    this.#isServing = true;
    this.#uses++;
    this.#d.serve(request, (result) => this.#respond(result));
  }

  /** Takes a complete request from the bytes received. */
  #take(): ReceivedRequest | undefined {
    const end = this.#bytes.indexOf('\r\n\r\n');
    if (end === -1) return undefined;
    const [first = '', ...lines] = this.#bytes.toString('latin1', 0, end).split('\r\n');
    const headers = new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]));
    const from = end + 4;
    const to = from + Number(headers.get('content-length') ?? 0);
    if (this.#bytes.length < to) return undefined;
    const body = this.#bytes.toString('utf8', from, to);
    this.#bytes = this.#bytes.subarray(to);
    const [method = '', target = ''] = first.split(' ');
    return { method, target, headers, body };
  }

  #respond(result: BranchResult): void {
    if (this.#isClosed) return;
    const { random, isHealed, counters } = this.#d;
    if (result.reason === 'connection reset') return this.#socket.reset();
    const framing = random.weighted({ length: 6, chunked: 3, close: isHealed() ? 0 : 1 });
    const isLast = framing === 'close' || random.chance(0.05);
    counters.count(`responses framed by ${framing}`);
    this.#socket.respond(bytesOf(result, framing, isLast, random.chance(0.05)));
    this.#isServing = false;
    if (isLast) return this.#close();
    this.#closeWhenIdle();
    this.#serveNext();
  }

  #closeWhenIdle(): void {
    const { world, random, isHealed } = this.#d;
    const uses = this.#uses;
    const idleMs = !isHealed() && random.chance(0.2) ? random.between(0, IDLE_MS) : IDLE_MS;
    world.after(idleMs, () => {
      if (this.#uses === uses) this.#close();
    });
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.endByServer();
  }
}

function bytesOf(
  result: BranchResult,
  framing: 'length' | 'chunked' | 'close',
  isLast: boolean,
  informs: boolean,
): Buffer {
  const body = result.kind === 'SUCCESS' ? '{"dtm_result":"SUCCESS"}' : result.reason;
  const head = [`HTTP/1.1 ${STATUS[result.kind]} Status`, 'Content-Type: text/plain'];
  if (framing === 'length') head.push(`Content-Length: ${Buffer.byteLength(body)}`);
  if (framing === 'chunked') head.push('Transfer-Encoding: chunked');
  head.push(isLast ? 'Connection: close' : `Keep-Alive: timeout=${IDLE_MS / 1_000}`);
  const framed = framing === 'chunked' ? chunked(body) : body;
  const informing = informs ? 'HTTP/1.1 102 Processing\r\n\r\n' : '';
  return Buffer.from(`${informing}${head.join('\r\n')}\r\n\r\n${framed}`);
}

function chunked(body: string): string {
  const half = body.length >> 1;
  const parts = [body.slice(0, half), body.slice(half)].filter((part) => part !== '');
  return `${parts.map((part) => `${Buffer.byteLength(part).toString(16)}\r\n${part}\r\n`).join('')}0\r\n\r\n`;
}
