import { describe, expect, it } from 'vitest';
import { Session } from '../../src/engine/session.ts';
import { MemoryStore } from '../../src/memory-store/memory-store.ts';
import { StoreError } from '../../src/store/index.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';
import { KeptLog } from './support/silence.ts';

/** A store whose heartbeats can fail or be slow, and whose clock the test sets. */
class FrailStore extends MemoryStore {
  failing = false;
  /** Heartbeats are carried out and not acknowledged. */
  losing = false;
  /** The heartbeat before, as the store has it; undefined: the true one. */
  lastMs: number | null | undefined;
  hold: Promise<void> | undefined;
  heartbeats = 0;
  wallMs: number;

  override readonly capabilities: MemoryStore['capabilities'];

  constructor(exclusive: boolean) {
    super(() => this.wallMs);
    this.wallMs = 1_700_000_000_000;
    this.capabilities = { name: 'frail', durable: false, exclusive };
  }

  override async heartbeat(session: string) {
    this.heartbeats++;
    await this.hold;
    this.#check();
    const heartbeat = await super.heartbeat(session);
    if (this.losing) throw new StoreError('outcome_unknown', 'connection lost');
    return this.lastMs === undefined ? heartbeat : { ...heartbeat, lastMs: this.lastMs };
  }

  override async openSession(...given: Parameters<MemoryStore['openSession']>) {
    this.#check();
    return super.openSession(...given);
  }

  #check(): void {
    if (this.failing) throw new StoreError('unavailable', 'down');
  }
}

async function setUp({ exclusive = false } = {}) {
  const clock = new ManualClock();
  const store = new FrailStore(exclusive);
  let sessions = 0;
  let lost = 0;
  let wentBack = 0;
  const log = new KeptLog();
  const session = new Session({
    store,
    clock,
    random: () => 0,
    identities: { newGid: () => 'unused', newSession: () => `s${++sessions}` },
    logger: log,
    options: { node: 'n', version: '1', heartbeatMs: 5_000, silenceMs: 15_000 },
    onLost: () => void lost++,
    onWentBack: async () => void wentBack++,
  });
  await session.start();
  return { clock, store, session, log, lost: () => lost, wentBack: () => wentBack };
}

describe('a session', () => {
  it('sends a heartbeat every interval and holds its lease in between', async () => {
    const { clock, store, session, lost } = await setUp();
    await clock.advance(60_000);
    expect([store.heartbeats, session.leaseHeld(), session.id, lost()]).toEqual([12, true, 's1', 0]);
  });

  it('is ended in the store when it stops, and sends no more heartbeats', async () => {
    const { clock, store, session } = await setUp();
    await session.stop();
    await clock.advance(60_000);
    expect([await store.sessions(), store.heartbeats, session.leaseHeld(), clock.timers]).toEqual([[], 0, false, 0]);
  });

  it('throws when it cannot be opened', async () => {
    const { store, session } = await setUp();
    store.failing = true;
    await expect(session.start()).rejects.toThrow('down');
  });
});

