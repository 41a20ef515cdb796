import cluster from 'node:cluster';
import { takeStopSignals } from '../early-stop.ts';
import { reloadedFilesOf, type ServerConfig } from '@holdfast/server/config';
import type { Siblings, Snapshot } from '@holdfast/server';
import type { Addresses, ToPrimary, ToWorker } from './messages.ts';

/** A worker's connection to its primary process. */
export class PrimaryLink implements Siblings {
  readonly #waiting = new Map<number, (snapshots: readonly Snapshot[]) => void>();
  #lastRound = 0;
  /** Whether SIGHUP means to reload files, which the primary's message requests. */
  #hasFiles = false;
  #reload: () => void = () => undefined;
  #read: (() => Promise<Snapshot>) | undefined;
  #start: (command: { readonly number: number; readonly config: ServerConfig }) => void = () => undefined;
  #stop: (reason: string) => void = () => undefined;
  readonly #started = new Promise<{ readonly number: number; readonly config: ServerConfig }>(
    (resolve) => (this.#start = resolve),
  );
  readonly #stopped = new Promise<string>((resolve) => (this.#stop = resolve));

  constructor() {
    process.on('message', (message: ToWorker) => this.#heard(message));
    // A terminal or init system signals the whole process group: the primary's message and the
    // signals count as one command.
    takeStopSignals((signal) => {
      if (signal !== 'SIGHUP' || !this.#hasFiles) this.#stop(signal);
    });
    cluster.worker?.once('disconnect', () => {
      // Node would end this process immediately, but work in progress must be finished or released.
      if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true;
      this.#stop('the primary process has ended');
    });
  }

  /** Requests this worker's number and configuration. */
  hello(): Promise<{ readonly number: number; readonly config: ServerConfig }> {
    this.#send({ kind: 'hello' });
    return this.#started;
  }

  ready({ url, grpcAddress }: Addresses): void {
    this.#send({ kind: 'ready', url, grpcAddress });
  }

  /** Resolves to the reason when the worker must stop. */
  get stopped(): Promise<string> {
    return this.#stopped;
  }

  onReload(reload: () => void): void {
    this.#reload = reload;
  }

  onRequested(read: () => Promise<Snapshot>): void {
    this.#read = read;
  }

  allMetrics(): Promise<readonly Snapshot[]> {
    const id = ++this.#lastRound;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#send({ kind: 'gather', id });
    });
  }

  #heard(message: ToWorker): void {
    switch (message.kind) {
      case 'start':
        this.#hasFiles = reloadedFilesOf(message.config).length > 0;
        return this.#start(message);
      case 'stop':
        return this.#stop('stop');
      case 'reload':
        return this.#reload();
      case 'tell':
        void this.#read?.().then((snapshot) => this.#send({ kind: 'snapshot', id: message.id, snapshot }));
        return;
      case 'gathered':
        this.#waiting.get(message.id)?.(message.snapshots);
        this.#waiting.delete(message.id);
    }
  }

  #send(message: ToPrimary): void {
    if (process.connected) process.send?.(message);
  }
}
