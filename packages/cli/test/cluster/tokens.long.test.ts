import { openRedisCommands } from '@holdfast/store-redis';
import { describeWith } from '@holdfast/testing/describe-with';
import { startRedis } from '@holdfast/testing/servers';
import { expect, it, onTestFinished } from 'vitest';
import { useDatabase } from './support/database.ts';
import { Coordinator, until } from './support/process.ts';

/** Within this time a revocation takes effect on every node (docs/security.md). */
const BOUND_MS = 5_000;

const SHOWN = /^ {2}(hf_bootstrap_\S+)$/gm;

/** The first tokens that processes have shown on their standard errors. */
const shownBy = (...nodes: readonly Coordinator[]): string[] =>
  nodes.flatMap(({ err }) => [...err.matchAll(SHOWN)].map(([, token = '']) => token));

/** A request on a new connection, so that any of several workers may receive it. */
const send = (node: Coordinator, token: string, method: string, path: string, body?: unknown) =>
  node.request(method, path, body, { authorization: `Bearer ${token}`, connection: 'close' });

const statusAt = async (node: Coordinator, token: string): Promise<number> =>
  (await send(node, token, 'GET', '/api/v1/transactions')).status;

async function create(node: Coordinator, admin: string): Promise<{ readonly id: string; readonly token: string }> {
  const { status, json } = await send(node, admin, 'POST', '/api/v1/tokens', { name: 'shop', role: 'viewer' });
  expect(status).toBe(200);
  return json as unknown as { id: string; token: string };
}

/**
 * How long after a revocation the last request was sent that was still accepted. Responses to wrong
 * tokens are held back, so that their ends prove nothing.
 */
async function lastAcceptedMs(request: () => Promise<ReadonlySet<number>>, revokedMs: number): Promise<number> {
  let acceptedMs = revokedMs;
  await until(async () => {
    const sentMs = performance.now();
    const statuses = await request();
    if (statuses.has(200)) acceptedMs = sentMs;
    return !statuses.has(200);
  });
  return acceptedMs - revokedMs;
}

describeWith(['postgres'], 'API tokens of several processes over one database', () => {
  const { newStore } = useDatabase();

  it('the first token is shown once by two nodes that start at once; a revocation reaches the other within 5 s', async () => {
    const store = newStore();
    const starting = ['a', 'b'].map((node) => Coordinator.start(store, '--auth', '--node', node)) as [
      Promise<Coordinator>,
      Promise<Coordinator>,
    ];
    await using a = await starting[0];
    await using b = await starting[1];
    const nodes = [a, b];
    await until(() => shownBy(a, b).length > 0);
    const [admin = '', ...more] = shownBy(a, b);
    expect(more).toEqual([]);
    expect(a.log.concat(b.log).some((line) => JSON.stringify(line).includes(admin))).toBe(false);
    for (const node of nodes) expect(await statusAt(node, admin)).toBe(200);

    const { id, token } = await create(a, admin);
    for (const node of nodes) expect(await statusAt(node, token)).toBe(200);
    // The other node knows the token, and uses it all the time.
    const revoked = await send(a, admin, 'DELETE', `/api/v1/tokens/${id}`);
    const revokedMs = performance.now();
    expect(revoked.status).toBe(204);
    expect(await statusAt(a, token)).toBe(401);
    expect(await lastAcceptedMs(async () => new Set([await statusAt(b, token)]), revokedMs)).toBeLessThan(BOUND_MS);
    expect(await statusAt(b, token)).toBe(401);
  });

  it('are the same for all workers: created, revoked and rotated by one, in effect in the others', async () => {
    await using node = await Coordinator.start(newStore(), '--auth', '--workers', '2');
    await until(() => shownBy(node).length > 0);
    const [admin = '', ...more] = shownBy(node);
    expect(more).toEqual([]);

    const { id, token } = await create(node, admin);
    const statuses = async (text: string) =>
      new Set(await Promise.all(Array.from({ length: 12 }, () => statusAt(node, text))));
    expect(await statuses(token)).toEqual(new Set([200]));

    const rotated = await send(node, admin, 'POST', `/api/v1/tokens/${id}/rotate`, {});
    const { token: next } = rotated.json as unknown as { token: string };
    expect(await statuses(next)).toEqual(new Set([200]));
    await new Promise((resolve) => setTimeout(resolve, BOUND_MS));
    expect(await statuses(token)).toEqual(new Set([401]));

    expect((await send(node, admin, 'DELETE', `/api/v1/tokens/${id}`)).status).toBe(204);
    const revokedMs = performance.now();
    expect(await lastAcceptedMs(() => statuses(next), revokedMs)).toBeLessThan(BOUND_MS);
    expect(node.err.match(SHOWN)).toHaveLength(1);
  });
});

describeWith(['redis-server'], 'a first start over a Redis without room', () => {
  it('ends with one line that states the cause; with room, the next one shows the token', async () => {
    const server = await startRedis({ settings: ['--maxmemory', '1mb'] });
    if (server === undefined) throw new Error('Redis is not installed');
    onTestFinished(() => server.stop());
    const failed = Coordinator.launch({}, server.url, '--auth');
    expect(await failed.ended).toBe(1);
    expect(failed.err).toMatch(/^holdfast: [^\n]*(?:maxmemory|OOM)[^\n]*\n$/);
    const commands = openRedisCommands(server.url);
    await commands.query('config', 'set', 'maxmemory', '0');
    await commands.close();
    await using node = await Coordinator.start(server.url, '--auth');
    const [admin = ''] = await until(() => shownBy(node).length > 0 && shownBy(node));
    expect(await statusAt(node, admin)).toBe(200);
  });
});
