import { once } from 'node:events';
import { connect, createServer, type Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { freePort } from '@holdfast/testing/servers';
import { Nginx } from './support/nginx.ts';

const open: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

const NO_MESSAGE = Buffer.alloc(5);

/** Two servers of gRPC that respond OK; the first call can make its server crash. */
async function nodes({ firstCallCrashes = false } = {}): Promise<{ seen: string[]; ports: [number, number] }> {
  const seen: string[] = [];
  const node = async (): Promise<number> => {
    const server: Http2Server = createServer();
    server.on('stream', (stream, headers) => {
      stream.on('error', () => undefined).resume();
      seen.push(headers[':path'] ?? '');
      if (firstCallCrashes && seen.length === 1) {
        stream.session?.destroy();
        return;
      }
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(NO_MESSAGE);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    open.push(() => void server.close());
    return (server.address() as AddressInfo).port;
  };
  return { seen, ports: [await node(), await node()] };
}

async function behindNginx(ports: readonly [number, number]): Promise<number> {
  const port = await freePort();
  const nginx = await Nginx.startGrpc(port, await freePort(), ports);
  open.push(() => nginx.stop());
  return port;
}

/** The status of a call: of gRPC, or that of HTTP if nginx itself responds. */
async function statusOf(port: number, path: string): Promise<string> {
  const session = connect(`http://127.0.0.1:${port}`);
  try {
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    let status = '';
    stream.on('response', (headers) => (status = `HTTP ${headers[':status'] ?? ''}`));
    stream.on('trailers', (trailers) => (status = `gRPC ${String(trailers['grpc-status'])}`));
    stream.end(NO_MESSAGE);
    stream.resume();
    await once(stream, 'close');
    return status;
  } finally {
    session.destroy();
  }
}

describeWith(['nginx'], 'deploy/nginx/holdfast.conf, with gRPC', () => {
  const METHODS = [
    '/dtmgimp.Dtm/Submit',
    '/holdfast.v1.Holdfast/CreateTransaction',
    '/grpc.health.v1.Health/Check',
    '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
  ];

  it('passes on the calls of every service, to the coordinator that accepts connections', async () => {
    const { seen, ports } = await nodes();
    const port = await behindNginx([await freePort(), ports[1]]);
    for (const method of METHODS) expect(await statusOf(port, method)).toBe('gRPC 0');
    expect(seen).toEqual(METHODS);
  });

  it('does not send a call again whose coordinator crashes during the call', async () => {
    const { seen, ports } = await nodes({ firstCallCrashes: true });
    const port = await behindNginx(ports);
    expect(await statusOf(port, '/holdfast.v1.Holdfast/CreateTransaction')).toBe('HTTP 502');
    expect(seen).toEqual(['/holdfast.v1.Holdfast/CreateTransaction']);
    expect(await statusOf(port, '/dtmgimp.Dtm/Submit')).toBe('gRPC 0');
  });
});
