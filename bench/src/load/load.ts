/** What a round of load is asked for. */
export interface LoadRequest {
  /** Origin of the coordinator. */
  readonly target: string;
  /** Origin of the branch service. */
  readonly branches: string;
  /** Callers at once, each with a connection of its own and one saga at a time. */
  readonly connections: number;
  readonly seconds: number;
  /** Begins every gid of this round; no two rounds have the same. */
  readonly gidPrefix: string;
}

/** What a round of load saw. */
export interface LoadResult {
  readonly seconds: number;
  /** Sagas whose answer was 2xx with `dtm_result` SUCCESS. */
  readonly completed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers with a status of 400 and above. */
  readonly statusErrors: number;
  /** Answers below 400 whose body is no success. */
  readonly bodyErrors: number;
  /** Connections refused or broken, answers that did not come in time. */
  readonly socketErrors: number;
}

/** Posts sagas as fast as its callers get answers. */
export interface LoadGenerator {
  /** For people, such as `wrk 4.1.0`. */
  readonly name: string;
  run(request: LoadRequest): Promise<LoadResult>;
}

/** An answer that takes longer is an error. */
export const ANSWER_TIMEOUT_SECONDS = 10;

export const errorsOf = ({ statusErrors, bodyErrors, socketErrors }: LoadResult): number =>
  statusErrors + bodyErrors + socketErrors;
