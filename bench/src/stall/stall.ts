/** The longest time for which an event loop handled nothing. */
export interface Stall {
  readonly wallMs: number;
  /** How long the main thread ran on a CPU in that time: less than `wallMs` where the machine was busy with something else. */
  readonly cpuMs: number;
}
