import { BranchFailure } from '@holdfast/protocol';
import type { BranchCallContext, BranchDeclaration } from '@holdfast/client';

/** The payload of a try. */
export interface Reservation {
  readonly seats: number;
}

/** A theatre that records its calls; the branch `soldOut` rejects its call. */
export function theatre() {
  const notes: string[] = [];
  const note = (call: BranchCallContext<Reservation>): void => {
    notes.push(`${call.op} ${call.branchId} ${call.payload.seats}`);
  };
  const soldOut = (call: BranchCallContext<Reservation>): void => {
    note(call);
    throw new BranchFailure('sold out');
  };
  return { notes, branches: { hold: note, book: note, release: note, soldOut } };
}

/** The branches of a reservation. */
export interface Theatre {
  readonly hold: BranchDeclaration<Reservation>;
  readonly book: BranchDeclaration<Reservation>;
  readonly release: BranchDeclaration<Reservation>;
}

/** A branch that reserves the given number of seats. */
export const seats = ({ hold, book, release }: Theatre, count: number) => ({
  try: hold,
  confirm: book,
  cancel: release,
  payload: { seats: count },
});

/** The error that a promise rejects with, or undefined if it resolves. */
export const thrownBy = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );
