import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type RunningServer, startServer } from '@holdfast/server';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '../../../tools/src/describe-with.ts';
import { connect } from '../src/connect.ts';
import type { Holdfast } from '../src/holdfast.ts';
import { branch, checkBack } from '../src/participants/node-http.ts';
import { openRedisWorld, type RedisWorld } from './barrier/redis-world.ts';

const SENDER = fileURLToPath(new URL('./fixtures/sender.mjs', import.meta.url));

describeWith(['redis-server'], 'a message whose sender is killed', () => {
  let world: RedisWorld;
  let coordinator: RunningServer;
  let hf: Holdfast;
  const credited: string[] = [];
  let participantUrl = '';
  const participant = createServer();

  beforeAll(async () => {
    world = await openRedisWorld();
    coordinator = await startServer({ store: 'memory:', httpPort: 0, drainTimeout: 0 });
    hf = connect(coordinator.url);
    const credit = branch((call) => void credited.push(call.gid));
    const check = checkBack(world.barriers.ioredis());
    participant.on('request', (request, response) => {
      void (request.url?.startsWith('/check') === true ? check : credit)(request, response);
    });
    participant.listen(0, '127.0.0.1');
    await once(participant, 'listening');
    participantUrl = `http://127.0.0.1:${(participant.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    await hf.close();
    await coordinator.close();
    participant.closeAllConnections();
    participant.close();
    await world.close();
  });
  /** Runs a sender until it dies. */
  async function send(gid: string, diesAt: string): Promise<void> {
    const args = [SENDER, coordinator.url, world.server.url, participantUrl, gid, diesAt];
    const sender = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    const [, signal] = (await once(sender, 'exit')) as [number | null, NodeJS.Signals | null];
    expect(signal).toBe('SIGKILL');
  }

  const account = (gid: string) => world.look.get(`account of ${gid}`);

  it.concurrent.each(['committed', 'submitted'])('when it was %s is sent, once', async (diesAt) => {
    await send(diesAt, diesAt);
    await hf.wait(diesAt, { timeoutMs: 20_000 });
    expect(credited.filter((gid) => gid === diesAt)).toHaveLength(1);
    expect(await account(diesAt)).toBe('-30');
  });

  it.concurrent.each(['prepared', 'working'])('before it was committed (%s) is not sent', async (diesAt) => {
    await send(diesAt, diesAt);
    await expect(hf.wait(diesAt, { timeoutMs: 20_000 })).rejects.toMatchObject({
      code: 'transaction_failed',
      status: 'failed',
    });
    expect(credited).not.toContain(diesAt);
    expect(await account(diesAt)).toBeNull();
  });
});
