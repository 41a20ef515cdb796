import net from 'node:net';
import { once } from 'node:events';
import type { TransactionDetails } from '@holdfast/protocol';
import { Participants } from '@holdfast/testing/participants';
import { TestServer } from '@holdfast/testing/test-server';
import { describe, expect, it, vi } from 'vitest';
import { connect } from '../src/connect.ts';

const until = (condition: () => boolean): Promise<unknown> => vi.waitUntil(condition, { timeout: 20_000, interval: 5 });

/** A proxy in front of a server, whose connections the test ends. */
async function proxyTo(address: string) {
  const [host = '', port = ''] = address.split(':');
  const sockets = new Set<net.Socket>();
  let connections = 0;
  const server = net.createServer((client) => {
    connections++;
    const upstream = net.connect(Number(port), host);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => sockets.delete(socket));
    }
    client.pipe(upstream).pipe(client);
    client.once('close', () => upstream.destroy());
    upstream.once('close', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    connections: () => connections,
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

describe('a watch over gRPC', () => {
  it('continues after its connection was lost several times, with increasing versions, to the final state', async () => {
    await using shop = await Participants.start();
    let open = (): void => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    shop.respond('/slow', (response) => void opened.then(() => response.end()));
    await using server = await TestServer.start();
    await using proxy = await proxyTo(server.running.grpcAddress);
    await using hf = connect(`grpc://${proxy.address}`, { drainMs: 0 });
    const { gid } = await hf
      .saga()
      .step({ action: shop.url('/slow'), compensate: null, requestTimeoutMs: 60_000 })
      .submit();
    const states: TransactionDetails[] = [];
    const watching = (async () => {
      for await (const state of hf.watch(gid)) states.push(state);
    })();
    const watched = (): number => server.running.coordinator.load().watched;
    await until(() => states.length > 0 && watched() === 1);
    for (let round = 0; round < 3; round++) {
      const before = proxy.connections();
      proxy.cut();
      await until(() => proxy.connections() > before && watched() === 1);
    }
    open();
    await watching;
    const versions = states.map(({ version }) => version);
    expect(versions).toEqual([...new Set(versions)].toSorted((a, b) => a - b));
    expect(states.at(-1)?.status).toBe('succeed');
    await until(() => watched() === 0);
    expect(watched()).toBe(0);
  });

  it('fails after its time for retries, and ends at once when the client is closed', async () => {
    await using shop = await Participants.start();
    shop.respond('/never', () => undefined);
    await using server = await TestServer.start();
    const proxy = await proxyTo(server.running.grpcAddress);
    await using hf = connect(`grpc://${proxy.address}`);
    const other = connect(`grpc://${server.running.grpcAddress}`);
    const { gid } = await hf
      .saga()
      .step({ action: shop.url('/never'), compensate: null })
      .submit();
    const follow = async (states: AsyncIterable<unknown>, onState: () => void = () => undefined) => {
      for await (const _ of states) onState();
    };
    let started = 0;
    const one = follow(hf.watch(gid, { retryForMs: 200 }), () => started++);
    const two = follow(other.watch(gid), () => started++);
    one.catch(() => undefined);
    two.catch(() => undefined);
    await until(() => started >= 2);
    await proxy[Symbol.asyncDispose]();
    await expect(one).rejects.toMatchObject({ name: 'CoordinatorUnreachable', gid, outcome: 'not_started' });
    await other.close();
    await expect(two).rejects.toMatchObject({ name: 'CoordinatorUnreachable' });
    await until(() => server.running.coordinator.load().watched === 0);
  });

  it('reads no further states while the application handles one', async () => {
    await using shop = await Participants.start();
    let open = (): void => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    shop.respond('/slow', (response) => void opened.then(() => response.end()));
    await using server = await TestServer.start({ progressFlush: 1 });
    await using hf = connect(`grpc://${server.running.grpcAddress}`, { drainMs: 0 });
    const saga = hf.saga();
    for (let i = 0; i < 20; i++) saga.step({ action: shop.url(i === 0 ? '/slow' : `/ok${i}`), compensate: null });
    const { gid } = await saga.submit();
    const states: TransactionDetails[] = [];
    for await (const state of hf.watch(gid)) {
      states.push(state);
      open();
      await hf.finished(gid);
    }
    expect(states.at(-1)?.status).toBe('succeed');
  });
});

describe('the rejection of a watch', () => {
  it('names the parameter of the application, whichever transport rejects it', async () => {
    await using server = await TestServer.start();
    for (const url of [server.url, `grpc://${server.running.grpcAddress}`]) {
      await using hf = connect(url);
      const watch = hf.watch('');
      await expect(watch.next()).rejects.toMatchObject({ field: 'gid', message: expect.stringMatching(/^gid: /) });
    }
  });
});
