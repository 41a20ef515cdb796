import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import {
  type DatabaseServer,
  holdingProxy,
  inPatchedWorkspace,
  type Moment,
  type Patch,
  WORKSPACE,
} from '@holdfast/testing/servers';
import { expect, it, onTestFinished } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import type { HoldfastProcessOptions } from '@holdfast/testing/holdfast-process';
import { usePrivateServer } from '@holdfast/testing/private-server';
import { always, Participants } from '@holdfast/testing/participants';
import { Coordinator, SILENCE_MS, until } from './process.ts';

const GID = 'of-the-frozen';
const FOUND = new RegExp(GID);
/** How long the node stays frozen: other sessions would have ended in turn in that time. */
const FROZEN_MS = 4 * SILENCE_MS;
/** How often the other node is given work: it is busy, and the machine is not. */
const BESIDE_EVERY_MS = 100;
/** Many times what is sent at once. */
const LARGE_BODY = 'x'.repeat(900_000);

/** Stops a process; returns when the kernel has stopped it. */
function freeze({ child }: Coordinator): void {
  child.kill('SIGSTOP');
  while (!/\) T /.test(readFileSync(`/proc/${child.pid}/stat`, 'latin1')));
}

const SESSION = 'packages/core/dist/engine/session.js';
const NO_FENCING: readonly Patch[] = [
  {
    file: SESSION,
    from: 'return Math.max(monotonicMs, wallMs) < options.silenceMs * LEASE_SHARE && monotonicMs - wallMs <= SET_BACK_MS;',
    to: 'return true;',
  },
  { file: SESSION, from: 'if (!alive)', to: 'if (false)' },
  { file: SESSION, from: 'if (lastMs === null || lastMs < this.#heartbeatAtMs)', to: 'if (false)' },
  {
    file: 'packages/core/dist/engine/claimer.js',
    from: 'if (result.sessionEnded && owner === session.id)',
    to: 'if (false)',
  },
];
/** A mistake of which these tests must convict a node, and what it leads to. */
interface Mistake {
  readonly mistake: string;
  readonly patches: readonly Patch[];
  readonly phase: 'while it receives a claim' | 'while it reads a response';
  readonly leadsTo: RegExp;
}

const MISTAKES: readonly Mistake[] = [
  {
    mistake: 'its lease never expires, and it ignores that its session was ended',
    patches: NO_FENCING,
    phase: 'while it receives a claim',
    // It never notices.
    leadsTo: /Timed out/,
  },
];

/** All packages of which a coordinator may consist. */
const builtPackages = (): readonly string[] =>
  readdirSync(join(WORKSPACE, 'packages'))
    .map((name) => `packages/${name}`)
    .filter((folder) => existsSync(join(WORKSPACE, folder, 'dist')));

/** When a node claims a transaction, and when it reads the record of one. */
export interface Requests {
  readonly claim: RegExp;
  readonly read: RegExp;
}

/**
 * Tests of two nodes over one database, one of which is frozen in the middle of its work.
 * @param program the server's program, without which the tests are skipped
 */
