import { describe, expect, it } from 'vitest';
import { Claimer } from '../../src/engine/claimer.ts';
import { Session } from '../../src/engine/session.ts';
import { NO_OBSERVER } from '../../src/index.ts';
import { MemoryStore } from '../../src/memory-store/memory-store.ts';
import { type ClaimRequest, type ClaimResult, StoreError, type StoredTransaction } from '../../src/store/index.ts';
import { Deferred } from '../support/deferred.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { KeptLog } from './support/silence.ts';

const NOTHING: ClaimResult = { claimed: [], nextDueInMs: null, sessionEnded: false };

/** A store that responds to claims by a script; after its end nothing is due. */
class ClaimStore extends MemoryStore {
  readonly requests: ClaimRequest[] = [];
  responses: (ClaimResult | StoreError | (() => Promise<ClaimResult>))[] = [];

  constructor() {
    super(() => 1_700_000_000_000);
  }

  override async claimDue(request: ClaimRequest): Promise<ClaimResult> {
    this.requests.push(request);
    const response = this.responses.shift() ?? NOTHING;
    if (response instanceof StoreError) throw response;
    return typeof response === 'function' ? response() : response;
  }
}

const record = (gid: string): StoredTransaction => ({
  key: { namespace: 'default', gid },
  pattern: 'saga',
  group: '',
  status: 'submitted',
  version: 2,
  writeId: 'w',
  owner: 's1',
  claims: 1,
  dueAtMs: null,
  attention: false,
  createdAtMs: 1,
  updatedAtMs: 1,
  finishedAtMs: null,
  definition: new Uint8Array(0),
  state: new Uint8Array(0),
  entries: [],
});

async function setUp() {
  const clock = new ManualClock();
  const store = new ClaimStore();
  const logger = new KeptLog();
  let lost = 0;
  const session = new Session({
    store,
    clock,
    random: () => 0,
    logger,
    identities: { newGid: () => 'unused', newSession: () => `s${lost + 1}` },
    // Heartbeats are far away: only claims happen in these tests.
    options: { node: 'n', version: '1', heartbeatMs: 1e9, silenceMs: 1e9 },
    onLost: () => void lost++,
    onWentBack: () => Promise.resolve(),
  });
  await session.start();
  const node = { room: 100, adopted: [] as string[], lost: () => lost };
  const claimer = new Claimer({
    store,
    session,
    clock,
    logger,
    observer: NO_OBSERVER,
    options: { pollMs: 1_000, claimBatch: 10, groups: ['shop'] },
    room: () => node.room,
    adopt: async (_limit, claim) => void node.adopted.push(...(await claim()).map(({ key }) => key.gid)),
  });
  return { clock, store, session, claimer, node };
}

describe('the claimer', () => {
  it('pauses while due transactions cannot be claimed because other database clients have locked them', async () => {
    const { clock, store, claimer } = await setUp();
    store.responses = Array.from({ length: 100 }, () => ({ ...NOTHING, nextDueInMs: 0 }));
    claimer.start();
    await clock.advance(500);
    expect(store.requests).toHaveLength(11);
  });

  it('abandons its session when a claim finds that the session has ended', async () => {
    const { clock, store, claimer, session, node } = await setUp();
    store.responses = [{ ...NOTHING, sessionEnded: true }];
    claimer.start();
    await clock.advance(0);
    expect([node.lost(), session.leaseHeld()]).toEqual([1, false]);
    await clock.advance(5_000);
    expect([node.lost(), session.leaseHeld(), session.id]).toEqual([1, true, 's2']);
  });

  it('claims at once and then every poll interval, for this session and its groups', async () => {
    const { clock, store, claimer } = await setUp();
    claimer.start();
    await clock.advance(3_000);
    expect(store.requests).toEqual(Array.from({ length: 4 }, () => ({ session: 's1', limit: 10, groups: ['shop'] })));
  });

  it('hands over what it claimed, and claims again at once while more is due', async () => {
    const { clock, store, claimer, node } = await setUp();
    store.responses = [
      { claimed: [record('a')], nextDueInMs: 0, sessionEnded: false },
      { claimed: [record('b')], nextDueInMs: 300, sessionEnded: false },
    ];
    claimer.start();
    await clock.advance(0);
    expect([node.adopted, store.requests.length]).toEqual([['a', 'b'], 2]);
    await clock.advance(299);
    expect(store.requests).toHaveLength(2);
    await clock.advance(1);
    expect(store.requests).toHaveLength(3);
  });

  it('claims a transaction whose due time it was given within 100 ms of that time', async () => {
    const { clock, store, claimer } = await setUp();
    claimer.start();
    await clock.advance(0);
    claimer.hint(400);
    claimer.hint(250);
    claimer.hint(900);
    await clock.advance(249);
    expect(store.requests).toHaveLength(1);
    await clock.advance(100);
    expect(store.requests).toHaveLength(2);
  });

  it('keeps a due time that it was given while a claim was in flight', async () => {
    const { clock, store, claimer } = await setUp();
    const response = new Deferred<ClaimResult>();
    store.responses = [() => response.promise];
    claimer.start();
    await clock.advance(0);
    claimer.hint(50);
    response.resolve(NOTHING);
    await clock.advance(60);
    expect(store.requests).toHaveLength(2);
  });

  it('claims no more than there is room for, and waits a little while there is none', async () => {
    const { clock, store, claimer, node } = await setUp();
    node.room = 3;
    claimer.start();
    await clock.advance(0);
    expect(store.requests[0]?.limit).toBe(3);
    node.room = 0;
    claimer.hint(0);
    await clock.advance(50);
    expect(store.requests).toHaveLength(1);
    node.room = 1;
    await clock.advance(20);
    expect(store.requests).toHaveLength(2);
  });

  it('claims nothing without a session, and continues after an error', async () => {
    const { clock, store, session, claimer, node } = await setUp();
    store.responses = [new StoreError('unavailable', 'down')];
    claimer.start();
    await clock.advance(1_000);
    expect([store.requests.length, node.lost()]).toEqual([2, 0]);
    await session.stop();
    await clock.advance(5_000);
    expect(store.requests).toHaveLength(2);
  });

  it('abandons its session when the outcome of a claim is unknown', async () => {
    const { clock, store, claimer, node } = await setUp();
    store.responses = [new StoreError('outcome_unknown', 'connection lost')];
    claimer.start();
    await clock.advance(0);
    expect(node.lost()).toBe(1);
  });

  it('drops what was claimed for a session that ended while the claim was in flight', async () => {
    const { clock, store, session, claimer, node } = await setUp();
    const response = new Deferred<ClaimResult>();
    store.responses = [() => response.promise];
    claimer.start();
    await clock.advance(0);
    session.lose('tested');
    response.resolve({ claimed: [record('a')], nextDueInMs: null, sessionEnded: false });
    await clock.advance(0);
    expect(node.adopted).toEqual([]);
  });

  it('claims nothing more once it has stopped', async () => {
    const { clock, store, claimer } = await setUp();
    claimer.start();
    await clock.advance(0);
    claimer.stop();
    claimer.hint(0);
    await clock.advance(10_000);
    expect(store.requests).toHaveLength(1);
  });
});
