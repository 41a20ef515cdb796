/** The request for one round, sent to the program with the embedded coordinator. */
export interface EmbeddedRound {
  /** Callers at once, each with one saga at a time. */
  readonly inFlight: number;
  readonly seconds: number;
  /** Prefix of every gid of this round. */
  readonly gidPrefix: string;
}
