/** The request for one round of load. */
export interface LoadRequest {
  /** Origin of the coordinator. */
  readonly target: string;
  /** What the URLs of the branches begin with: the origin of a branch service. */
  readonly branches: string;
  /** Callers at once, each with one saga at a time, and over HTTP with its own connection. */
  readonly connections: number;
  readonly seconds: number;
  /** Prefix of every gid of this round, different in each round. */
  readonly gidPrefix: string;
  /** Sent as `Authorization: Bearer`; undefined: none. */
  readonly token?: string | undefined;
  /** PEM of the authority of an `https:` target. */
  readonly authority?: string | undefined;
}

/** The result of a round of load. */
export interface LoadResult {
  readonly seconds: number;
  /** Sagas with a 2xx response with `dtm_result` SUCCESS. */
  readonly completed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Responses with a status of 400 and above. */
  readonly statusErrors: number;
  /** Responses below 400 whose body does not report success. */
  readonly bodyErrors: number;
  /** Connections that failed or broke, and responses that did not arrive in time. */
  readonly socketErrors: number;
}

/** Posts sagas as fast as its callers get responses. */
export interface LoadGenerator {
  /** Display name, such as `wrk 4.1.0`. */
  readonly name: string;
  /** Its process, if it is the same in all rounds; otherwise it has one per round. */
  readonly pid?: number;
  run(request: LoadRequest): Promise<LoadResult>;
}

/** A response that takes longer is an error. */
export const RESPONSE_TIMEOUT_SECONDS = 10;

export const errorsOf = ({ statusErrors, bodyErrors, socketErrors }: LoadResult): number =>
  statusErrors + bodyErrors + socketErrors;
