import cluster, { type Worker } from 'node:cluster';
import { fileURLToPath } from 'node:url';
import type { ServerConfig } from '@holdfast/server/config';
import { STOP_SIGNALS } from '../early-stop.ts';
import type { Log } from '@holdfast/server/logs';
import { Gathering } from './gathering.ts';
import type { Addresses, ToPrimary, ToWorker } from './messages.ts';
import { Restarts } from './restarts.ts';

const FAILED = 1;
/** How much longer than its drain timeout a worker may take to exit. */
const GRACE_MS = 10_000;

interface Slot {
  readonly number: number;
  readonly worker: Worker;
  /** When the worker began to serve; undefined: not yet. */
  servingSinceMs: number | undefined;
  readonly settled: Promise<void>;
  readonly ended: Promise<void>;
}

/**
 * The process that holds the port of several workers. It distributes connections among them,
 * restarts those that die, and stops them all. It neither opens the store nor serves requests.
 */
export class Primary {
  readonly #config: ServerConfig;
  readonly #log: Log;
  readonly #slots = new Map<number, Slot>();
  readonly #restarts = new Restarts();
  readonly #gathering = new Gathering();
  #stopping = false;
  #addresses: Addresses | undefined;
  #exitCode = 0;
  #abandon: () => void = () => undefined;
  readonly #abandoned = new Promise<void>((resolve) => (this.#abandon = resolve));

  constructor(config: ServerConfig, log: Log) {
    this.#config = config;
    this.#log = log;
    cluster.setupPrimary({ exec: fileURLToPath(new URL('./worker-main.js', import.meta.url)), args: [] });
    // However this process exits, its workers end with it.
    process.once('exit', () => this.#killAll());
  }

  /**
   * Starts the workers; resolves to the addresses when they serve. The first one starts alone, so
   * that an error is reported once and only one process migrates the store. Resolves to undefined
   * if it could not start and has reported why.
   */
  async start(): Promise<Addresses | undefined> {
    await this.#fork(1).settled;
    if (this.#stopping || this.#serving() === 0) return undefined;
    for (let number = 2; number <= this.#config.workers; number++) this.#fork(number);
    await Promise.all([...this.#slots.values()].map(({ settled }) => settled));
    return this.#addresses;
  }

  /** Resolves when restarting workers has become pointless. */
  get abandoned(): Promise<void> {
    return this.#abandoned;
  }

  /** Makes every worker read the files that options name again. */
  reload(): void {
    for (const { worker } of this.#slots.values()) send(worker, { kind: 'reload' });
  }

  /** Stops every worker and waits for them; resolves to the exit code. */
  async stop(): Promise<number> {
    this.#stopping = true;
    for (const { worker } of this.#slots.values()) send(worker, { kind: 'stop' });
    const late = setTimeout(() => {
      this.#log.error({ workers: [...this.#slots.keys()] }, 'killing workers that did not stop in time');
      this.#killAll();
    }, this.#config.drainTimeout + GRACE_MS);
    await Promise.all([...this.#slots.values()].map(({ ended }) => ended));
    clearTimeout(late);
    return this.#exitCode;
  }

  #fork(number: number): Slot {
    const worker = cluster.fork();
    const ended = new Promise<void>((resolve) =>
      worker.once('exit', (code: number | null, signal: string | null) => {
        this.#died(slot, code, signal);
        resolve();
      }),
    );
    const ready = new Promise<void>((resolve) =>
      worker.on('message', (message: ToPrimary) => {
        if (message.kind === 'ready') resolve();
        this.#heard(slot, message);
      }),
    );
    const slot: Slot = { number, worker, servingSinceMs: undefined, settled: Promise.race([ready, ended]), ended };
    this.#slots.set(number, slot);
    return slot;
  }

  #heard(slot: Slot, message: ToPrimary): void {
    const { worker, number } = slot;
    switch (message.kind) {
      case 'hello': {
        const { node } = this.#config;
        const config = { ...this.#config, workers: 1, node: node === '' ? '' : `${node}-${number}` };
        send(worker, { kind: 'start', number, config });
        if (this.#stopping) send(worker, { kind: 'stop' });
        return;
      }
      case 'ready':
        slot.servingSinceMs = performance.now();
        this.#addresses = { url: message.url, grpcAddress: message.grpcAddress };
        return;
      case 'gather':
        void this.#gather(worker, message.id);
        return;
      case 'snapshot':
        this.#gathering.received(message.id, message.snapshot);
    }
  }

  async #gather(worker: Worker, id: number): Promise<void> {
    const serving = [...this.#slots.values()].filter((slot) => slot.servingSinceMs !== undefined);
    const requests = serving.map((slot) => (round: number) => send(slot.worker, { kind: 'tell', id: round }));
    send(worker, { kind: 'gathered', id, snapshots: await this.#gathering.gather(requests) });
  }

  #died({ number, servingSinceMs, worker }: Slot, code: number | null, signal: string | null): void {
    this.#slots.delete(number);
    // Until a worker has a listener, a signal to the process group kills it.
    const isGroupSignal = this.#stopping && STOP_SIGNALS.some((one) => one === signal);
    if (code !== 0 && !isGroupSignal) this.#exitCode = FAILED;
    if (this.#stopping) return;
    const end = { worker: number, pid: worker.process.pid, ...(signal === null ? { code } : { signal }) };
    if (this.#addresses === undefined) return;
    const servedMs = servingSinceMs === undefined ? undefined : performance.now() - servingSinceMs;
    const verdict = this.#restarts.judge({ worker: number, servedMs, serving: this.#serving() });
    if (verdict.kind === 'abandon') {
      this.#log.error(end, 'workers crash as soon as they start; shutting down. Their log lines above give the reason');
      return this.#abandon();
    }
    this.#exitCode = 0;
    this.#log.warn({ ...end, startsInMs: verdict.afterMs }, 'a worker crashed; restarting it');
    setTimeout(() => {
      if (!this.#stopping) void this.#restart(number);
    }, verdict.afterMs);
  }

  async #restart(number: number): Promise<void> {
    const slot = this.#fork(number);
    await slot.settled;
    if (slot.servingSinceMs !== undefined)
      this.#log.info({ worker: number, pid: slot.worker.process.pid }, 'a restarted worker is ready');
  }

  #serving(): number {
    return [...this.#slots.values()].filter(({ servingSinceMs }) => servingSinceMs !== undefined).length;
  }

  #killAll(): void {
    for (const { worker } of this.#slots.values()) worker.process.kill('SIGKILL');
  }
}

/** A worker that is exiting does not need the message. */
function send(worker: Worker, message: ToWorker): void {
  if (worker.isConnected()) worker.send(message, () => undefined);
}
