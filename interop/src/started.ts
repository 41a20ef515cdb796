/** Anything with an end that must not be forgotten. */
export interface Stoppable {
  stop(): Promise<void>;
}

/** What a run has started, so that all of it ends whatever happens. */
export class Started {
  readonly #members: Stoppable[] = [];

  /** Remembers what was started; `undefined` (not installed) passes through. */
  add<T extends Stoppable | undefined>(member: T): T {
    if (member !== undefined) this.#members.push(member);
    return member;
  }

  /**
   * Ends everything, what was started last first: nobody loses what it still uses. An end that
   * fails does not keep the others.
   */
  async stop(): Promise<void> {
    for (let member = this.#members.pop(); member !== undefined; member = this.#members.pop()) {
      try {
        await member.stop();
      } catch (error) {
        process.stderr.write(`could not stop: ${String(error)}\n`);
      }
    }
  }
}
