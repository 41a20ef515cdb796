/** A missing or wrong prerequisite that the user can fix; the message describes the fix. */
export class CannotRun extends Error {
  override readonly name = 'CannotRun';
}

/**
 * Resolves to the result of `work`.
 *
 * @param what names the failed operation
 * @param fix what the user can do about the failure
 * @throws {CannotRun} `work` failed
 */
export async function orCannotRun<T>(what: string, fix: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new CannotRun(`${what}: ${whyOf(error)}\n${fix}`, { cause: error });
  }
}

/** An AggregateError (no address accepted the connection) has an empty message. */
function whyOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message !== '') return error.message;
  return error instanceof AggregateError ? error.errors.map(whyOf).join('; ') : error.name;
}
