/** How many causes of an error are searched: libraries wrap an error once or twice. */
const DEPTH = 8;

/** Whether `is` holds for an error or one of its causes: libraries wrap errors of the database. */
export function isCausedBy(error: unknown, is: (one: unknown) => boolean): boolean {
  let one = error;
  for (let depth = 0; depth < DEPTH && one instanceof Error; depth++) {
    if (is(one)) return true;
    one = one.cause;
  }
  return false;
}
