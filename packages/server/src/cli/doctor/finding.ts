/** What one check found. */
export interface Finding {
  /** What was looked at, in a word or two. */
  readonly check: string;
  readonly level: 'ok' | 'warn' | 'fail';
  /** What was found. */
  readonly found: string;
  /** What to do about it; empty when nothing. */
  readonly fix: string;
}

export const ok = (check: string, found: string): Finding => ({ check, level: 'ok', found, fix: '' });
export const warn = (check: string, found: string, fix: string): Finding => ({ check, level: 'warn', found, fix });
export const fail = (check: string, found: string, fix: string): Finding => ({ check, level: 'fail', found, fix });

/** One place to look; it answers what it found there, and throws nothing on purpose. */
export interface Check {
  readonly name: string;
  readonly run: () => Promise<readonly Finding[]>;
}

/** Longer than anything a check waits for by itself. */
const TIMEOUT_MS = 15_000;

/** Runs a check; one that throws, or takes too long, has failed. */
export async function runCheck({ name, run }: Check, timeoutMs: number = TIMEOUT_MS): Promise<readonly Finding[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<readonly Finding[]>((resolve) => {
    const found = `no answer in ${timeoutMs} ms`;
    const fix = 'check whether the server that it queries is overloaded or cannot be reached';
    timer = setTimeout(() => resolve([fail(name, found, fix)]), timeoutMs);
  });
  try {
    return await Promise.race([run(), late]);
  } catch (error) {
    return [fail(name, error instanceof Error ? error.message : String(error), 'see the message')];
  } finally {
    clearTimeout(timer);
  }
}
