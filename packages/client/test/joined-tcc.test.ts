import { once } from 'node:events';
import { createServer, request as forward, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startServer } from '@holdfast/server';
import { request } from 'undici';
import { expect, it, onTestFinished } from 'vitest';
import { type BranchDeclaration, declareBranch } from '../src/branch-declaration.ts';
import { connect } from '../src/connect.ts';
import type { Holdfast } from '../src/holdfast.ts';
import { branchUrl } from '../src/participants/branch-context.ts';
import type { BranchCallContext } from '../src/participants/call.ts';
import { branch } from '../src/participants/node-http.ts';
import { type Reservation, seats, theatre } from '@holdfast/testing/theatre';

/** Listens until the test ends. */
async function listening(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A proxy to a coordinator that loses every command to abort. */
const withoutAborts = (coordinator: string, lost: string[]): Promise<string> =>
  listening((incoming, outgoing) => {
    const path = incoming.url ?? '';
    if (path.includes('/abort')) {
      lost.push(path);
      incoming.socket.destroy();
      return;
    }
    const { method, headers } = incoming;
    incoming.pipe(
      forward(coordinator + path, { method, headers }, (response) => {
        outgoing.writeHead(response.statusCode ?? 500, response.headers);
        response.pipe(outgoing);
      }),
    );
  });

/**
 * The initiator tries `agency`, whose handler calls `guide` as a part of the same branch and
 * ignores the response; the handler of `guide` joins the transaction with `join`. The guide cannot
 * deliver a command to abort.
 */
async function journey(
  join: (hf: Holdfast, branch: ReturnType<typeof seats>, soldOut: BranchDeclaration<Reservation>) => Promise<unknown>,
) {
  const coordinator = await startServer({ store: 'memory:', httpPort: 0, retryInterval: 40, drainTimeout: 0 });
  const lost: string[] = [];
  const hf = connect(coordinator.url);
  const guideHf = connect(await withoutAborts(coordinator.url, lost), { retryForMs: 0 });
  onTestFinished(async () => {
    await Promise.all([hf.close(), guideHf.close()]);
    await coordinator.close();
  });
  const { notes, branches } = theatre();
  const statuses: number[] = [];
  const agency = async (call: BranchCallContext<Reservation>): Promise<void> => {
    branches.hold(call);
    const response = await request(branchUrl(`${url}/guide`), { method: 'POST', body: '{"seats":1}' });
    await response.body.dump();
    statuses.push(response.statusCode);
  };
  const named = { ...branches, agency, guide: () => join(guideHf, seats(declared, 10), declared.soldOut) };
  const listeners = new Map(
    Object.entries(named).map(([name, handler]) => [`/${name}`, branch<Reservation>(handler, { onError: () => {} })]),
  );
  const url = await listening((incoming, outgoing) => {
    void listeners.get(new URL(incoming.url ?? '/', 'http://x').pathname)?.(incoming, outgoing);
  });
  const declare = (name: string) => declareBranch<Reservation>(`${url}/${name}`);
  const declared = {
    hold: declare('hold'),
    book: declare('book'),
    release: declare('release'),
    soldOut: declare('soldOut'),
  };
  const travel = hf.tcc((tx) => tx.call({ ...seats(declared, 1), try: declare('agency') }), { wait: true });
  return { notes, lost, statuses, travel };
}

it('nothing is confirmed when a joined try failed, although the abort was lost and a service in between ignored the failure', async () => {
  const world = await journey((hf, reserve, soldOut) => hf.tcc((tx) => tx.call({ ...reserve, try: soldOut })));
  await expect(world.travel).rejects.toMatchObject({ code: 'transaction_failed', status: 'failed' });
  expect(world.lost).not.toEqual([]);
  expect(world.statuses).toEqual([409]);
  expect(world.notes).toEqual(['try 01 1', 'try 0101 10', 'cancel 0101 10', 'cancel 01 1']);
});

it('nothing is confirmed when the joined work threw after its tries had succeeded, although the abort was lost', async () => {
  const world = await journey((hf, reserve) =>
    hf.tcc(async (tx) => {
      await tx.call(reserve);
      throw new Error('the guide is ill');
    }),
  );
  await expect(world.travel).rejects.toMatchObject({ code: 'transaction_failed', status: 'failed' });
  expect(world.notes).toEqual(['try 01 1', 'try 0101 10', 'cancel 0101 10', 'cancel 01 1']);
});

it('everything is confirmed when the joined work succeeded', async () => {
  const world = await journey((hf, reserve) => hf.tcc((tx) => tx.call(reserve)));
  await world.travel;
  expect(world.statuses).toEqual([200]);
  expect(world.notes).toEqual(['try 01 1', 'try 0101 10', 'confirm 0101 10', 'confirm 01 1']);
});

it('two services that join one branch do not share the id of a nested branch', async () => {
  const coordinator = await startServer({ store: 'memory:', httpPort: 0, retryInterval: 40, drainTimeout: 0 });
  const hf = connect(coordinator.url);
  onTestFinished(async () => {
    await hf.close();
    await coordinator.close();
  });
  const { notes, branches } = theatre();
  const refusals: unknown[] = [];
  const reserve = () => hf.tcc((tx) => tx.call(seats(declared, 10)));
  const agency = async (call: BranchCallContext<Reservation>): Promise<void> => {
    branches.hold(call);
    await reserve();
    const response = await request(branchUrl(`${url}/guide`), { method: 'POST', body: '{"seats":1}' });
    await response.body.dump();
    if (response.statusCode !== 200) throw new Error('the guide did not come');
  };
  const named = { ...branches, agency, guide: reserve };
  const listeners = new Map(
    Object.entries(named).map(([name, handler]) => [
      `/${name}`,
      branch<Reservation>(handler, { onError: (error) => void refusals.push(error) }),
    ]),
  );
  const url = await listening((incoming, outgoing) => {
    void listeners.get(new URL(incoming.url ?? '/', 'http://x').pathname)?.(incoming, outgoing);
  });
  const declare = (name: string) => declareBranch<Reservation>(`${url}/${name}`);
  const declared = { hold: declare('hold'), book: declare('book'), release: declare('release') };
  const travel = hf.tcc((tx) => tx.call({ ...seats(declared, 1), try: declare('agency') }), { wait: true });
  await expect(travel).rejects.toMatchObject({ code: 'transaction_failed', status: 'failed' });
  expect(refusals[0]).toMatchObject({ code: 'request_rejected', field: 'branchId' });
  // The guide's seats are neither held nor taken for those of the agency.
  expect(notes).toEqual(['try 01 1', 'try 0101 10', 'cancel 0101 10', 'cancel 01 1']);
});
