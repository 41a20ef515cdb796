/** What the program with the embedded coordinator is asked for, one round at a time. */
export interface EmbeddedRound {
  /** Callers at once, each with one saga at a time. */
  readonly inFlight: number;
  readonly seconds: number;
  /** Begins every gid of this round. */
  readonly gidPrefix: string;
}
