import type { SuiteName } from '../suite.ts';

/** A case that shows a row, as `SUITE GROUP/NAME`. */
export type CaseReference = `${SuiteName} ${string}/${string}`;

/** Something of dtm, and Holdfast's behaviour. */
export interface Row {
  readonly dtm: string;
  /** `the same`, or the difference. */
  readonly holdfast: string;
  /** The cases that show it. Empty only where no published client can show it. */
  readonly shown: readonly CaseReference[];
}

/** One table of the page. */
export interface Section {
  readonly title: string;
  readonly text: string;
  /** Heading of the first column. */
  readonly subject: string;
  readonly rows: readonly Row[];
}

/** A row of a table. */
export const row = (dtm: string, holdfast: string, ...shown: readonly CaseReference[]): Row => ({
  dtm,
  holdfast,
  shown,
});
