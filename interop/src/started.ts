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

  /** Ends everything at once; an end that fails does not keep the others. */
  async stop(): Promise<void> {
    const ends = await Promise.allSettled(this.#members.splice(0).map((member) => member.stop()));
    for (const end of ends)
      if (end.status === 'rejected') process.stderr.write(`could not stop: ${String(end.reason)}\n`);
  }
}
