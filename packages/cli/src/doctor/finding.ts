/** The result of one check. */
export interface Finding {
  /** The subject of the check, in a word or two. */
  readonly check: string;
  /** `skip`: the check could not be made; `fix` states what it needs. */
  readonly level: 'ok' | 'warn' | 'fail' | 'skip';
  /** The state that the check found. */
  readonly found: string;
  /** How to fix the problem; empty if there is none. */
  readonly fix: string;
}

export const ok = (check: string, found: string): Finding => ({ check, level: 'ok', found, fix: '' });
export const warn = (check: string, found: string, fix: string): Finding => ({ check, level: 'warn', found, fix });
export const fail = (check: string, found: string, fix: string): Finding => ({ check, level: 'fail', found, fix });
export const skip = (check: string, found: string, fix: string): Finding => ({ check, level: 'skip', found, fix });

/** One check. `run` resolves to its findings and is not expected to reject. */
export interface Check {
  readonly name: string;
  readonly run: () => Promise<readonly Finding[]>;
}

/** Longer than any timeout within a check. */
const TIMEOUT_MS = 15_000;

/** Runs a check. A check that throws or exceeds the timeout is reported as failed. */
export async function runCheck({ name, run }: Check, timeoutMs: number = TIMEOUT_MS): Promise<readonly Finding[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<readonly Finding[]>((resolve) => {
    const found = `no response within ${timeoutMs} ms`;
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
