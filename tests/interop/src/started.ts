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
   * Stops everything in reverse order of starting, so that nothing is stopped while it is still in
   * use. A failure to stop one does not prevent stopping the others.
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
