import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '@holdfast/server/logs';
import { type RunningServer, type ServerConfig, startServer } from '@holdfast/server';
import { onTestFinished } from 'vitest';
import { type ConnectOptions, connect } from '../../src/index.ts';
import { branch } from '../../src/participants/node-http.ts';
import type { BranchCallContext, ServeOptions } from '../../src/participants/call.ts';

/** A file in a new folder, deleted when the test ends. */
export async function fileWith(text: string): Promise<{ path: string; write(text: string): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-signing-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'key');
  const write = (content: string): Promise<void> => writeFile(path, content, { mode: 0o600 });
  await write(text);
  return { path, write };
}

/** A log that a test reads as text. */
export function textLog(): { readonly log: Log; readonly text: () => string } {
  const lines: string[] = [];
  const note = (fields: unknown, message?: string) => void lines.push(`${JSON.stringify(fields)} ${message ?? ''}`);
  return { log: { debug: note, info: note, warn: note, error: note } as unknown as Log, text: () => lines.join('\n') };
}

/** A coordinator that signs with the keys of a file, and a client of it. */
export async function coordinator(
  keys: string,
  config: Partial<ServerConfig> = {},
  options: ConnectOptions = {},
): Promise<{
  readonly server: RunningServer;
  readonly hf: ReturnType<typeof connect>;
  readonly file: Awaited<ReturnType<typeof fileWith>>;
  readonly logged: () => string;
}> {
  const file = await fileWith(keys);
  const { log, text } = textLog();
  const server = await startServer(
    {
      store: 'memory:',
      httpPort: 0,
      drainTimeout: 0,
      retryInterval: 50,
      maxRetryInterval: 50,
      signingKeyFile: [file.path],
      ...config,
    },
    { log },
  );
  onTestFinished(() => server.close());
  const hf = connect(server.url, { drainMs: 0, ...options });
  onTestFinished(() => hf.close());
  return { server, hf, file, logged: text };
}

/** A request as a participant received it. */
export interface Received {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

/** A server that records its requests. */
export async function recorder(
  respond: (response: ServerResponse, received: Received) => void = (response) => response.end('{}'),
): Promise<{ readonly url: string; readonly received: Received[] }> {
  const received: Received[] = [];
  const url = await serving(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = '', url: target = '', headers, rawHeaders } = request;
    const one = { method, target, headers, rawHeaders, body: Buffer.concat(chunks) };
    received.push(one);
    respond(response, one);
  });
  return { url, received };
}

/** A participant whose branches all verify their calls. */
export async function participant(
  verify: NonNullable<ServeOptions['verify']>,
  handler: (call: BranchCallContext) => unknown = () => undefined,
): Promise<{ readonly url: string; readonly calls: string[]; readonly errors: string[] }> {
  const calls: string[] = [];
  const errors: string[] = [];
  const serve = branch(
    (call) => {
      calls.push(`${call.gid} ${call.branchId} ${call.op}`);
      return handler(call);
    },
    { verify, onError: (error) => errors.push(String(error)) },
  );
  return { url: await serving(serve), calls, errors };
}

/** Starts a server for the test; resolves to its URL. */
export async function serving(
  listener: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<string> {
  const server = createServer((request, response) => void listener(request, response));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
