import { expect, it, onTestFinished, vi } from 'vitest';
import { createLog } from '../../src/logs/create-log.ts';
import { Participants } from '@holdfast/testing/participants';
import { TestServer } from './running-server.ts';

/** Something that keeps a node from writing transactions, although its store can be read. */
export interface WriteFault {
  /** Completes "is not ready while …". */
  readonly name: string;
  /** What `/readyz` and the log show of it. */
  readonly cause: RegExp;
  /** It keeps a connection from being made: it begins before the node has written anything. */
  readonly isBeforeFirstWrite?: true;
  /** The node cannot write its heartbeat either, and loses its session. */
  readonly endsSession?: true;
  /** Begins it; resolves to the function that ends it. */
  readonly begin: () => Promise<() => Promise<unknown>>;
}

const WAIT = { timeout: 30_000, interval: 50 };
const SUBMISSIONS = 30;
/**
 * The first line, one after ten seconds, and one for the case that the test runs on a slow machine.
 */
const MOST_LINES = 3;
const REFUSED = 'the store does not accept batches';

/**
 * Tests of a node over a real store, for each fault: `/readyz` follows what the node can write, and
 * the log shows why.
 *
 * @param store the URL of a store that is empty or was used by tests before
 */
export function itFollowsWrites(store: () => string, faults: readonly WriteFault[]): void {
  it.each(faults)('is not ready while $name, logs the cause, and is ready again afterwards', async (fault) => {
    const { server, lines, submit, isReady } = await setUp(store());
    if (fault.isBeforeFirstWrite !== true) {
      expect((await submit('before')).status).toBe(200);
      expect(await isReady()).toBe(true);
    }
    const end = await begun(fault);
    // Whether a write was applied may stay unknown until the fault ends, and the caller waits.
    const submissions = Array.from({ length: SUBMISSIONS }, (_, n) => submit(`during ${n}`));
    const showsCause = () =>
      vi.waitFor(async () => {
        expect(await server.get('/readyz')).toMatchObject({
          status: 503,
          text: expect.stringMatching(fault.cause) as string,
        });
      }, WAIT);
    await showsCause();
    const refused = () => lines.filter(({ msg }) => msg === REFUSED);
    // A write that was in flight when the fault began may have had another cause: that of the first
    // line. A node without a session sends no batches, so that the next line needs a probe.
    const named = { error: expect.stringMatching(fault.cause) as string };
    await vi.waitFor(async () => {
      if (refused().length > 0) await server.get('/readyz');
      expect(refused()).toContainEqual(expect.objectContaining(named));
    }, WAIT);
    if (fault.endsSession === true) {
      await vi.waitFor(() => expect(lines.some(({ msg }) => String(msg).startsWith('session lost'))).toBe(true), WAIT);
      await showsCause();
    }
    expect(refused().length).toBeLessThanOrEqual(MOST_LINES);
    await end();
    await vi.waitFor(async () => expect(await isReady()).toBe(true), WAIT);
    expect(lines.some(({ msg }) => msg === 'the store accepts batches again')).toBe(true);
    expect((await submit('after')).status).toBe(200);
    for (const { status } of await Promise.all(submissions)) expect([200, 503]).toContain(status);
  });
}

/** The fault ends once: by the test, or after a test that failed. */
async function begun({ begin }: WriteFault): Promise<() => Promise<unknown>> {
  const end = await begin();
  let ended: Promise<unknown> | undefined;
  const once = () => (ended ??= end());
  onTestFinished(async () => void (await once()));
  return once;
}

let nodes = 0;

/** A node whose session ends after a short silence, so that a test does not wait for long. */
async function setUp(store: string) {
  const lines: Record<string, unknown>[] = [];
  const log = createLog({
    level: 'info',
    format: 'json',
    output: { write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) },
    colour: false,
  });
  const server = await TestServer.start({ store, heartbeat: 500, silence: 3_000 }, { log });
  onTestFinished(() => server.running.close());
  const shop = await Participants.start();
  onTestFinished(() => shop[Symbol.asyncDispose]());
  const node = ++nodes;
  const submit = (gid: string) =>
    server.dtm('submit', {
      gid: `${node} ${gid}`,
      trans_type: 'saga',
      steps: [{ action: shop.url('/ok'), compensate: '' }],
      payloads: ['{}'],
    });
  const isReady = async () => (await server.get('/readyz')).status === 200;
  return { server, lines, submit, isReady };
}
