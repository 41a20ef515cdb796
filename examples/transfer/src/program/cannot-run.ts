/**
 * Something is missing or wrong that whoever started the program can mend; the message says how.
 */
export class CannotRun extends Error {
  override readonly name = 'CannotRun';
}

/** What `work` gives. @throws {CannotRun} it failed: `what` it was, why, and the mend */
export async function orCannotRun<T>(what: string, mend: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new CannotRun(`${what}: ${whyOf(error)}\n${mend}`, { cause: error });
  }
}

/** Several addresses that all refuse are an AggregateError without words. */
function whyOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message !== '') return error.message;
  return error instanceof AggregateError ? error.errors.map(whyOf).join('; ') : error.name;
}
