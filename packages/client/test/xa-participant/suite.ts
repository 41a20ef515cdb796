import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { BranchFailure } from '@holdfast/protocol';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { XaUndecided } from '../../src/xa-participant/errors.ts';
import type { XaCall } from '../../src/xa-participant/xa-participant.ts';
import type { XaWorld } from './worlds.ts';

let lastGid = 0;
const newBranch = (gid = `xa-${process.pid}-${++lastGid}`) => {
  const call = (op: string, query: Record<string, string> = {}): XaCall => ({
    gid,
    transType: 'xa',
    branchId: '01',
    op,
    query: new URLSearchParams(query),
  });
  return { name: `${gid}-01`, call };
};

/**
 * The guarantees of an XA participant over any database; the numbers are those of `DialectXa`.
 */
export function xaSuite<Tx>(open: () => Promise<XaWorld<Tx>>): void {
  let world: XaWorld<Tx>;
  beforeAll(async () => {
    world = await open();
  });
  afterAll(() => world.close());

  const mustNotRun = () => expect.unreachable('the work must not run');

  it('an action is prepared, and visible once it is committed', async () => {
    const { name, call } = newBranch();
    const number = await world.createNumber();
    const outcome = await world.xa().run(call('action'), async (tx) => {
      await number.add(tx, 30);
      return 'done';
    });
    expect(outcome).toEqual({ ran: true, value: 'done' });
    expect(await world.prepared()).toContain(name);
    expect(await number.read()).toBe(0);
    await world.xa().run(call('commit'), mustNotRun);
    expect(await number.read()).toBe(30);
    expect(await world.prepared()).not.toContain(name);
  });

  it('a rollback ends a prepared transaction, and a later action is rejected (X1, X3)', async () => {
    const { name, call } = newBranch();
    const number = await world.createNumber();
    await world.xa().run(call('action'), (tx) => number.add(tx, 30));
    await world.xa().run(call('rollback'), mustNotRun);
    await world.xa().run(call('rollback'), mustNotRun);
    expect(await world.prepared()).not.toContain(name);
    await expect(world.xa().run(call('action'), mustNotRun)).rejects.toThrow(BranchFailure);
    expect(await number.read()).toBe(0);
  });

  it('an action after an empty rollback is rejected, and nothing stays prepared (X3)', async () => {
    const { name, call } = newBranch();
    await world.xa().run(call('rollback'), mustNotRun);
    await expect(world.xa().run(call('action'), mustNotRun)).rejects.toThrow(BranchFailure);
    expect(await world.prepared()).not.toContain(name);
  });

  it('branches whose gid and ID have the same concatenation are distinguished (X6)', async () => {
    const { call } = newBranch();
    const gid = call('action').gid;
    const number = await world.createNumber();
    const one = (op: string): XaCall => ({ gid, transType: 'workflow', branchId: '01-02', op });
    const other = (op: string): XaCall => ({ gid: `${gid}-01`, transType: 'xa', branchId: '02', op });
    await world.xa().run(one('action'), () => 'prepared');
    await world.xa().run(other('action'), (tx) => number.add(tx, 7));
    await world.xa().run(one('rollback'), mustNotRun);
    expect(await world.prepared()).toContain(`${gid}-01-02`);
    await world.xa().run(other('commit'), mustNotRun);
    expect(await number.read()).toBe(7);
    expect((await world.prepared()).filter((name) => name.startsWith(gid))).toEqual([]);
  });

  it('what the version before prepared for a step with a hyphen is ended, unless it may be another one (X6)', async () => {
    for (const how of ['commit', 'rollback']) {
      const { call } = newBranch();
      const gid = call('action').gid;
      const number = await world.createNumber();
      const branchId = '01-02';
      await world.prepareAs(`${gid}-01-02`, { gid, branchId }, number.id, 30);
      await world.xa().run({ gid, transType: 'workflow', branchId, op: how }, mustNotRun);
      expect(await number.read()).toBe(how === 'commit' ? 30 : 0);
      expect(await world.prepared()).not.toContain(`${gid}-01-02`);
    }
    const { call } = newBranch();
    const gid = call('action').gid;
    const number = await world.createNumber();
    await world
      .xa()
      .run({ gid: `${gid}-01`, transType: 'xa', branchId: '02', op: 'action' }, (tx) => number.add(tx, 7));
    const step = { gid, transType: 'workflow', branchId: '01-02' } as const;
    await world.prepareAs(`${gid}-held`, step, number.id + 1_000_000, 0);
    await expect(world.xa().run({ ...step, op: 'rollback' }, mustNotRun)).rejects.toThrow(XaUndecided);
    expect(await world.prepared()).toContain(`${gid}-01-02`);
    await world.xa().run({ gid: `${gid}-01`, transType: 'xa', branchId: '02', op: 'commit' }, mustNotRun);
    expect(await number.read()).toBe(7);
    await world.rollBack(`${gid}-held`);
  });

  it('a repeated action or commit has no effect', async () => {
    const { call } = newBranch();
    const number = await world.createNumber();
    await world.xa().run(call('action'), (tx) => number.add(tx, 30));
    expect(await world.xa().run(call('action'), mustNotRun)).toEqual({ ran: false, why: 'repeated' });
    await world.xa().run(call('commit'), mustNotRun);
    await world.xa().run(call('commit'), mustNotRun);
    expect(await world.xa().run(call('action'), mustNotRun)).toEqual({ ran: false, why: 'repeated' });
    expect(await number.read()).toBe(30);
  });

  it('a commit that finds nothing is not a success, and neither is a reversed decision (X4, X5)', async () => {
    const never = newBranch();
    await expect(world.xa().run(never.call('commit'), mustNotRun)).rejects.toThrow(XaUndecided);
    await world.xa().run(never.call('rollback'), mustNotRun);
    await expect(world.xa().run(never.call('commit'), mustNotRun)).rejects.toThrow(XaUndecided);
    const committed = newBranch();
    await world.xa().run(committed.call('action'), () => {});
    await world.xa().run(committed.call('commit'), mustNotRun);
    await expect(world.xa().run(committed.call('rollback'), mustNotRun)).rejects.toThrow(XaUndecided);
  });

  it('work that throws leaves nothing prepared, and the action may be repeated', async () => {
    const { name, call } = newBranch();
    const number = await world.createNumber();
    const refusal = new BranchFailure('no money');
    const failing = world.xa().run(call('action'), async (tx) => {
      await number.add(tx, 30);
      throw refusal;
    });
    await expect(failing).rejects.toBe(refusal);
    expect(await world.prepared()).not.toContain(name);
    await world.xa().run(call('action'), (tx) => number.add(tx, 5));
    await world.xa().run(call('commit'), mustNotRun);
    expect(await number.read()).toBe(5);
  });

  it('a handler may repeat an action whose work threw, and the work takes effect once', async () => {
    const { call } = newBranch();
    const number = await world.createNumber();
    const action = call('action');
    const failing = world.xa().run(action, () => Promise.reject(new Error('a deadlock')));
    await expect(failing).rejects.toThrow('a deadlock');
    const xa = world.xa();
    await expect(xa.run(action, () => Promise.reject(new Error('a deadlock')))).rejects.toThrow('a deadlock');
    expect(await xa.run(action, (tx) => number.add(tx, 5))).toMatchObject({ ran: true });
    await expect(xa.run(action, mustNotRun)).rejects.toThrow(TypeError);
    await xa.run(call('commit'), mustNotRun);
    expect(await number.read()).toBe(5);
  });

  it('a name may have any characters, and no more bytes than the database keeps', async () => {
    const odd = newBranch(`it's \\ "odd" ${++lastGid}`);
    await world.xa().run(odd.call('action'), () => {});
    await world.xa().run(odd.call('commit'), mustNotRun);
    const longest = newBranch('x'.repeat(Math.min(world.longestNameBytes - 3, 128)));
    await world.xa().run(longest.call('action'), () => {});
    await world.xa().run(longest.call('rollback'), mustNotRun);
    const tooLong = newBranch('é'.repeat((world.longestNameBytes - 2) / 2 + 1));
    await expect(world.xa().run(tooLong.call('action'), mustNotRun)).rejects.toThrow(BranchFailure);
    await world.xa().run(tooLong.call('rollback'), mustNotRun);
    expect(await world.prepared()).toEqual([]);
  });

  it('other patterns, other ops and a second use in one call are rejected', async () => {
    const { call } = newBranch();
    await expect(world.xa().run({ ...call('action'), transType: 'saga' }, mustNotRun)).rejects.toThrow(TypeError);
    await expect(world.xa().run(call('try'), mustNotRun)).rejects.toThrow(TypeError);
    const xa = world.xa();
    const used = call('rollback');
    await xa.run(used, mustNotRun);
    await expect(xa.run(used, mustNotRun)).rejects.toThrow(TypeError);
  });

  it('a rollback during the action waits no longer than a coordinator’s timeout, and then ends the action (X3)', async () => {
    const { name, call } = newBranch();
    const number = await world.createNumber();
    let letEnd = () => {};
    const mayEnd = new Promise<void>((resolve) => (letEnd = resolve));
    let working = () => {};
    const atWork = new Promise<void>((resolve) => (working = resolve));
    const action = world.xa().run(call('action'), async (tx) => {
      await number.add(tx, 30);
      working();
      await mayEnd;
    });
    await atWork;
    await expect(world.xa().run(call('rollback'), mustNotRun)).rejects.toThrow(XaUndecided);
    letEnd();
    await action;
    await world.xa().run(call('rollback'), mustNotRun);
    expect(await world.prepared()).not.toContain(name);
    expect(await number.read()).toBe(0);
  });

  it.each(['commit', 'rollback'] as const)(
    'of a hundred calls at once, one works, and %s leaves nothing',
    async (end) => {
      const { name, call } = newBranch();
      const number = await world.createNumber();
      // Rollbacks race with actions; a coordinator sends a commit only after the action has
      // succeeded.
      const others = end === 'rollback' ? 'rollback' : 'action';
      if (end === 'commit') await world.xa().run(call('action'), (tx) => number.add(tx, 1));
      await Promise.allSettled(
        Array.from({ length: 100 }, (_, index) => {
          const op = index % 2 === 0 ? 'action' : index % 10 === 1 ? others : end;
          return world.xa().run(call(op), (tx) => number.add(tx, 1));
        }),
      );
      await world.xa().run(call(end), mustNotRun);
      expect(await number.read()).toBe(end === 'commit' ? 1 : 0);
      expect(await world.prepared()).not.toContain(name);
    },
  );

  it('an action that waits too long for a row of a prepared transaction fails, leaves nothing, and may be repeated (X7)', async () => {
    const holder = newBranch();
    const { name, call } = newBranch();
    const [held, free] = [await world.createNumber(), await world.createNumber()];
    await world.xa().run(holder.call('action'), (tx) => held.add(tx, 30));
    const action = world.xa({ lockTimeoutMs: 1_000 }).run(call('action'), async (tx) => {
      await free.add(tx, 1);
      await held.add(tx, 1);
    });
    const failure: unknown = await action.catch((thrown: unknown) => thrown);
    expect(failure).toBeInstanceOf(BranchFailure);
    expect(failure).toMatchObject({ code: 'xa_lock_timeout', message: expect.stringContaining(name) as string });
    expect(await world.prepared()).not.toContain(name);
    await world.xa().run(holder.call('commit'), mustNotRun);
    await world.xa().run(call('action'), async (tx) => {
      await free.add(tx, 5);
      await held.add(tx, 5);
    });
    await world.xa().run(call('commit'), mustNotRun);
    expect([await held.read(), await free.read()]).toEqual([35, 5]);
  });

  it('a handler that wraps the error of its lock wait fails as well (X7)', async () => {
    const holder = newBranch();
    const { name, call } = newBranch();
    const held = await world.createNumber();
    await world.xa().run(holder.call('action'), (tx) => held.add(tx, 30));
    const action = world.xa({ lockTimeoutMs: 1_000 }).run(call('action'), async (tx) => {
      await held.add(tx, 1).catch((cause: unknown) => {
        throw new Error('query failed', { cause });
      });
    });
    await expect(action).rejects.toBeInstanceOf(BranchFailure);
    expect(await world.prepared()).not.toContain(name);
    await world.xa().run(holder.call('rollback'), mustNotRun);
  });

  it('the lock timeout ends with the action: the next user of the connection has its own', async () => {
    const before = await world.lockTimeouts();
    const refused = newBranch();
    const refusing = world.xa().run(refused.call('action'), () => Promise.reject(new BranchFailure('refused')));
    await expect(refusing).rejects.toThrow('refused');
    const { call } = newBranch();
    await world.xa().run(call('action'), () => {});
    await world.xa().run(call('rollback'), mustNotRun);
    expect(await world.lockTimeouts()).toEqual(before);
    expect(before).toHaveLength(1);
  });

  it.each(['read committed', 'repeatable read', 'serializable'] as const)(
    'an action runs at the requested isolation level: %s',
    async (isolation) => {
      const { call } = newBranch();
      const number = await world.createNumber();
      const outcome = await world.xa({ isolation }).run(call('action'), async (tx) => {
        await number.add(tx, 5);
        return world.isolationOf(tx);
      });
      expect(outcome).toEqual({ ran: true, value: isolation });
      await world.xa({ isolation }).run(call('commit'), mustNotRun);
      expect(await number.read()).toBe(5);
    },
  );

  it('an unknown isolation level is rejected', () => {
    expect(() => world.xa({ isolation: 'none' as 'serializable' })).toThrow(/isolation/);
  });

  it('a lock timeout that is not a non-negative whole number of ms is rejected', () => {
    for (const lockTimeoutMs of [-1, 1.5, Number.NaN, 2 ** 31])
      expect(() => world.xa({ lockTimeoutMs })).toThrow(/lockTimeoutMs/);
  });

  it('registers the branch at the URL from the call before it is prepared, and a rejection rolls the branch back (X2)', async () => {
    const seen: unknown[] = [];
    let status = 200;
    const coordinator = createServer((request, response) => {
      void (async () => {
        const body = JSON.parse(Buffer.concat(await request.toArray()).toString()) as unknown;
        seen.push({ url: request.url, body, prepared: await world.prepared() });
        response.writeHead(status).end(JSON.stringify({ dtm_result: status === 200 ? 'SUCCESS' : 'FAILURE' }));
      })();
    }).listen(0, '127.0.0.1');
    await once(coordinator, 'listening');
    onTestFinished(() => void coordinator.close());
    const root = `http://127.0.0.1:${(coordinator.address() as AddressInfo).port}`;

    const taken = newBranch();
    const named = { dtm: `${root}/api/dtmsvr`, phase2_url: 'http://me/xa' };
    await world.xa().run(taken.call('action', named), () => {});
    const body = { gid: taken.call('action').gid, branch_id: '01', trans_type: 'xa', url: 'http://me/xa' };
    expect(seen).toEqual([{ url: '/api/dtmsvr/registerBranch', body, prepared: [] }]);
    await world.xa().run(taken.call('rollback'), mustNotRun);

    status = 409;
    const refused = newBranch();
    const configured = world.xa({ coordinator: root });
    const query = { dtm: 'http://elsewhere/api/dtmsvr', phase2_url: 'http://me/xa' };
    await expect(configured.run(refused.call('action', query), () => {})).rejects.toThrow(BranchFailure);
    expect(await world.prepared()).toEqual([]);
    expect(seen).toHaveLength(2);
  });

  it.each(['http://10.0.0.1/api/dtmsvr', 'http://127.0.0.1:1/other', 'host:36790', 'http://127.0.0.1.evil/api/dtmsvr'])(
    'an unconfigured participant sends no request to %s',
    async (dtm) => {
      const { call } = newBranch();
      const query = { dtm, phase2_url: 'http://me/xa' };
      await expect(world.xa().run(call('action', query), () => {})).rejects.toMatchObject({ httpStatus: 400 });
      expect(await world.prepared()).toEqual([]);
    },
  );
}
