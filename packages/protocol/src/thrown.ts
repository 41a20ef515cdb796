/**
 * A thrown value may be anything: null, an object without a prototype, a proxy that throws when it
 * is read. These functions throw for none of them.
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

const MOST_CAUSES = 10;
/** Limit of a text with causes, in characters. */
const LONGEST_TEXT = 2_000;

/**
 * The text of a thrown value for a log line: an error with its name, and with its causes unless
 * their text is part of it already. Never throws.
 *
 * @returns at most 2,000 characters, with at most 10 causes
 */
export function logTextOfThrown(thrown: unknown): string {
  let text = namedTextOf(thrown);
  let cause = causeOf(thrown);
  for (let depth = 0; depth < MOST_CAUSES && cause !== undefined && text.length < LONGEST_TEXT; depth++) {
    const why = textOfThrown(cause);
    if (!text.includes(why)) text += `: caused by ${namedTextOf(cause)}`;
    cause = causeOf(cause);
  }
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT - 1)}…` : text;
}

function namedTextOf(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    return textOfThrown(thrown);
  }
}

function causeOf(thrown: unknown): unknown {
  try {
    return thrown instanceof Error ? thrown.cause : undefined;
  } catch {
    return undefined;
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

/** Properties of errors that loggers read, and code that distinguishes errors. */
const READ = ['name', 'message', 'stack', 'code', 'cause'] as const;

/**
 * The same value if it can be read, as any ordinary value can; otherwise an error that replaces it.
 * Call this where code of the application throws, so that later code can read the value.
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
 * Calls a hook of the application. Neither an exception of the hook nor the rejection of a promise
 * that it returns reaches the caller.
 *
 * @param onFailure receives the thrown value or the reason of the rejection; if `onFailure` fails
 *   itself, its error is ignored
 */
export function callHook(hook: () => unknown, onFailure: (thrown: unknown) => unknown = ignore): void {
  try {
    const returned = hook();
    if (mayBeThenable(returned)) void settled(returned, onFailure);
  } catch (thrown) {
    report(thrown, onFailure);
  }
}

/** `await` reads the `then` property, so that an exception of its getter becomes a rejection. */
async function settled(returned: PromiseLike<unknown>, onFailure: (thrown: unknown) => unknown): Promise<void> {
  try {
    await returned;
  } catch (thrown) {
    report(thrown, onFailure);
  }
}

function report(thrown: unknown, onFailure: (thrown: unknown) => unknown): void {
  // An exception of the report itself cannot be reported anywhere.
  if (onFailure !== ignore) callHook(() => onFailure(readableThrown(thrown)));
}

const ignore = (): void => undefined;

const mayBeThenable = (value: unknown): value is PromiseLike<unknown> =>
  (typeof value === 'object' && value !== null) || typeof value === 'function';