export function frozenNodeTests(
  program: string,
  database: string,
  startServer: () => Promise<DatabaseServer | undefined>,
  { claim, read }: Requests,
): void {
  describeWith([program], `a node on ${database} that is frozen`, () => {
    const server = usePrivateServer(database, startServer);

    /** Two nodes; the connections of the one that will be frozen lead through a proxy. */
    async function setUp(build: HoldfastProcessOptions = {}) {
      const shop = await Participants.start();
      const proxy = await holdingProxy(server().url);
      // The other one polls less often, so that the first one claims most of what is due.
      const nodes = await Promise.all([
        Coordinator.startBuild(build, proxy.url, '--node', 'frozen'),
        Coordinator.startBuild(build, server().url, '--node', 'other', '--poll', '3s'),
      ]);
      onTestFinished(async () => {
        await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
        await proxy.close();
        await shop[Symbol.asyncDispose]();
      });
      const sagaOf = (gid: string, path: string) => ({
        gid,
        trans_type: 'saga',
        steps: [{ action: shop.url(path), compensate: shop.url(`${path}/undo`) }],
        payloads: [''],
        retry_interval: 1,
      });
      const callsOf = (path: string): number => shop.calls.filter((call) => call.endsWith(` ${path}`)).length;
      const [frozen, other] = nodes;
      return { shop, proxy, frozen, other, sagaOf, callsOf };
    }

    type World = Awaited<ReturnType<typeof setUp>>;

    /**
     * Keeps the other node busy until it would have lost its session, and asserts that it did not.
     */
    async function expectOtherToContinue({ other, sagaOf }: World, name: string): Promise<void> {
      const endMs = performance.now() + FROZEN_MS;
      for (let i = 1; performance.now() < endMs; i++) {
        const saga = { ...sagaOf(`${name}-beside-${i}`, '/beside'), wait_result: true };
        expect((await other.dtm('submit', saga)).json).toEqual({ dtm_result: 'SUCCESS' });
        await setTimeout(BESIDE_EVERY_MS);
      }
      expect(other.log.filter(({ msg }) => msg.includes('session lost'))).toEqual([]);
    }

    /**
     * Wakes the frozen node; asserts that it has noticed and serves again, without having made a
     * further call.
     */
    async function expectToNotice(
      { frozen, proxy, sagaOf, callsOf }: World,
      name: string,
      path: string,
      calls: number,
    ): Promise<void> {
      frozen.child.kill('SIGCONT');
      proxy.release();
      const hasNoticed = (): boolean => frozen.log.some(({ msg }) => msg.includes('session lost'));
      await until(() => hasNoticed() || callsOf(path) !== calls);
      expect(callsOf(path)).toBe(calls);
      await until(async () => {
        const { json } = await frozen.dtm('submit', { ...sagaOf(`${name}-after`, '/after'), wait_result: true });
        return json.dtm_result === 'SUCCESS';
      });
    }

    const phases: Readonly<Record<Mistake['phase'], Moment>> = {
      'while it receives a claim': { request: claim, response: FOUND, passes: 'whole' },
      'while it reads a response': { request: read, response: FOUND, passes: 'half' },
    };

    /** Freezes a node in a phase of its work; asserts that only the other node continues it. */
    async function freezeWhileItWorks(name: string, moment: Moment, build: HoldfastProcessOptions = {}): Promise<void> {
      const world = await setUp(build);
      const { shop, proxy, frozen, other, sagaOf, callsOf } = world;
      const gid = `${GID} ${name}`;
      let isFrozen = false;
      const waits = always(425, '{"dtm_result":"ONGOING"}');
      const succeeds = always(200, '{"dtm_result":"SUCCESS"}');
      shop.respond('/slow', (response, seen) => (isFrozen ? succeeds : waits)(response, seen));
      const submitted = await frozen.dtm('submit', { ...sagaOf(gid, '/slow'), payloads: [LARGE_BODY] });
      expect(submitted.json).toEqual({ dtm_result: 'SUCCESS' });
      await until(() => callsOf('/slow') > 0);
      await proxy.holdAt(moment, () => {
        freeze(frozen);
        isFrozen = true;
      });
      const before = callsOf('/slow');
      await expectOtherToContinue(world, name);
      const statusOf = async (node: Coordinator): Promise<string> =>
        (await node.get(`/api/v1/transactions/${encodeURIComponent(gid)}`)).json.status;
      await until(async () => (await statusOf(other)) === 'succeed');
      expect(callsOf('/slow')).toBe(before + 1);
      await expectToNotice(world, name, '/slow', before + 1);
      expect(await statusOf(frozen)).toBe('succeed');
      expect([callsOf('/slow'), callsOf('/slow/undo')]).toEqual([before + 1, 0]);
      expect(other.log.filter(({ msg }) => msg.includes('session lost'))).toEqual([]);
    }

    it.each(Object.entries(phases))(
      '%s leaves what it claimed to the others, whose sessions last, and does nothing more with it',
      async (phase, moment) => {
        await expect(freezeWhileItWorks(phase, moment)).resolves.toBeUndefined();
      },
    );

    if (program === 'postgres')
      it.each(MISTAKES)('is convicted by these tests if $mistake', async ({ mistake, patches, phase, leadsTo }) => {
        await inPatchedWorkspace(builtPackages(), patches, async (root) => {
          const cliPath = join(root, 'packages/cli/dist/cli.js');
          await expect(freezeWhileItWorks(mistake, phases[phase], { cliPath })).rejects.toThrow(leadsTo);
        });
      });

    it('in the middle of a batch keeps nothing locked, and its batch changes nothing that was decided since', async () => {
      const world = await setUp();
      const { proxy, frozen, other, sagaOf, callsOf } = world;
      const gid = `${GID} in a batch`;
      const held = proxy.holdAt({ request: FOUND, passes: 'half' }, () => freeze(frozen));
      const first = frozen.dtm('submit', sagaOf(gid, '/once'));
      await held;
      await expectOtherToContinue(world, 'batch');
      // The client repeats its submission at another node, as it does after a timeout.
      const again = await other.dtm('submit', { ...sagaOf(gid, '/once'), wait_result: true });
      expect(again.json).toEqual({ dtm_result: 'SUCCESS' });
      await expectToNotice(world, 'batch', '/once', 1);
      // Whatever the response to the first submission is, it is given.
      expect((await first).status).toBeGreaterThanOrEqual(200);
      expect([callsOf('/once'), callsOf('/once/undo')]).toEqual([1, 0]);
      expect(other.log.filter(({ msg }) => msg.includes('session lost'))).toEqual([]);
    });
  });
}
