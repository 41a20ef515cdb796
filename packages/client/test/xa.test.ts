import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { startServer } from '@holdfast/server';
import { request } from 'undici';
import { describe, expect, it, onTestFinished } from 'vitest';
import { clientOf } from './support/with-coordinator.ts';

describe('a participant of an xa that registers itself, as those of dtm do', () => {
  it('receives the registration URL, and its registration changes nothing', async () => {
    const coordinator = await startServer({ store: 'memory:', httpPort: 0, drainTimeout: 0 });
    onTestFinished(() => coordinator.close().then(() => undefined));
    const notes: string[] = [];
    const serve = async (query: URLSearchParams): Promise<number> => {
      notes.push(query.get('op') ?? '');
      if (query.get('op') !== 'action') return 200;
      const { gid, trans_type, branch_id, phase2_url: url } = Object.fromEntries(query);
      const registered = await request(`${query.get('dtm')}/registerBranch`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ gid, trans_type, branch_id, url }),
      });
      expect(await registered.body.json()).toEqual({ dtm_result: 'SUCCESS' });
      return registered.statusCode;
    };
    const participant = createServer((incoming, response) => {
      void serve(new URL(incoming.url ?? '/', 'http://bank').searchParams).then((status) =>
        response.writeHead(status).end('{}'),
      );
    }).listen(0, '127.0.0.1');
    await once(participant, 'listening');
    onTestFinished(() => {
      participant.closeAllConnections();
      participant.close();
    });
    const url = `http://127.0.0.1:${(participant.address() as AddressInfo).port}/xa?account=a`;
    const hf = clientOf(coordinator.url);
    await hf.xa((tx) => tx.call({ url, payload: { amount: 30 } }), { gid: 'dtm-like', wait: true });
    expect(notes).toEqual(['action', 'commit']);
    const branches = (await hf.get('dtm-like'))?.branches.map((branch) => branch.url);
    expect(branches).toEqual([url, url]);
  });
});
