/** The longest time for which an event loop handled nothing. */
export interface Stall {
  readonly wallMs: number;
  /**
   * CPU time of the main thread in that time; less than `wallMs` if the machine was busy with other
   * work.
   */
  readonly cpuMs: number;
}