describe('L1: the lease', () => {
  it('holds for less than two thirds of the silence limit after the last acknowledged heartbeat was sent', async () => {
    const { clock, store, session } = await setUp();
    store.failing = true;
    await clock.advance(9_999);
    expect(session.leaseHeld()).toBe(true);
    await clock.advance(1);
    expect(session.leaseHeld()).toBe(false);
  });

  it('counts from the sending of the heartbeat, not from the response', async () => {
    const { clock, store, session } = await setUp();
    let respond = (): void => {};
    store.hold = new Promise((resolve) => (respond = resolve));
    await clock.advance(9_000);
    respond();
    await settle();
    store.hold = undefined;
    store.failing = true;
    await clock.advance(5_999);
    expect(session.leaseHeld()).toBe(true);
    await clock.advance(1);
    expect(session.leaseHeld()).toBe(false);
  });

  it('does not hold after the machine was suspended, while the monotonic clock was stopped', async () => {
    const { clock, session, log, lost } = await setUp();
    clock.moveWall(9_999);
    expect(session.leaseHeld()).toBe(true);
    clock.moveWall(1);
    expect([session.leaseHeld(), session.loseIfLapsed(), lost()]).toEqual([false, true, 1]);
    await clock.advance(400);
    expect([session.leaseHeld(), session.id, lost(), log.lines]).toEqual([
      true,
      's2',
      1,
      ['session lost; dropping all transactions it owned'],
    ]);
  });

  it('does not hold when the wall clock was set back, which may hide a suspension, until the next heartbeat', async () => {
    const { clock, session, lost, log } = await setUp();
    clock.moveWall(-1_000);
    expect(session.leaseHeld()).toBe(true);
    clock.moveWall(-1);
    expect([session.leaseHeld(), session.loseIfLapsed(), lost()]).toEqual([false, true, 1]);
    await clock.advance(400);
    expect([session.leaseHeld(), session.id, lost(), log.lines]).toEqual([
      true,
      's2',
      1,
      ['session lost; dropping all transactions it owned'],
    ]);
  });

  it('holds when the wall clock is set back by a little at a time, for as long as by the monotonic clock', async () => {
    const { clock, store, session, lost } = await setUp();
    for (let i = 0; i < 20; i++) {
      clock.moveWall(-500);
      await clock.advance(5_000);
    }
    store.failing = true;
    await clock.advance(4_999);
    expect([session.leaseHeld(), session.id, lost()]).toEqual([true, 's1', 0]);
    await clock.advance(5_001);
    expect(session.leaseHeld()).toBe(false);
  });

  it('holds when the wall clock is set forward by a few seconds, and when it runs faster', async () => {
    const { clock, session, lost } = await setUp();
    for (let i = 0; i < 20; i++) {
      clock.moveWall(4_000);
      await clock.advance(5_000);
    }
    expect([session.leaseHeld(), session.id, lost()]).toEqual([true, 's1', 0]);
  });

  it('needs no heartbeat where only one process can open the store', async () => {
    const { clock, store, session, lost } = await setUp({ exclusive: true });
    store.failing = true;
    await clock.advance(600_000);
    expect([session.leaseHeld(), lost()]).toEqual([true, 0]);
  });
});

describe('L2: a session', () => {
  it('that was ended by another node is abandoned once, and a new one is opened', async () => {
    const { clock, store, session, lost } = await setUp();
    await store.endSession('s1');
    await clock.advance(5_000);
    expect([lost(), session.id, session.leaseHeld()]).toEqual([1, 's2', true]);
    await clock.advance(60_000);
    expect([lost(), session.id]).toEqual([1, 's2']);
  });

  it('whose lease has expired is abandoned at the first check, and a new one is opened once the store responds', async () => {
    const { clock, store, session, lost } = await setUp();
    clock.jump(10_000);
    expect(session.loseIfLapsed()).toBe(true);
    expect([session.loseIfLapsed(), lost(), session.leaseHeld()]).toEqual([false, 1, false]);
    store.failing = true;
    await clock.advance(20_000);
    expect(session.leaseHeld()).toBe(false);
    store.failing = false;
    await clock.advance(5_000);
    expect([session.id === 's1', session.leaseHeld(), lost()]).toEqual([false, true, 1]);
  });

  it('stays abandoned when the response to its heartbeat comes afterwards', async () => {
    const { clock, store, session, lost } = await setUp();
    let respond = (): void => {};
    store.hold = new Promise((resolve) => (respond = resolve));
    await clock.advance(5_000);
    session.lose('tested');
    respond();
    await settle();
    expect([session.leaseHeld(), lost()]).toEqual([false, 1]);
  });

  it('is abandoned when its lease expired, without a check, before the response to its heartbeat came', async () => {
    const { clock, store, session, lost } = await setUp();
    let respond = (): void => {};
    store.hold = new Promise((resolve) => (respond = resolve));
    await clock.advance(5_000);
    clock.jump(5_000);
    // A caller that checks now treats the records of this session as unowned; if the lease held
    // again later, no node would drive them.
    expect([session.leaseHeld(), lost()]).toEqual([false, 0]);
    respond();
    await settle();
    expect([session.id, session.leaseHeld(), lost()]).toEqual(['s2', true, 1]);
    expect((await store.sessions()).map((row) => row.session)).toEqual(['s2']);
  });

  it('that was abandoned is ended in the store, so that other nodes find what it owned', async () => {
    const { clock, store, session } = await setUp();
    session.lose('tested');
    await clock.advance(5_000);
    expect((await store.sessions()).map((row) => row.session)).toEqual(['s2']);
    expect(session.id).toBe('s2');
  });
});

