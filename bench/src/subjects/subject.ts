import type { BranchService } from '../branch/branch-service.ts';
import type { LoadGenerator } from '../load/load.ts';

/** A measured program that accepts sagas. */
export interface Subject {
  /** Name in tables: `ceiling`, `lmdb`, `embed`, or a target's address. */
  readonly name: string;
  readonly origin: string;
  /** Its PID; without it there are no figures of CPU and memory. */
  readonly pid: number | undefined;
  /** Main process of the database that was started for it, the ancestor of its other processes. */
  readonly databasePid?: number | undefined;
  /** Set if the subject generates its load; it then calls no branch service. */
  readonly ownLoad?: LoadGenerator;
  /** Submits its sagas instead of the usual load, over gRPC. */
  readonly grpcLoad?: LoadGenerator;
  /** The service that its branches are on instead of the usual one. */
  readonly branches?: BranchService;
  /** The token of its callers. */
  readonly token?: string;
  /** PEM of the authority that issued its certificate, if its origin is `https:`. */
  readonly authority?: string;
}
