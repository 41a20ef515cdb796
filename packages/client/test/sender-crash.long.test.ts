import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type RunningServer, startServer } from '@holdfast/server';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import type { Barrier } from '../src/barrier/barrier.ts';
import { connect } from '../src/connect.ts';
import type { Holdfast } from '../src/holdfast.ts';
import { branch, checkBack } from '../src/participants/node-http.ts';
import { openPostgresWorld } from './barrier/postgres-world.ts';
import { openRedisWorld } from './barrier/redis-world.ts';

const SENDER = fileURLToPath(new URL('./fixtures/sender.mjs', import.meta.url));

/** A private database with accounts, and the barrier that the check-back queries. */
interface Senders {
  readonly url: string;
  readonly barrier: Pick<Barrier<never>, 'checkBack'>;
  /** The committed balance of the account; null if there is no account. */
  account(name: string): Promise<string | null>;
  close(): Promise<void>;
}

async function inRedis(): Promise<Senders> {
  const world = await openRedisWorld();
  const account = (name: string) => world.look.get(name);
  return { url: world.server.url, barrier: world.barriers.ioredis(), account, close: () => world.close() };
}

async function inPostgres(): Promise<Senders> {
  const world = await openPostgresWorld();
  await world.execute('create table account (name text primary key, balance int not null)');
  const { barrier } = await world.createPlace();
  const account = async (name: string) => {
    const text = 'select balance::text from account where name = $1';
    return (await world.pool.query<{ balance: string }>(text, [name])).rows[0]?.balance ?? null;
  };
  return { url: world.server.url, barrier, account, close: () => world.close() };
}

describeWith(['redis-server'], 'a message from Redis whose sender is killed', () => senderSuite(inRedis));
describeWith(['postgres'], 'a message from PostgreSQL whose sender is killed', () => senderSuite(inPostgres));

function senderSuite(open: () => Promise<Senders>): void {
  let world: Senders;
  let coordinator: RunningServer;
  let hf: Holdfast;
  const credited: string[] = [];
  let participantUrl = '';
  const participant = createServer();

  beforeAll(async () => {
    world = await open();
    coordinator = await startServer({ store: 'memory:', httpPort: 0, drainTimeout: 0 });
    hf = connect(coordinator.url);
    const credit = branch((call) => void credited.push(call.gid));
    const check = checkBack(world.barrier);
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
  /** Runs a sender until it crashes. */
  async function send(gid: string, diesAt: string): Promise<void> {
    const args = [SENDER, coordinator.url, world.url, participantUrl, gid, diesAt];
    const sender = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    const [, signal] = (await once(sender, 'exit')) as [number | null, NodeJS.Signals | null];
    expect(signal).toBe('SIGKILL');
  }

  const account = (gid: string) => world.account(`account of ${gid}`);

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
}
