/** The result of one case. */
export type Verdict = 'pass' | 'fail' | 'skip';

/** One case of a suite and how it ended. */
export interface Outcome {
  /** What the case is about: the pattern or the part it belongs to. */
  readonly group: string;
  /** A sentence about behaviour. */
  readonly name: string;
  readonly verdict: Verdict;
  readonly durationMs: number;
  /** What it wrote: the reason of a failure or a skip. */
  readonly detail: string;
}
