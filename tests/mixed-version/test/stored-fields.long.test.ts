import { describeWith } from '@holdfast/testing/describe-with';
import { type DatabaseServer, startMariadb, startPostgres, startRedis } from '@holdfast/testing/servers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Participant } from '../../../deploy/test/support/participant.ts';
import type { NodeCalls, ResponseBody } from './support/node-calls.ts';
import { as, PresentNode, TRACE } from './support/present-node.ts';
import { VersionedNode } from './support/versioned-node.ts';

/**
 * The kept versions, each with a store that it supports. Both store no principals and no trace
 * contexts; heartbeats of workflows and runs of a tcc are stored since 2026-11-29.
 */
const STORES = [
  { kept: '2026-11-21', program: 'postgres', startDatabase: startPostgres },
  { kept: '2026-11-29', program: 'postgres', startDatabase: startPostgres },
  { kept: '2026-11-29', program: 'mariadbd', startDatabase: startMariadb },
  { kept: '2026-11-29', program: 'redis-server', startDatabase: startRedis },
] as const;

/** The version that creates a transaction, and the version that continues it. */
const BOTH_WAYS = [
  ['previous', 'present'],
  ['present', 'previous'],
] as const;

const AWAIT = { timeout: 20_000, interval: 20 };
const DATA = new TextEncoder().encode('{"amount":30}');

