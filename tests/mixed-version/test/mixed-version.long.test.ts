import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from '@holdfast/client';
import { branch as serveBranch } from '@holdfast/client/node-http';
import { type DatabaseServer, startMariadb, startPostgres, startRedis } from '@holdfast/testing/servers';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Participant } from '../../../deploy/test/support/participant.ts';
import { describeWith } from '@holdfast/testing/describe-with';
import { beginUnfinished, beginWorkflow, letThemEnd } from './support/unfinished.ts';
import type { ResponseBody } from './support/node-calls.ts';
import { type Version, VERSIONS, VersionedNode } from './support/versioned-node.ts';

/** The kept versions, each with a store that it supports and the program that the store needs. */
const STORES = [
  ['2026-11-21', 'postgres', startPostgres],
  ['2026-11-29', 'postgres', startPostgres],
  ['2026-11-29', 'mariadbd', startMariadb],
  ['2026-11-29', 'redis-server', startRedis],
] as const;

/** The version that starts a transaction, and the version that continues it. */
const BOTH_WAYS = [
  ['previous', 'present'],
  ['present', 'previous'],
] as const;

describe.each(STORES)('the version of %s and the present one on one store: %s', (kept, program, startDatabase) => {
  describeWith([program], 'run together', () => {
    let database: DatabaseServer;
    let participant: Participant;
    let nodes: Readonly<Record<Version, VersionedNode>>;

    beforeAll(async () => {
      const started = await startDatabase();
      if (started === undefined) throw new Error(`${program} is not installed`);
      database = started;
      participant = await Participant.start();
      // In the order of an upgrade: the present version finds what the previous one made, and
      // migrates it under its feet.
      const previous = await VersionedNode.start('previous', database.url, kept);
      nodes = { previous, present: await VersionedNode.start('present', database.url) };
    });

    afterAll(async () => {
      // `end` also checks what the nodes logged.
      await nodes.previous.end('stopped');
      await nodes.present.end('stopped');
      await participant.close();
      await database.stop();
    });

    const saga = (gid: string, path = '/ok') => ({
      gid,
      pattern: 'saga',
      steps: [{ action: participant.url(path), compensate: participant.url('/undo'), payload: { amount: 30 } }],
      retryIntervalMs: 200,
    });

    /** Resolves when no node drives the transaction and its next attempt is far away. */
    const waits = (node: VersionedNode, gid: string): Promise<void> =>
      vi.waitFor(
        async () => expect(await node.get(`/transactions/${gid}`)).toMatchObject({ status: 'submitted', owner: null }),
        { timeout: 20_000, interval: 10 },
      );

    it.each(BOTH_WAYS)(
      'transactions that the %s accepts are shown, awaited, listed and counted by the %s',
      async (one, other) => {
        const gids = ['a', 'b', 'c'].map((name) => `${one}-list-${name}`);
        for (const gid of gids) await nodes[one].post('/transactions', saga(gid));
        for (const gid of gids) expect(await nodes[other].final(gid)).toBe('succeed');
        const shown = await nodes.previous.get(`/transactions/${gids[0]}`);
        // The present version may return more fields.
        expect(await nodes.present.get(`/transactions/${gids[0]}`)).toMatchObject(shown);
        const byDtm = await nodes.previous.call('GET', `/api/dtmsvr/query?gid=${gids[0]}`);
        expect(await nodes.present.call('GET', `/api/dtmsvr/query?gid=${gids[0]}`)).toMatchObject(byDtm);
        const counts = await Promise.all([nodes.previous.get('/status'), nodes.present.get('/status')]);
        expect(counts[0].counts).toEqual(counts[1].counts);

        // A page of one, and the next page of the other.
        const seen: string[] = [];
        let cursor = '';
        for (const node of [nodes[one], nodes[other], nodes[one]]) {
          const page: ResponseBody = await node.get(`/transactions?limit=1${cursor}`);
          seen.push(...page.items.map(({ gid }) => gid));
          cursor = `&cursor=${encodeURIComponent(page.next ?? '')}`;
        }
        expect(seen).toEqual(gids.toReversed());
      },
    );

    it('each node lists the other', async () => {
      for (const node of [nodes.previous, nodes.present]) {
        const { items } = await node.get('/nodes');
        expect(items.map((item) => item.node).toSorted()).toEqual(['present', 'previous']);
      }
    });

    it.each(VERSIONS)('the SDK of the present runs a tcc, an xa and a workflow over the %s', async (version) => {
      await using hf = connect(nodes[version].url);
      const url = participant.url('/ok');
      const payload = { amount: 30 };
      const options = { gid: `${version}-sdk-tcc`, wait: true };
      await hf.tcc((tx) => tx.call({ try: url, confirm: url, cancel: url, payload }), options);
      await hf.xa((tx) => tx.call({ url, payload }), { gid: `${version}-sdk-xa`, wait: true });
      const debit = { run: () => 'receipt', undo: () => undefined };
      const callbackUrl = participant.url('/ok');
      const workflow = hf.workflow('debit', { version: 1, callbackUrl }, (flow) => flow.step('debit', debit));
      await workflow.run(undefined, { gid: `${version}-sdk-workflow` });
      for (const node of Object.values(nodes))
        for (const pattern of ['tcc', 'xa', 'workflow'])
          expect(await node.get(`/transactions/${version}-sdk-${pattern}`)).toMatchObject({ status: 'succeed' });
    });

    it('a branch that the present registers with a digest is committed by the previous', async () => {
      const gid = 'digest';
      await nodes.present.post('/transactions', { gid, pattern: 'xa' });
      const branch = { pattern: 'xa', branchId: '01', url: participant.url('/ok'), digest: 'abc' };
      await nodes.present.post(`/transactions/${gid}/branches`, branch);
      await nodes.previous.post(`/transactions/${gid}/submit`);
      expect(await nodes.previous.final(gid)).toBe('succeed');
    });

    it('one gid submitted to both at once is one transaction', async () => {
      const gids = Array.from({ length: 10 }, (_, i) => `both-${i}`);
      await Promise.all(
        gids.flatMap((gid) => [
          nodes.previous.post('/transactions', saga(gid)),
          nodes.present.post('/transactions', saga(gid)),
        ]),
      ).catch((error: unknown) => {
        // The slower submit may be rejected because the transaction has finished.
        expect(String(error)).toContain('"transactionStatus":"succeed"');
      });
      for (const gid of gids) {
        expect(await nodes.present.final(gid)).toBe('succeed');
        expect(new Set(participant.of(gid))).toEqual(new Set(['01 action']));
      }
    });

    it.each(BOTH_WAYS)('a tcc that began at the %s continues at the %s, branch by branch', async (one, other) => {
      const gid = `${one}-tcc`;
      const branch = { confirm: participant.url('/confirm'), cancel: participant.url('/cancel') };
      await nodes[one].post('/transactions', { gid, pattern: 'tcc' });
      await nodes[other].post(`/transactions/${gid}/branches`, {
        pattern: 'tcc',
        branchId: '01',
        ...branch,
        payload: 1,
      });
      await nodes[one].post(`/transactions/${gid}/branches`, { pattern: 'tcc', branchId: '02', ...branch, payload: 2 });
      // Registered again elsewhere, it is the one that is there.
      await nodes[other].post(`/transactions/${gid}/branches`, {
        pattern: 'tcc',
        branchId: '02',
        ...branch,
        payload: 2,
      });
      await nodes[other].post(`/transactions/${gid}/submit`);
      expect(await nodes[one].final(gid)).toBe('succeed');
      expect(participant.of(gid)).toEqual(['02 confirm', '01 confirm']);
    });

    it.each(BOTH_WAYS)(
      'a workflow that began at the %s records steps at the %s, and can be read, called back and finished at either',
      async (one, other) => {
        const gid = `${one}-workflow`;
        const request = {
          gid,
          pattern: 'workflow',
          workflow: { name: 'order', input: { bottles: 6 } },
          queryPrepared: participant.url('/resume'),
          retryIntervalMs: 300,
        };
        const step = (branchId: string, data: string) => ({
          pattern: 'workflow',
          branchId,
          op: 'action',
          status: 'succeed',
          data,
        });
        await nodes[one].post('/transactions', request);
        await nodes[other].post(`/transactions/${gid}/branches`, step('01', 'cGFpZA=='));
        await nodes[one].post(`/transactions/${gid}/branches`, step('02', 'c2VudA=='));
        await nodes[other].post('/transactions', request);
        const steps = [
          { branchId: '01', status: 'succeed', data: 'cGFpZA==' },
          { branchId: '02', status: 'succeed', data: 'c2VudA==' },
        ];
        for (const node of [nodes[one], nodes[other]])
          expect((await node.get(`/transactions/${gid}/progress`)).steps).toMatchObject(steps);
        await vi.waitFor(() => expect(participant.of(gid)).toContain('00 order'), { timeout: 20_000, interval: 20 });
        await nodes[other].post(`/transactions/${gid}/finish`, { status: 'succeed', result: 'ZG9uZQ==' });
        expect(await nodes[one].get(`/transactions/${gid}/progress`)).toMatchObject({
          status: 'succeed',
          result: 'ZG9uZQ==',
        });
      },
    );

    it.each(BOTH_WAYS)("dtm's clients of the %s continue with the %s", async (one, other) => {
      const gid = `${one}-dtm`;
      const [confirm, cancel] = [participant.url('/confirm'), participant.url('/cancel')];
      await nodes[one].dtm('prepare', { gid, trans_type: 'tcc' });
      await nodes[other].dtm('prepare', { gid, trans_type: 'tcc' });
      await nodes[other].dtm('registerBranch', {
        gid,
        trans_type: 'tcc',
        branch_id: '01',
        data: '{}',
        confirm,
        cancel,
      });
      await nodes[one].dtm('abort', { gid, trans_type: 'tcc', rollback_reason: 'no' });
      expect(await nodes[other].final(gid)).toBe('failed');
      expect(participant.of(gid)).toEqual(['01 cancel']);

      const waited = { gid: `${gid}-wait`, trans_type: 'saga', wait_result: true };
      const steps = [{ action: participant.url('/ok'), compensate: cancel }];
      await nodes[one].dtm('submit', { ...waited, steps, payloads: ['{}'] });
      expect(participant.of(waited.gid)).toEqual(['01 action']);
    });

    it.each(BOTH_WAYS)(
      'a command sent to the %s reaches a transaction that waits since the %s released it',
      async (one, other) => {
        // ONGOING: the branch is called again after the plain interval.
        participant.respond('/later', 425);
        const [aborted, stopped, retried] = [`${one}-abort`, `${one}-stop`, `${one}-retry`];
        for (const gid of [aborted, stopped, retried])
          await nodes[other].post('/transactions', { ...saga(gid, '/later'), retryIntervalMs: 60_000 });
        for (const gid of [aborted, stopped, retried]) await waits(nodes[one], gid);
        await nodes[one].post(`/transactions/${aborted}/abort`, { reason: 'wrong address' });
        await nodes[one].post(`/transactions/${stopped}/stop`);
        participant.respond('/later', 200);
        await nodes[one].post(`/transactions/${retried}/retry`);
        expect(await nodes[other].final(aborted)).toBe('failed');
        expect((await nodes[other].get(`/transactions/${aborted}`)).rollbackReason).toBe('wrong address');
        expect(await nodes[other].final(stopped)).toBe('failed');
        expect(await nodes[other].final(retried)).toBe('succeed');
        expect(participant.of(aborted)).toEqual(['01 action', '01 compensate']);
        expect(participant.of(stopped)).toEqual(['01 action']);
      },
    );

    it.each(BOTH_WAYS)(
      'a command sent to the %s reaches a transaction of which the %s is calling a branch',
      async (one, other) => {
        participant.hold('/slow');
        const [aborted, stopped, retried] = [`${one}-slow-abort`, `${one}-slow-stop`, `${one}-slow-retry`];
        for (const gid of [aborted, stopped, retried])
          await nodes[other].post('/transactions', { ...saga(gid, '/slow'), requestTimeoutMs: 30_000 });
        for (const gid of [aborted, stopped, retried])
          await vi.waitFor(() => expect(participant.of(gid)).toEqual(['01 action']), { timeout: 20_000, interval: 10 });
        await nodes[one].post(`/transactions/${aborted}/abort`, { reason: 'wrong address' });
        await nodes[one].post(`/transactions/${stopped}/stop`);
        await nodes[one].post(`/transactions/${retried}/retry`);
        participant.release('/slow');
        expect(await nodes[one].final(stopped)).toBe('failed');
        expect(await nodes[one].final(retried)).toBe('succeed');
        // The command was durable before the branch responded.
        expect(await nodes[one].final(aborted)).toBe('failed');
        expect((await nodes[one].get(`/transactions/${aborted}`)).rollbackReason).toBe('wrong address');
        expect(participant.of(aborted)).toEqual(['01 action', '01 compensate']);
        for (const gid of [stopped, retried]) expect(new Set(participant.of(gid))).toEqual(new Set(['01 action']));
      },
    );

    it.each(BOTH_WAYS)('a topic created at the %s exists at the %s', async (one, other) => {
      const topic = `paid-${one}`;
      const subscribers = `/api/v1/topics/${topic}/subscribers`;
      const [mail, stock] = [participant.url('/mail'), participant.url('/stock')];
      await nodes[one].call('PUT', subscribers, { url: mail, remark: 'by mail' });
      await nodes[other].call('PUT', subscribers, { url: stock });
      const send = (node: VersionedNode, gid: string): Promise<ResponseBody> =>
        node.post('/transactions', { gid, pattern: 'msg', steps: [{ action: `topic://${topic}`, payload: {} }] });
      for (const node of [nodes[one], nodes[other]]) {
        const gid = `${topic}-at-${node.version}`;
        await send(node, gid);
        expect(await node.final(gid)).toBe('succeed');
        expect(participant.of(gid)).toEqual(['01-01 action', '01-02 action']);
        const page = await node.get('/topics');
        expect(page.items.find((item) => item.topic === topic)?.subscribers.map(({ url }) => url)).toEqual([
          mail,
          stock,
        ]);
      }
      await nodes[other].call('DELETE', `${subscribers}?url=${encodeURIComponent(mail)}`);
      await send(nodes[one], `${topic}-fewer`);
      expect(await nodes[other].final(`${topic}-fewer`)).toBe('succeed');
      expect(participant.of(`${topic}-fewer`)).toEqual(['01 action']);
      await nodes[one].call('DELETE', `/api/v1/topics/${topic}`);
      await expect(send(nodes[other], `${topic}-gone`)).rejects.toThrow(topic);
    });

    // Later versions reject such URLs.
    if (kept === '2026-11-21')
      it("a branch that the previous accepted with the coordinator's parameters in its URL is undone under the name it was done under", async () => {
        const gid = 'own-parameters';
        // A participant of this version. The action came to the one of the version before, which
        // read the URL's own gid.
        const calls: string[] = [];
        const handler = serveBranch(({ gid: read, branchId, op }) => void calls.push(`${read} ${branchId} ${op}`), {
          onError: (error) => void calls.push(String(error)),
        });
        const server = createServer((request, response) => void handler(request, response)).listen(0, '127.0.0.1');
        await once(server, 'listening');
        onTestFinished(() => void server.close());
        server.unref();
        const refund = `http://127.0.0.1:${(server.address() as AddressInfo).port}/refund?gid=42`;
        participant.respond('/sold-out', 500);
        await nodes.previous.post('/transactions', {
          gid,
          pattern: 'saga',
          steps: [
            { action: participant.url('/debit?gid=42'), compensate: refund },
            { action: participant.url('/sold-out'), compensate: '' },
          ],
          retryIntervalMs: 200,
        });
        await vi.waitFor(() => expect(participant.of(gid)).toContain('02 action'), { timeout: 20_000, interval: 10 });
        expect(participant.of('42')).toEqual(['01 action']);
        await nodes.previous.end('stopped');
        participant.respond('/sold-out', 409);
        expect(await nodes.present.final(gid)).toBe('failed');
        expect(calls).toEqual(['42 01 compensate']);
        await nodes.previous.startAgain();
      });

    // The previous version ends last: it might not be able to come back to what the present one has
    // migrated.
    it.each([
      ['present', 'stopped', 'previous'],
      ['present', 'killed', 'previous'],
      ['previous', 'stopped', 'present'],
      ['previous', 'killed', 'present'],
    ] as const)('when the %s is %s, the %s finishes its transactions', async (one, how, other) => {
      const begun = await beginUnfinished(nodes[one], participant, `${one}-${how}`);
      const workflow = `${one}-${how}-workflow`;
      await beginWorkflow(nodes[one], participant, workflow);
      await nodes[one].end(how);
      letThemEnd(participant);
      for (const { gid, ends, calls } of begun) {
        expect([gid, await nodes[other].final(gid)]).toEqual([gid, ends]);
        expect(new Set(participant.of(gid))).toEqual(new Set(calls));
      }
      const calledBack = participant.of(workflow).length;
      const more = (): void => expect(participant.of(workflow).length).toBeGreaterThan(calledBack);
      await vi.waitFor(more, { timeout: 20_000, interval: 20 });
      expect((await nodes[other].get(`/transactions/${workflow}/progress`)).steps).toHaveLength(1);
      await nodes[other].post(`/transactions/${workflow}/finish`, { status: 'succeed' });
      await nodes[one].startAgain();
      for (const { gid } of begun) {
        const shown = await nodes.previous.get(`/transactions/${gid}`);
        expect(await nodes.present.get(`/transactions/${gid}`)).toMatchObject(shown);
      }
    });
  });
});
