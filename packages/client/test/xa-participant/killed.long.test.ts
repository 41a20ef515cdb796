import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type RunningServer, startServer } from '@holdfast/server';
import { freePort } from '@holdfast/testing/servers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { connect } from '../../src/connect.ts';
import type { Holdfast } from '../../src/holdfast.ts';
import { openMysqlXa, openPostgresXa, type XaWorld } from './worlds.ts';

const PARTICIPANT = fileURLToPath(new URL('../fixtures/xa-participant.mjs', import.meta.url));

/** A participant as a process that is started again, at the same URL, whenever it dies. */
async function keepAlive(databaseUrl: string) {
  const port = await freePort();
  const commands = await mkdtemp(join(tmpdir(), 'holdfast-xa-'));
  let closing = false;
  let deaths = 0;
  let child: ChildProcess;
  const start = async (): Promise<void> => {
    child = spawn(process.execPath, [PARTICIPANT, databaseUrl, String(port), commands], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child.once('exit', (_, signal) => {
      if (closing) return;
      if (signal === 'SIGKILL') deaths++;
      void start();
    });
    if (child.stdout !== null) await once(child.stdout, 'data');
  };
  await start();
  return {
    url: `http://127.0.0.1:${port}/xa`,
    deaths: () => deaths,
    dieAt: (moment: string) => writeFile(join(commands, moment), ''),
    async close() {
      closing = true;
      child.kill('SIGKILL');
      await once(child, 'exit');
      await rm(commands, { recursive: true });
    },
  };
}

killedSuite('PostgreSQL', 'postgres', openPostgresXa);
killedSuite('MariaDB', 'mariadbd', openMysqlXa);

function killedSuite<Tx>(name: string, program: string, open: () => Promise<XaWorld<Tx>>): void {
  describeWith([program], `an XA participant on ${name} that is killed`, () => {
    let world: XaWorld<Tx>;
    let participant: Awaited<ReturnType<typeof keepAlive>>;
    let coordinator: RunningServer;
    let hf: Holdfast;

    beforeAll(async () => {
      world = await open();
      participant = await keepAlive(world.url);
      coordinator = await startServer({ store: 'memory:', httpPort: 0, drainTimeout: 0, retryInterval: 200 });
      hf = connect(coordinator.url);
    });
    afterAll(async () => {
      await hf.close();
      await coordinator.close();
      await participant.close();
      await world.close();
    });

    const transfer = (id: number) =>
      hf.xa((tx) => tx.call({ url: participant.url, payload: { id } }), { wait: { timeoutMs: 20_000 } });

    it.each(['before-commit', 'after-commit'])('%s: is committed once it is back', async (moment) => {
      const number = await world.createNumber();
      const before = participant.deaths();
      await participant.dieAt(moment);
      await transfer(number.id);
      expect(participant.deaths()).toBe(before + 1);
      expect(await number.read()).toBe(30);
      expect(await world.prepared()).toEqual([]);
    });

    it.each(['before-action', 'after-action'])('%s: is rolled back once it is back', async (moment) => {
      const number = await world.createNumber();
      const before = participant.deaths();
      await participant.dieAt(moment);
      await expect(transfer(number.id)).rejects.toMatchObject({ code: 'transaction_failed', status: 'failed' });
      expect(participant.deaths()).toBe(before + 1);
      expect(await number.read()).toBe(0);
      expect(await world.prepared()).toEqual([]);
    });

    it('both after its action and at the rollback: is rolled back at last', async () => {
      const number = await world.createNumber();
      await participant.dieAt('after-action');
      await participant.dieAt('before-rollback');
      await expect(transfer(number.id)).rejects.toMatchObject({ code: 'transaction_failed', status: 'failed' });
      expect(await number.read()).toBe(0);
      expect(await world.prepared()).toEqual([]);
    });
  });
}
