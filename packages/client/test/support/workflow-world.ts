import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type RunningServer, startServer } from '@holdfast/server';
import { request as forward } from 'undici';
import { connect } from '../../src/connect.ts';
import type { Holdfast } from '../../src/holdfast.ts';

const FIXTURE = fileURLToPath(new URL('../fixtures/workflow.mjs', import.meta.url));
const STDIO = ['ignore', 'ignore', 'inherit', 'ipc'] as const;

interface Starter {
  readonly process: ChildProcess;
  /** The number of the request during which the process is killed, before its completion. */
  readonly diesAt: number;
  requests: number;
}

/**
 * A coordinator, a bank, a process that responds to callbacks, and processes that start
 * transactions. All their requests pass through this world: calls of the coordinator are forwarded,
 * calls of the bank are executed and recorded. A process can thus be killed between any two
 * requests.
 */
export class WorkflowWorld {
  readonly hf: Holdfast;
  readonly #coordinator: RunningServer;
  readonly #http = createServer((request, response) => void this.#serve(request, response));
  readonly #starters = new Map<string, Starter>();
  /** The effects at the bank, by transaction, in order. */
  readonly #effects = new Map<string, string[]>();
  readonly #barrier = new Set<string>();
  #resumer: ChildProcess | undefined;
  #callbackUrl = '';

  private constructor(coordinator: RunningServer) {
    this.#coordinator = coordinator;
    this.hf = connect(coordinator.url);
  }

  static async open(): Promise<WorkflowWorld> {
    const world = new WorkflowWorld(await startServer({ store: 'memory:', httpPort: 0, drainTimeout: 0 }));
    world.#http.listen(0, '127.0.0.1');
    await once(world.#http, 'listening');
    await world.#startResumer();
    return world;
  }

  async close(): Promise<void> {
    this.#resumer?.kill('SIGKILL');
    await this.hf.close();
    await this.#coordinator.close();
    this.#http.closeAllConnections();
    this.#http.close();
  }

  /**
   * Starts a transaction in a separate process. Resolves to the number of requests of the process
   * and whether it was killed.
   */
  async begin(gid: string, fate: 'good' | 'bad', diesAt: number) {
    const child = fork(FIXTURE, ['start', this.#url(`starter/${gid}`), this.#callbackUrl, gid, fate], {
      stdio: [...STDIO],
    });
    const starter: Starter = { process: child, diesAt, requests: 0 };
    this.#starters.set(gid, starter);
    const [, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    this.#starters.delete(gid);
    return { requests: starter.requests, killed: signal === 'SIGKILL' };
  }

  effects(gid: string): readonly string[] {
    return this.#effects.get(gid) ?? [];
  }

  #url(path: string): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}/${path}`;
  }

  async #startResumer(): Promise<void> {
    const resumer = fork(FIXTURE, ['serve', this.#url('resumer/-'), 'http://unused/'], { stdio: [...STDIO] });
    this.#resumer = resumer;
    const [message] = (await once(resumer, 'message')) as [{ readonly callbackUrl: string }];
    this.#callbackUrl = message.callbackUrl;
  }

  /** `/WHO/GID/coordinator/…` or `/WHO/GID/bank/EFFECT?gid&branch_id&op`. */
  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://world');
    const [, who, gid = '', service, ...rest] = url.pathname.split('/');
    const starter = who === 'starter' ? this.#starters.get(decodeURIComponent(gid)) : undefined;
    if (starter !== undefined && ++starter.requests >= starter.diesAt) {
      starter.process.kill('SIGKILL');
      return void response.destroy();
    }
    if (service === 'bank') return this.#bank(rest[0] ?? '', url.searchParams, response);
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const forwarded = await forward(`${this.#coordinator.url}/${rest.join('/')}${url.search}`, {
      method: request.method as 'GET' | 'POST',
      headers: { 'content-type': 'application/json' },
      body: chunks.length === 0 ? null : Buffer.concat(chunks),
    });
    response.writeHead(forwarded.statusCode, { 'content-type': 'application/json' });
    response.end(Buffer.from(await forwarded.body.arrayBuffer()));
  }

  /** Executes an effect behind a barrier like the one of the protocol. */
  #bank(effect: string, query: URLSearchParams, response: ServerResponse): void {
    const [gid, branchId, op] = [query.get('gid') ?? '', query.get('branch_id'), query.get('op')];
    if (effect === 'refuse') return void response.writeHead(409).end('{"dtm_result":"FAILURE","message":"refused"}');
    const insert = (key: string): boolean => {
      const inserted = !this.#barrier.has(key);
      this.#barrier.add(key);
      return inserted;
    };
    const empty = op === 'rollback' && insert(`${gid} ${branchId} action`);
    if (insert(`${gid} ${branchId} ${op}`) && !empty) this.#effects.set(gid, [...this.effects(gid), effect]);
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"dtm_result":"SUCCESS"}');
  }
}
