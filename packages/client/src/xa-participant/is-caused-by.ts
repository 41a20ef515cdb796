/** How many causes of an error are searched: libraries wrap the driver's error once or twice. */
const DEPTH = 8;

/** Whether an error, or a cause of it, is such a one. Libraries wrap the errors of drivers. */
export function isCausedBy(error: unknown, is: (one: unknown) => boolean): boolean {
  let one = error;
  for (let depth = 0; depth < DEPTH && one instanceof Error; depth++) {
    if (is(one)) return true;
    one = one.cause;
  }
  return false;
}
