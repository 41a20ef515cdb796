import { setTimeout as delay } from 'node:timers/promises';
import { CoordinatorClient } from '../coordinator-client.ts';
import type { RunOptions } from '../options.ts';
import type { Subject } from '../subject.ts';
import { Intruder } from './intruder.ts';
import type { Security } from './security.ts';
import { TokenChanges } from './token-changes.ts';

/** The first and the second change of token and keys, as a share of the run. */
const CHANGES_AT = [0.1, 0.4] as const;

/** What is done to the security of a run while it lasts. */
export class SecurityRun {
  readonly changes: TokenChanges;
  readonly intruder: Intruder;
  readonly #admin: CoordinatorClient;
  readonly #security: Security;
  readonly #end = new AbortController();
  #changing: Promise<void> = Promise.resolve();

  /** @param target a URL of the participants */
  constructor(subject: Subject, security: Security, target: string) {
    this.#security = security;
    this.#admin = new CoordinatorClient(subject.origin, 2, security.admin);
    this.changes = new TokenChanges(this.#admin, security, (signal) => this.intruder.tryRetired(signal));
    this.intruder = new Intruder(subject, {
      ca: security.clients.ca,
      target,
      retired: () => this.changes.retired,
    });
  }

  /** Resolves when clients have a token; changes begin. */
  async begin(options: Pick<RunOptions, 'seconds' | 'faults'>): Promise<void> {
    this.intruder.start();
    await this.changes.begin(this.#end.signal);
    this.#changing = this.#change(options);
    // `finish` throws the error.
    this.#changing.catch(() => undefined);
  }

  /** Waits for the changes, and until the last retired token must be rejected. */
  async finish(): Promise<void> {
    await this.#changing;
    await this.intruder.finish();
  }

  /** Ends at once. */
  async close(): Promise<void> {
    this.#end.abort();
    await this.#changing.catch(() => undefined);
    await this.intruder.close();
    await this.#admin.close();
  }

  async #change({ seconds, faults }: Pick<RunOptions, 'seconds' | 'faults'>): Promise<void> {
    const { signal } = this.#end;
    const [first, second] = CHANGES_AT;
    await delay(first * seconds * 1000, undefined, { signal });
    this.#security.useKeys(1);
    // The end of an overlap is a time of the store, whose clock the faults move.
    const firstChange = faults > 0 ? this.changes.replace(signal) : this.changes.rotate(signal);
    await delay((second - first) * seconds * 1000, undefined, { signal });
    this.#security.useKeys(2);
    await firstChange;
    // Not revoked: a text that a rotation replaced must be rejected although its token is valid.
    await (faults > 0 ? this.changes.replace(signal) : this.changes.rotate(signal));
  }
}