describe('L4: a node whose store does not respond', () => {
  it('retries within a fraction of a second, and returns to the heartbeat interval after a response', async () => {
    const { clock, store, session, log } = await setUp();
    store.failing = true;
    await clock.advance(5_000);
    expect(store.heartbeats).toBe(1);
    await clock.advance(2_000);
    expect(store.heartbeats).toBe(6);
    store.failing = false;
    await clock.advance(400);
    // Logged once, however many heartbeats failed.
    expect(log.lines).toEqual([
      'the heartbeat failed; it is sent again until the store responds',
      'the store responds again',
    ]);
    expect([store.heartbeats, session.leaseHeld(), session.id]).toEqual([7, true, 's1']);
    await clock.advance(4_999);
    expect(store.heartbeats).toBe(7);
  });

  it('has a new session within a fraction of a second once it lost one', async () => {
    const { clock, store, session, lost } = await setUp();
    store.failing = true;
    await clock.advance(30_000);
    expect([session.leaseHeld(), lost()]).toEqual([false, 1]);
    store.failing = false;
    await clock.advance(400);
    expect([session.leaseHeld(), lost(), clock.timers]).toEqual([true, 1, 1]);
    session.lose('tested');
    await clock.advance(400);
    expect([session.leaseHeld(), lost(), clock.timers]).toEqual([true, 2, 1]);
  });
});

describe('L3: engine time', () => {
  it('is the store’s time at the last heartbeat plus the time since', async () => {
    const { clock, store, session } = await setUp();
    expect(session.nowMs()).toBe(store.wallMs);
    clock.jump(1_234);
    expect(session.nowMs()).toBe(store.wallMs + 1_234);
    store.wallMs += 50_000;
    await clock.advance(3_766);
    expect(session.nowMs()).toBe(store.wallMs);
  });

  it('never goes backwards, even when the store’s time lags behind this node’s', async () => {
    const { clock, session } = await setUp();
    // The store's clock is stopped while this node's runs.
    const times: number[] = [];
    for (let i = 0; i < 40; i++) {
      await clock.advance(700);
      times.push(session.nowMs());
    }
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(new Set(times).size).toBeGreaterThan(1);
  });
});

/**
 * Moves the node's clock and the store's, whose rate may be another, in steps that are small
 * against a heartbeat interval.
 */
async function passTogether(clock: ManualClock, store: FrailStore, ms: number, rate = 1): Promise<void> {
  for (let leftMs = ms; leftMs > 0;) {
    const stepMs = Math.min(leftMs, 100);
    store.wallMs += stepMs * rate;
    await clock.advance(stepMs);
    leftMs -= stepMs;
  }
}

describe('L6: a store that has lost acknowledged writes', () => {
  it('is noticed by a stored heartbeat older than the acknowledged one, and the session is abandoned', async () => {
    const { clock, store, session, log, lost, wentBack } = await setUp();
    await passTogether(clock, store, 10_000);
    store.lastMs = store.wallMs - 10_000;
    await passTogether(clock, store, 5_000);
    expect([wentBack(), lost(), session.id]).toEqual([1, 1, 's2']);
    expect(log.lines[0]).toContain('the store has lost acknowledged writes');
    store.lastMs = undefined;
    await passTogether(clock, store, 60_000);
    expect([wentBack(), lost(), session.id]).toEqual([1, 1, 's2']);
  });

  it('is noticed when the store does not have the session', async () => {
    const { clock, store, wentBack, lost } = await setUp();
    store.lastMs = null;
    await passTogether(clock, store, 5_000);
    expect([wentBack(), lost()]).toEqual([1, 1]);
  });

  it('is not suspected when another node ended the session, nor when the response to an applied heartbeat was lost', async () => {
    const { clock, store, session, wentBack } = await setUp();
    await passTogether(clock, store, 5_000);
    store.losing = true;
    await passTogether(clock, store, 6_000);
    store.losing = false;
    await passTogether(clock, store, 6_000);
    await store.endSession('s1');
    await passTogether(clock, store, 6_000);
    expect([session.id, wentBack()]).toEqual(['s2', 0]);
  });
});
