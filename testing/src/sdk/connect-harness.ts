import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { startServer } from '@holdfast/server';
import { onTestFinished } from 'vitest';
import { connect, declareBranch, type Holdfast, workflowCallback } from '@holdfast/client';
import { branch } from '@holdfast/client/node-http';
import { type Declared, DEFAULT_SDK_OPTIONS, type Handlers, type SdkHarness, type SdkOptions } from './harness.ts';

/** Participants that serve branches and the callback of workflows over one transport. */
export interface SdkParticipants {
  readonly urlOf: (name: string) => string;
  readonly callbackUrl: string;
  close(): Promise<void>;
}

export interface ConnectHarnessOptions extends Pick<SdkHarness, 'name' | 'oddGid'> {
  /** How the client reaches the coordinator; default: over HTTP. */
  readonly coordinator?: 'http' | 'grpc';
}

type Serve = (branches: Handlers, hf: Holdfast) => Promise<SdkParticipants>;

/** A server on the store in memory, participants over a transport, and a client of both. */
export const connectHarnessOf = (
  { coordinator = 'http', ...described }: ConnectHarnessOptions,
  serve: Serve,
): SdkHarness => ({
  ...described,
  async start<B extends Handlers>(branches: B, options: SdkOptions = {}) {
    const { waitTimeoutMs, retryIntervalMs, timeoutToFailMs, requestTimeoutMs, store } = {
      ...DEFAULT_SDK_OPTIONS,
      store: undefined,
      ...options,
    };
    const server = await startServer(
      {
        store: 'memory:',
        httpPort: 0,
        grpcPort: 0,
        retryInterval: retryIntervalMs,
        timeoutToFail: timeoutToFailMs,
        requestTimeout: requestTimeoutMs,
        drainTimeout: 0,
      },
      store === undefined ? {} : { store },
    );
    const url = coordinator === 'grpc' ? `grpc://${server.grpcAddress}` : server.url;
    const hf = connect(url, { waitTimeoutMs, drainMs: 100 });
    const participants = await serve(branches, hf);
    onTestFinished(async () => {
      await server.close();
      await hf.close();
      await participants.close();
    });
    const { urlOf, callbackUrl } = participants;
    const declared = Object.fromEntries(
      Object.keys(branches).map((branchName) => [branchName, declareBranch(urlOf(branchName))]),
    );
    return { hf, branches: declared as Declared<B>, workflowOptions: { callbackUrl } };
  },
});

/** Participants over HTTP. */
export const connectHarness = connectHarnessOf({ name: 'connect', oddGid: 'a b?c#d%e/ü' }, serveHttp);

/** A coordinator that is called over gRPC, and participants over HTTP. */
export const connectGrpcHarness = connectHarnessOf(
  { name: 'connect over gRPC', oddGid: 'a b?c#d%e/ü', coordinator: 'grpc' },
  serveHttp,
);

const CALL_BACK_PATH = '/.workflows';

async function serveHttp(branches: Handlers, hf: Holdfast): Promise<SdkParticipants> {
  const listeners = new Map(Object.entries(branches).map(([name, handler]) => [`/${name}`, branch(handler)]));
  listeners.set(CALL_BACK_PATH, branch(workflowCallback(hf)));
  const server = createServer((request, response) => {
    const listener = listeners.get(new URL(request.url ?? '/', 'http://participant').pathname);
    if (listener === undefined) response.writeHead(404).end();
    else void listener(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const root = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { urlOf: (name) => `${root}/${name}`, callbackUrl: root + CALL_BACK_PATH, close };
}
