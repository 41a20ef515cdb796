/** The longest time for which an event loop handled nothing. */
export interface Stall {
  readonly wallMs: number;
  /** CPU time of the process meanwhile, all threads: less than the wall time where the machine was busy with something else. */
  readonly cpuMs: number;
}
