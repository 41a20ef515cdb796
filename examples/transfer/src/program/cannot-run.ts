/** Something is missing or wrong that whoever started the program can mend; the message says how. */
export class CannotRun extends Error {
  override readonly name = 'CannotRun';
}
