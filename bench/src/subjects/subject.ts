import type { LoadGenerator } from '../load/load.ts';

/** What is measured: something that takes sagas. */
export interface Subject {
  /** In tables: `ceiling`, `lmdb`, `embed`, or a target's address. */
  readonly name: string;
  readonly origin: string;
  /** Its process, when it is known; without it there are no figures of CPU and memory. */
  readonly pid: number | undefined;
  /** Process of the database that was started for it, to which all others of that database belong. */
  readonly databasePid?: number | undefined;
  /** Set when it submits to itself; it calls no branch service then. */
  readonly ownLoad?: LoadGenerator;
}
