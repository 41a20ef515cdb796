import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { startServer } from '@holdfast/server';
import { onTestFinished } from 'vitest';
import { connect, declareBranch, workflowCallback } from '@holdfast/client';
import { branch } from '@holdfast/client/node-http';
import { type Declared, DEFAULT_SDK_OPTIONS, type Handlers, type SdkHarness } from './harness.ts';

/** A server on the store in memory, participants over HTTP, and a client of both. */
export const connectHarness: SdkHarness = {
  name: 'connect',
  async start(branches, options = {}) {
    const { waitTimeoutMs, retryIntervalMs, timeoutToFailMs, requestTimeoutMs, store } = {
      ...DEFAULT_SDK_OPTIONS,
      store: undefined,
      ...options,
    };
    const server = await startServer(
      {
        store: 'memory:',
        httpPort: 0,
        retryInterval: retryIntervalMs,
        timeoutToFail: timeoutToFailMs,
        requestTimeout: requestTimeoutMs,
        drainTimeout: 0,
      },
      store === undefined ? {} : { store },
    );
    const hf = connect(server.url, { waitTimeoutMs, drainMs: 100 });
    const participants = await serve(branches, workflowCallback(hf));
    onTestFinished(async () => {
      await server.close();
      await hf.close();
      await participants.close();
    });
    const { declared, root } = participants;
    return { hf, branches: declared, workflowOptions: { callbackUrl: root + CALL_BACK_PATH } };
  },
};

const CALL_BACK_PATH = '/.workflows';

async function serve<B extends Handlers>(branches: B, callback: Handlers[string]) {
  const listeners = new Map(Object.entries(branches).map(([name, handler]) => [`/${name}`, branch(handler)]));
  listeners.set(CALL_BACK_PATH, branch(callback));
  const server = createServer((request, response) => {
    const listener = listeners.get(new URL(request.url ?? '/', 'http://participant').pathname);
    if (listener === undefined) response.writeHead(404).end();
    else void listener(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const root = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const declared = Object.fromEntries(Object.keys(branches).map((name) => [name, declareBranch(`${root}/${name}`)]));
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { declared: declared as Declared<B>, root, close };
}
