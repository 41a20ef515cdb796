import { connect, type Holdfast } from '@holdfast/client';
import type { TransactionDetails } from '@holdfast/protocol';
import { describeWith } from '@holdfast/testing/describe-with';
import { Participants } from '@holdfast/testing/participants';
import { type DatabaseServer, freePort, startMariadb, startPostgres, startRedis } from '@holdfast/testing/servers';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Coordinator, until } from './support/process.ts';

const DATABASES: readonly (readonly [program: string, start: () => Promise<DatabaseServer | undefined>])[] = [
  ['postgres', startPostgres],
  ['mariadbd', startMariadb],
  ['redis-server', startRedis],
];

describe.each(DATABASES)('two coordinators over %s', (program, startDatabase) => {
  describeWith([program], 'and a watch', () => {
    let database: DatabaseServer | undefined;
    let shop: Participants;

    beforeAll(async () => {
      [database, shop] = await Promise.all([startDatabase(), Participants.start()]);
    });
    afterAll(async () => {
      await shop[Symbol.asyncDispose]();
      await database?.stop();
    });

    async function start(node: string): Promise<{ readonly node: Coordinator; readonly hf: Holdfast }> {
      const port = String(await freePort());
      const started = await Coordinator.start(database?.url ?? '', '--node', node, '--grpc-port', port);
      onTestFinished(() => started[Symbol.asyncDispose]());
      const hf = connect(`grpc://127.0.0.1:${port}`, { drainMs: 0 });
      onTestFinished(() => hf.close());
      return { node: started, hf };
    }

    it('at one follows what the other drives, through its death and the takeover, to the end', async () => {
      const [a, b] = [await start('a'), await start('b')];
      let open = (): void => undefined;
      const opened = new Promise<void>((resolve) => (open = resolve));
      let calls = 0;
      shop.respond('/slow', (response) => {
        calls++;
        void opened.then(() => response.end());
      });
      const { gid } = await a.hf
        .saga()
        .step({ action: shop.url('/ok'), compensate: shop.url('/undo') })
        .step({ action: shop.url('/slow'), compensate: shop.url('/undo'), requestTimeoutMs: 60_000 })
        .submit();
      const states: TransactionDetails[] = [];
      const watching = (async () => {
        for await (const state of b.hf.watch(gid)) states.push(state);
      })();
      // The progress that the other node has written.
      await until(
        () => states.some(({ branches }) => branches.some(({ status }) => status === 'succeed')) && calls > 0,
      );
      a.node.child.kill('SIGKILL');
      await until(() => calls > 1);
      open();
      await watching;
      const versions = states.map(({ version }) => version);
      expect(versions).toEqual([...new Set(versions)].toSorted((x, y) => x - y));
      expect(states.at(-1)?.status).toBe('succeed');
      expect(states.at(-1)?.timeline.map(({ kind }) => kind)).toContain('resumed');
      expect((await b.node.get('/api/v1/status')).json).toMatchObject({ load: { watched: 0 } });
    });
  });
});
