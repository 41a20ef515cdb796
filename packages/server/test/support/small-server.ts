import { SILENT } from '@holdfast/server';
import { jsonReply, NO_CONTENT, type Reply, textReply } from '../../src/http/reply.ts';
import { type Route, Router, type RouteRequest } from '../../src/http/router.ts';
import { HttpServer, type RequestReader } from '../../src/http/server.ts';

/** More than the buffers of both sides hold. */
export const BIG = 20_000_000;

/** A server of a few routes, which counts requests. */
export class SmallServer implements AsyncDisposable {
  readonly #http: HttpServer;
  readonly requested: string[] = [];
  port = 0;

  private constructor(requestReader: RequestReader) {
    const responded = (): void => {};
    this.#http = new HttpServer({ log: SILENT, maxBodyBytes: 1_000, maxConnections: 100, requestReader, responded });
  }

  static async start(
    slow: (request: RouteRequest) => Promise<Reply> = () => Promise.reject(new Error('unused')),
    requestReader: RequestReader = 'own',
    long: () => Reply = () => NO_CONTENT,
  ) {
    const server = new SmallServer(requestReader);
    server.#http.use(new Router(server.#routes(slow, long)));
    server.port = Number(new URL(await server.#http.listen('127.0.0.1', 0)).port);
    return server;
  }

  #routes(slow: Route['run'], long: () => Reply): Route[] {
    const route = (method: Route['method'], path: string, run: Route['run'], readsBody = true): Route => ({
      method,
      path,
      readsBody,
      run: (request) => {
        this.requested.push(path);
        return run(request);
      },
      fail: (error) => jsonReply(error.code === 'too_large' ? 413 : 400, { message: error.message }),
    });
    return [
      route('POST', '/echo', ({ body, query }) => jsonReply(200, { body, x: query.get('x') })),
      route('ANY', '/any/:what', ({ params }) => textReply(200, `“${params[0]}”`, 'text/plain; charset=utf-8'), false),
      route('PUT', '/nothing', () => NO_CONTENT),
      route('GET', '/big', () => textReply(200, 'x'.repeat(BIG), 'text/plain'), false),
      route('POST', '/slow', slow),
      { ...route('GET', '/long', long, false), takesPlace: () => true },
    ];
  }

  stopAccepting(): void {
    this.#http.stopAccepting();
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** A request whose response the test controls. */
export class Slow {
  #arrived: (request: RouteRequest) => void = () => {};
  respond: (reply: Reply) => void = () => {};
  readonly requested = new Promise<RouteRequest>((resolve) => (this.#arrived = resolve));

  readonly run = (request: RouteRequest): Promise<Reply> => {
    this.#arrived(request);
    return new Promise((resolve) => (this.respond = resolve));
  };
}
