import { setTimeout as delay } from 'node:timers/promises';
import type { FakeClock } from '@holdfast/testing/servers';
import { type DatabaseFaultKind, stopsHeartbeats } from './fault-kinds.ts';
import type { PlannedFault } from './fault-plan.ts';
import type { FaultEffect, FaultTools, FaultyDatabase } from './faulty-database.ts';

/** A fault that was carried out, or attempted. */
export interface DoneFault extends FaultEffect {
  readonly kind: DatabaseFaultKind;
  /** The database was usable again by then. */
  readonly backMs: number;
}

interface Parts {
  readonly database: FaultyDatabase;
  readonly clock: FakeClock;
  /** Stops the server with a signal, and starts it again after some time. */
  readonly restart: (signal: NodeJS.Signals, lastsMs: number) => Promise<Omit<FaultEffect, 'hits' | 'what'>>;
  readonly changes: Pick<FaultTools, 'changeKeyValue' | 'changeEverywhere'>;
  readonly print: (line: string) => void;
}

/** The number of attempts for a fault that hits nothing or loses its connection. */
const ATTEMPTS = 20;
const AGAIN_MS = 500;
/** A clock was moved if it differs from the real one by its step, give or take this. */
const CLOCK_SLACK_MS = 5_000;

/** Carries out planned faults, one after the other. */
export class FaultRun {
  readonly #parts: Parts;
  readonly #done: DoneFault[] = [];
  #clockAheadS = 0;
  #inProgress: DatabaseFaultKind | undefined;
  #lastAtMs = -Infinity;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Every attempt. */
  get done(): readonly DoneFault[] {
    return this.#done;
  }

  /** A fault with which no coordinator can start is in progress, or was less than this ago. */
  isAway(withinMs: number): boolean {
    const kind = this.#inProgress;
    return (kind !== undefined && stopsHeartbeats(kind)) || Date.now() < this.#lastAtMs + withinMs;
  }

  async carryOut(plan: readonly PlannedFault[]): Promise<void> {
    const startMs = Date.now();
    for (const fault of plan) {
      await delay(Math.max(0, startMs + fault.atMs - Date.now()));
      await this.#untilItHit(fault, startMs);
    }
  }

  async #untilItHit(fault: PlannedFault, startMs: number): Promise<void> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const done = await this.#attempt(fault);
      this.#done.push(done);
      const at = `${((done.fromMs - startMs) / 1000).toFixed(1).padStart(5)} s`;
      this.#parts.print(`${at}  ${fault.kind}: ${done.hits} ${done.what}, ${done.backMs - done.fromMs} ms`);
      if (done.hits > 0) return;
      await delay(AGAIN_MS);
    }
  }

  async #attempt(fault: PlannedFault): Promise<DoneFault> {
    const fromMs = Date.now();
    this.#inProgress = fault.kind;
    try {
      const effect = await this.#once(fault);
      return { ...effect, kind: fault.kind, backMs: Math.max(effect.untilMs, Date.now()) };
    } catch (thrown) {
      // The database may be killed at any time.
      const what = `hits: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
      return { kind: fault.kind, fromMs, untilMs: fromMs, backMs: Date.now(), hits: 0, what };
    } finally {
      if (stopsHeartbeats(fault.kind)) this.#lastAtMs = Date.now();
      this.#inProgress = undefined;
    }
  }

  async #once({ kind, lastsMs, clockStepS }: PlannedFault): Promise<FaultEffect> {
    const { database, changes, restart } = this.#parts;
    switch (kind) {
      case 'clock-forwards':
        return this.#moveClock(clockStepS);
      case 'clock-backwards':
        return this.#moveClock(-clockStepS);
      case 'shut-down':
        return { ...(await restart(database.shutDownSignal, lastsMs)), hits: 1, what: 'restart' };
      default:
        return database.carryOut(kind, { lastsMs, ...changes });
    }
  }

  /** Moves the clock, and reads the server's clock to check that it moved. */
  async #moveClock(stepS: number): Promise<FaultEffect> {
    const { clock, database } = this.#parts;
    const aheadMs = async (): Promise<number> => (await database.nowMs()) - Date.now();
    const fromMs = Date.now();
    const before = await aheadMs();
    clock.set((this.#clockAheadS += stepS));
    const movedMs = (await aheadMs()) - before;
    const hits = Math.abs(movedMs - stepS * 1000) < CLOCK_SLACK_MS ? 1 : 0;
    return { fromMs, untilMs: Date.now(), hits, what: `step of ${Math.round(movedMs / 1000)} s` };
  }
}
