import type { HttpCall } from '../http1/http-connection.ts';
import type { HttpPoolSettings } from '../http1/http-pool.ts';
import type { HttpRequest } from '../http1/request-bytes.ts';

/** One call of a branch, in the form that both HTTP clients accept. */
export interface BranchHttpCall extends HttpCall {
  readonly request: HttpRequest;
}

/** The connections to one origin: those of `http1`, or those of the library that replaces it. */
export interface BranchConnections {
  readonly isDestroyed: boolean;
  /** Sends a call over an idle connection, or queues it until there is one. */
  send(call: BranchHttpCall): void;
  /** Cancels a call that has not been sent: it fails. */
  cancel(call: BranchHttpCall): void;
  /** Closes the idle connections whose time has expired. */
  closeIdle(): void;
  /**
   * Closes every connection. Calls in progress or waiting have failed with `reason` when the
   * promise resolves.
   */
  destroy(reason?: Error): Promise<void>;
}

/** Opens connections to an origin on demand; `origin` is in the form of `URL.origin`. */
export type ConnectTo = (origin: string, settings: HttpPoolSettings) => BranchConnections;

/** The client that calls branches: Holdfast's (`own`), or the library undici. */
export type BranchClient = 'own' | 'undici';

/** Connections by undici, which is loaded only on this call. */
export async function undiciClient(): Promise<ConnectTo> {
  const { LibraryPool } = await import('../undici/library-pool.ts');
  return (origin, settings) => new LibraryPool(origin, settings);
}