describe.each(STORES)(
  'fields that the version of $kept does not store, on $program',
  ({ kept, program, startDatabase }) => {
    describeWith([program], 'beside the present version', () => {
      let database: DatabaseServer;
      let participant: Participant;
      let nodes: { readonly previous: VersionedNode; readonly present: PresentNode };

      beforeAll(async () => {
        const started = await startDatabase();
        if (started === undefined) throw new Error(`${program} is not installed`);
        database = started;
        participant = await Participant.start();
        const previous = await VersionedNode.start('previous', database.url, kept);
        nodes = { previous, present: await PresentNode.start(database.url) };
      });

      afterAll(async () => {
        // `end` also checks what the nodes logged.
        await nodes.previous.end('stopped');
        await nodes.present.end();
        await participant.close();
        await database.stop();
      });

      const shown = (gid: string, node: NodeCalls = nodes.present): Promise<ResponseBody> =>
        node.get(`/transactions/${gid}`);

      /** Resolves when no node drives the transaction and its next attempt is far away. */
      const waits = (gid: string): Promise<void> =>
        vi.waitFor(async () => expect(await shown(gid)).toMatchObject({ owner: null }), AWAIT);

      const called = (gid: string, call: string): Promise<void> =>
        vi.waitFor(() => expect(participant.of(gid)).toContain(call), AWAIT);

      /** The traces of a transaction's calls, without repetitions; empty: a call without one. */
      const tracesOf = (gid: string): string[] => [
        ...new Set(participant.calls.filter((call) => call.gid === gid).map(({ traceparent }) => traceparent)),
      ];

      /** A saga of one step at the participant; Alice creates it if the present node accepts it. */
      const submitSaga = async (version: 'previous' | 'present', gid: string, path: string, retryIntervalMs = 200) => {
        const [action, compensate] = [participant.url(path), participant.url('/undo')];
        if (version === 'present')
          await nodes.present.engine.submit(as('alice'), {
            gid,
            pattern: 'saga',
            steps: [{ action, compensate }],
            payloads: [DATA],
            options: { retryIntervalMs },
          });
        else
          await nodes.previous.post('/transactions', {
            gid,
            pattern: 'saga',
            steps: [{ action, compensate, payload: { amount: 30 } }],
            retryIntervalMs,
          });
      };

      /** The principals of a transaction's commands, in the order of its timeline. */
      const operatorsOf = async (gid: string): Promise<unknown[]> =>
        (await shown(gid)).timeline
          .filter(({ kind, status }) => kind === 'order' || (kind === 'status' && status !== 'submitted'))
          .map(({ detail, status, by }) => [detail ?? status, by]);

      it('the previous finishes what named principals created at the present, which shows creator and trace again', async () => {
        // The present version makes all first calls.
        await nodes.previous.end('stopped');
        participant.respond('/stuck', 500);
        const { engine } = nodes.present;
        const [ok, stuck] = [participant.url('/ok'), participant.url('/stuck')];
        const options = { retryIntervalMs: 200 };
        const steps = [
          { action: ok, compensate: ok },
          { action: stuck, compensate: ok },
        ];
        await engine.submit(as('alice'), {
          gid: 'new-saga',
          pattern: 'saga',
          steps,
          payloads: [DATA, DATA],
          options,
        });
        await engine.submit(as('alice'), {
          gid: 'new-msg',
          pattern: 'msg',
          steps: [{ action: stuck, compensate: '' }],
          payloads: [DATA],
          options,
        });
        await engine.prepare(as('alice'), {
          gid: 'new-check',
          pattern: 'msg',
          steps: [{ action: ok, compensate: '' }],
          payloads: [DATA],
          queryPrepared: stuck,
          options: { ...options, timeoutToFailMs: 1 },
        });
        for (const pattern of ['tcc', 'xa'] as const) {
          const gid = `new-${pattern}`;
          await engine.prepare(as('alice'), { gid, pattern, options });
          const urls = pattern === 'tcc' ? { confirm: stuck, cancel: ok, payload: 1 } : { url: stuck };
          await nodes.present.post(`/transactions/${gid}/branches`, { pattern, branchId: '01', ...urls });
          await nodes.present.post(`/transactions/${gid}/submit`);
        }
        await engine.prepareWorkflow(as('alice'), {
          gid: 'new-workflow',
          pattern: 'workflow',
          workflowName: 'order',
          workflowData: DATA,
          queryPrepared: stuck,
          options: { retryIntervalMs: 300 },
        });
        const step = { pattern: 'workflow', branchId: '01', op: 'action', status: 'succeed', data: 'cGFpZA==' };
        await nodes.present.post('/transactions/new-workflow/branches', step);
        const driven = { saga: '02 action', msg: '01 action', check: '00 msg', tcc: '01 confirm', xa: '01 commit' };
        for (const [name, call] of Object.entries(driven)) await called(`new-${name}`, call);
        for (const name of Object.keys(driven)) expect(tracesOf(`new-${name}`)).toEqual([TRACE.traceparent]);

        await nodes.previous.startAgain();
        await nodes.present.end();
        participant.respond('/stuck', 200);
        for (const name of Object.keys(driven))
          expect([name, await nodes.previous.final(`new-${name}`)]).toEqual([name, 'succeed']);
        await nodes.previous.post('/transactions/new-workflow/finish', { status: 'succeed' });
        await nodes.present.startAgain();
        for (const name of [...Object.keys(driven), 'workflow'])
          expect(await shown(`new-${name}`)).toMatchObject({ status: 'succeed', createdBy: 'alice', trace: TRACE });
        // The previous version calls branches outside of the trace.
        for (const name of Object.keys(driven)) expect(tracesOf(`new-${name}`)).toEqual([TRACE.traceparent, '']);
      });

      it('the present finishes what the previous accepted within a trace, without creator and trace', async () => {
        participant.respond('/stuck', 500);
        const step = { action: participant.url('/stuck'), compensate: participant.url('/undo') };
        const body = { gid: 'old-saga', pattern: 'saga', steps: [step], retryIntervalMs: 200 };
        const accepted = await fetch(`${nodes.previous.url}/api/v1/transactions`, {
          method: 'POST',
          body: JSON.stringify(body),
          headers: TRACE,
        });
        expect(accepted.status).toBeLessThan(300);
        await called('old-saga', '01 action');
        await nodes.previous.end('stopped');
        participant.respond('/stuck', 200);
        expect(await nodes.present.final('old-saga')).toBe('succeed');
        const { createdBy, trace } = await shown('old-saga');
        expect([createdBy, trace, tracesOf('old-saga')]).toEqual([undefined, undefined, ['']]);
        await nodes.previous.startAgain();
      });

      it.each(['previous', 'present'] as const)(
        'named operators at the present command what waits since the %s released it; the records name them',
        async (version) => {
          participant.respond('/later', 425);
          const { engine } = nodes.present;
          const [aborted, stopped, retried] = ['abort', 'stop', 'retry'].map((name) => `${version}-waits-${name}`);
          for (const gid of [aborted, stopped, retried] as string[]) {
            await submitSaga(version, gid, '/later', 60_000);
            await called(gid, '01 action');
            await waits(gid);
          }
          await engine.abort(as('bob'), { gid: String(aborted), reason: 'wrong address', byOperator: true });
          await engine.forceStop(as('dave'), { gid: String(stopped), reason: 'INC-42' });
          participant.respond('/later', 200);
          await engine.retryNow(as('carol'), String(retried));
          for (const [gid, status] of [
            [aborted, 'failed'] as const,
            [stopped, 'failed'],
            [retried, 'succeed'],
          ] as const)
            expect(await nodes.previous.final(String(gid))).toBe(status);
          expect(await operatorsOf(String(aborted))).toContainEqual(['aborting', 'bob']);
          expect(await operatorsOf(String(stopped))).toContainEqual(['force-stop', 'dave']);
          expect(await operatorsOf(String(retried))).toContainEqual(['retry now', 'carol']);
          // The previous version reads these timelines, without the names.
          expect((await shown(String(aborted), nodes.previous)).status).toBe('failed');
        },
      );

      it.each(BOTH_WAYS)(
        'operator commands at the %s are carried out by the %s, which drives the transaction',
        async (sender, driver) => {
          participant.hold('/slow');
          const gids = ['abort', 'stop', 'retry'].map((name) => `${driver}-drives-${name}`);
          const [aborted = '', stopped = '', retried = ''] = gids;
          for (const gid of gids) {
            await submitSaga(driver, gid, '/slow');
            await called(gid, '01 action');
          }
          if (sender === 'present') {
            const { engine } = nodes.present;
            await engine.abort(as('bob'), { gid: aborted, reason: 'wrong address', byOperator: true });
            await engine.forceStop(as('dave'), { gid: stopped, reason: 'INC-42' });
            await engine.retryNow(as('carol'), retried);
          } else {
            await nodes.previous.post(`/transactions/${aborted}/abort`, { reason: 'wrong address' });
            await nodes.previous.post(`/transactions/${stopped}/stop`);
            await nodes.previous.post(`/transactions/${retried}/retry`);
          }
          participant.release('/slow');
          expect(await nodes[driver].final(aborted)).toBe('failed');
          expect(await nodes[driver].final(stopped)).toBe('failed');
          expect(await nodes[driver].final(retried)).toBe('succeed');
          expect((await shown(aborted)).rollbackReason).toBe('wrong address');
          expect(participant.of(aborted)).toEqual(['01 action', '01 compensate']);
          // The sender of a force-stop writes it. Another command is an entry, which the previous
          // version carries out without its operator; and it sends commands without one.
          expect(await operatorsOf(aborted)).toContainEqual(['aborting', undefined]);
          const stop = sender === 'previous' && kept === '2026-11-21' ? 'stop' : 'force-stop';
          expect(await operatorsOf(stopped)).toContainEqual([stop, sender === 'present' ? 'dave' : undefined]);
        },
      );

      it('from the present to the previous and back, creator and trace stay, and the names of operators are lost', async () => {
        participant.respond('/later', 425);
        await submitSaga('present', 'around', '/later', 60_000);
        await called('around', '01 action');
        await waits('around');
        const callsOf = (): number => participant.of('around').length;
        await nodes.present.engine.retryNow(as('bob'), 'around');
        await vi.waitFor(() => expect(callsOf()).toBe(2), AWAIT);
        await waits('around');
        expect(await operatorsOf('around')).toEqual([['retry now', 'bob']]);
        // From here on the previous version drives and writes the record.
        await nodes.present.end();
        await nodes.previous.post('/transactions/around/retry');
        await vi.waitFor(() => expect(callsOf()).toBe(3), AWAIT);
        await vi.waitFor(
          async () => expect(await shown('around', nodes.previous)).toMatchObject({ owner: null }),
          AWAIT,
        );
        await nodes.present.startAgain();
        expect(await shown('around')).toMatchObject({ status: 'submitted', createdBy: 'alice', trace: TRACE });
        participant.respond('/later', 200);
        await nodes.present.engine.retryNow(as('carol'), 'around');
        expect(await nodes.present.final('around')).toBe('succeed');
        expect(await operatorsOf('around')).toEqual([
          ['retry now', undefined],
          ['retry now', undefined],
          ['retry now', 'carol'],
          ['succeed', undefined],
        ]);
        expect(participant.calls.filter(({ gid }) => gid === 'around').map(({ traceparent }) => traceparent)).toEqual([
          TRACE.traceparent,
          TRACE.traceparent,
          '',
          TRACE.traceparent,
        ]);
      });

      if (kept === '2026-11-21') return;

      it.each(BOTH_WAYS)(
        'a tcc whose nested branch of one run is registered at the %s is aborted when another run submits it at the %s',
        async (one, other) => {
          for (const [run, status] of [
            ['first', 'succeed'],
            ['second', 'failed'],
          ] as const) {
            const gid = `${one}-run-${run}`;
            const branch = { pattern: 'tcc', confirm: participant.url('/ok'), cancel: participant.url('/ok') };
            await nodes[one].post('/transactions', { gid, pattern: 'tcc' });
            await nodes[one].post(`/transactions/${gid}/branches`, { ...branch, branchId: '01' });
            const nested = { ...branch, branchId: '0101', digest: 'run:first:part' };
            await nodes[one].post(`/transactions/${gid}/branches`, nested);
            await nodes[other]
              .post(`/transactions/${gid}/submit`, { branches: ['01'], run })
              .catch((error: unknown) => {
                // The transaction becomes aborting, and its submission is rejected.
                expect([status, String(error)]).toEqual(['failed', expect.stringContaining('abort')]);
              });
            expect([run, await nodes[one].final(gid)]).toEqual([run, status]);
          }
        },
      );

      it('a heartbeat of a workflow at either version is in the record that the other one has written', async () => {
        const gid = 'beating';
        await nodes.present.engine.prepareWorkflow(as('alice'), {
          gid,
          pattern: 'workflow',
          workflowName: 'order',
          workflowData: DATA,
          queryPrepared: participant.url('/resume'),
          options: { retryIntervalMs: 12_000 },
        });
        const heartbeatOf = async (): Promise<number> =>
          (await nodes.present.engine.get(as('alice'), gid))?.state.heartbeatAtMs ?? 0;
        await nodes.present.post(`/transactions/${gid}/heartbeat`);
        const first = await heartbeatOf();
        expect(first).toBeGreaterThan(0);
        await nodes.present.end();
        const step = { pattern: 'workflow', branchId: '01', op: 'action', status: 'succeed', data: 'cGFpZA==' };
        await nodes.previous.post(`/transactions/${gid}/branches`, step);
        await nodes.previous.post(`/transactions/${gid}/retry`);
        await called(gid, '00 order');
        await nodes.present.startAgain();
        expect(await heartbeatOf()).toBeGreaterThanOrEqual(first);
        // A heartbeat soon after a stored one is not stored.
        await vi.waitFor(async () => {
          await nodes.previous.post(`/transactions/${gid}/heartbeat`);
          expect(await heartbeatOf()).toBeGreaterThan(first);
        }, AWAIT);
        await nodes.present.post(`/transactions/${gid}/finish`, { status: 'succeed' });
        expect(await shown(gid, nodes.previous)).toMatchObject({ status: 'succeed' });
        expect(await shown(gid)).toMatchObject({ createdBy: 'alice', trace: TRACE });
      });
    });
  },
);
