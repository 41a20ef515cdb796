import { BranchFailure } from '@holdfast/protocol';
import type { BranchDeclaration } from '../../../src/branch-declaration.ts';
import type { BranchCallContext } from '../../../src/participants/call.ts';

/** What a try is asked for. */
export interface Reservation {
  readonly seats: number;
}

/** A theatre that notes what it was told; one that is sold out refuses. */
export function theatre() {
  const told: string[] = [];
  const note = (call: BranchCallContext<Reservation>): void => {
    told.push(`${call.op} ${call.branchId} ${call.payload.seats}`);
  };
  const soldOut = (call: BranchCallContext<Reservation>): void => {
    note(call);
    throw new BranchFailure('sold out');
  };
  return { told, branches: { hold: note, book: note, release: note, soldOut } };
}

/** The branches that a reservation takes. */
export interface Theatre {
  readonly hold: BranchDeclaration<Reservation>;
  readonly book: BranchDeclaration<Reservation>;
  readonly release: BranchDeclaration<Reservation>;
}

/** A branch that asks for so many seats. */
export const seats = ({ hold, book, release }: Theatre, count: number) => ({
  try: hold,
  confirm: book,
  cancel: release,
  payload: { seats: count },
});

/** What a promise is rejected with, if it is. */
export const thrownBy = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );
