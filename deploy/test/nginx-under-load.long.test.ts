import { type DatabaseServer, freePort, startPostgres } from '@holdfast/testing/servers';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { Callers } from './support/callers.ts';
import { HoldfastProcess } from '@holdfast/testing/holdfast-process';
import { Nginx } from './support/nginx.ts';
import { Participant } from './support/participant.ts';

/** Transactions accepted per phase; the next coordinator is stopped or killed after that many. */
const PHASE = 50;

let database: DatabaseServer;
let participant: Participant;
let nginx: Nginx;
let ports: readonly [number, number];
const nodes: HoldfastProcess[] = [];

function start(which: 0 | 1): HoldfastProcess {
  const silence = ['--heartbeat', '300ms', '--silence', '3s'];
  const port = ['--http-port', String(ports[which]), '--grpc-port', '0'];
  const args = ['serve', '--store', database.url, ...port, ...silence];
  const node = new HoldfastProcess(args);
  nodes.push(node);
  return node;
}

/** The number of transactions that this coordinator accepted. */
async function acceptedBy(which: 0 | 1): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${ports[which]}/api/metrics`)).text();
  const figures = [...text.matchAll(/^holdfast_transactions_accepted_total\{[^}]*\} (\d+)/gm)];
  return figures.reduce((sum, [, figure]) => sum + Number(figure), 0);
}

describeWith(['nginx', 'postgres'], 'two coordinators behind nginx', () => {
  beforeAll(async () => {
    const [started, ...free] = await Promise.all([startPostgres(), freePort(), freePort(), freePort()]);
    if (started === undefined) throw new Error('PostgreSQL is not installed');
    database = started;
    ports = [free[0], free[1]];
    participant = await Participant.start();
    await Promise.all([start(0).ready(), start(1).ready()]);
    nginx = await Nginx.start(free[2], ports);
  });

  afterAll(async () => {
    await nginx.stop();
    await Promise.all(nodes.map((node) => node.kill()));
    await participant.close();
    await database.stop();
  });

  it('fail no call when one is killed or stopped, and lose no transaction', async () => {
    const [a, b] = nodes;
    if (a === undefined || b === undefined) throw new Error('two were started');
    const callers = new Callers(nginx.url, participant);
    await callers.acceptedMore(PHASE);

    await a.kill();
    await callers.acceptedMore(PHASE);
    expect(callers.failed, nginx.log).toEqual([]);

    const again = start(0);
    await again.ready();
    // The rolling restart continues once the first coordinator serves its share again. A single
    // accepted transaction could be nginx probing it.
    await vi.waitFor(async () => expect(await acceptedBy(0)).toBeGreaterThan(5), { timeout: 30_000, interval: 200 });
    const beforeStop = callers.succeededBefore.size;
    expect(await b.stop()).toBe(0);
    await callers.acceptedMore(PHASE);
    await callers.stop();
    expect(callers.failed, nginx.log).toEqual([]);
    expect(callers.succeededBefore.size).toBe(beforeStop);

    await vi.waitFor(
      async () => {
        const { counts } = (await (await fetch(`${nginx.url}/api/v1/status`)).json()) as {
          counts: { byStatus: Record<string, number> };
        };
        const { succeed, ...others } = counts.byStatus;
        expect(Object.values(others)).toEqual([0, 0, 0, 0]);
        expect(succeed).toBeGreaterThanOrEqual(callers.accepted.size);
      },
      { timeout: 30_000, interval: 100 },
    );
    const called = new Set(participant.calls.map(({ gid, branchId }) => `${gid} ${branchId}`));
    for (const gid of callers.accepted)
      expect([called.has(`${gid} 01`), called.has(`${gid} 02`)]).toEqual([true, true]);
  });
});
