/**
 * What code throws may be any value: null, an object without a prototype, a proxy that throws when
 * it is read. These functions throw for none of them.
 */

const NO_TEXT = 'something that has no text was thrown';

/** The message of an error, and the text of any other value. Never throws. */
export function textOfThrown(thrown: unknown): string {
  try {
    const text: unknown = thrown instanceof Error ? thrown.message : thrown;
    return typeof text === 'string' ? text : String(text);
  } catch {
    return NO_TEXT;
  }
}

/** The stack of an error; undefined for any other value. Never throws. */
export function stackOfThrown(thrown: unknown): string | undefined {
  try {
    const stack: unknown = thrown instanceof Error ? thrown.stack : undefined;
    return typeof stack === 'string' ? stack : undefined;
  } catch {
    return undefined;
  }
}

/** What code reads of errors: loggers, and the code that distinguishes them. */
const READ = ['name', 'message', 'stack', 'code', 'cause'] as const;
const MOST_CAUSES = 10;

/**
 * The same value if it can be read, which any ordinary value can; else an error that replaces it.
 * Apply it where code of the application is called: the code behind it may then read what it
 * catches.
 */
export function readableThrown(thrown: unknown): unknown {
  try {
    let error = thrown;
    for (let depth = 0; depth < MOST_CAUSES && isObject(error); depth++) {
      if (!(error instanceof Error)) {
        // Loggers and `Error.prototype.toString` read such objects as well.
        for (const name of READ) void (error as Readonly<Record<string, unknown>>)[name];
        break;
      }
      for (const name of READ) void (error as Error & { readonly code?: unknown })[name];
      if (typeof error.message !== 'string') return replaced(thrown);
      error = error.cause;
    }
    return thrown;
  } catch {
    return replaced(thrown);
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** Without the value as its cause, which loggers would read. */
const replaced = (thrown: unknown): Error => new Error(`${textOfThrown(thrown)} (the thrown value cannot be read)`);

/**
 * Calls a function that the application gave to be notified. Neither what it throws nor the
 * rejection of a promise that it returns gets out.
 *
 * @param onFailure receives what the function threw or was rejected with; its own failure is ignored
 */
export function callHook(hook: () => unknown, onFailure: (thrown: unknown) => unknown = ignore): void {
  try {
    const returned = hook();
    if (mayBeThenable(returned)) void settled(returned, onFailure);
  } catch (thrown) {
    report(thrown, onFailure);
  }
}

/** Reading its `then` is left to the promise, which turns what that throws into a rejection. */
async function settled(returned: PromiseLike<unknown>, onFailure: (thrown: unknown) => unknown): Promise<void> {
  try {
    await returned;
  } catch (thrown) {
    report(thrown, onFailure);
  }
}

function report(thrown: unknown, onFailure: (thrown: unknown) => unknown): void {
  // What the report itself throws has no other place to go.
  if (onFailure !== ignore) callHook(() => onFailure(readableThrown(thrown)));
}

const ignore = (): void => undefined;

const mayBeThenable = (value: unknown): value is PromiseLike<unknown> =>
  (typeof value === 'object' && value !== null) || typeof value === 'function';
