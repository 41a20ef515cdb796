import type { Logger } from '@holdfast/core';
import { stackOfThrown, textOfThrown } from '@holdfast/protocol';
import type { CallHooks } from './interceptors.ts';

/** A hook may throw at each call, so that its errors are not logged more often. */
const QUIET_MS = 60_000;

/** Logs errors of hooks: for each hook at most once per minute, with their number until then. */
export function hookLog(logger: Logger): NonNullable<CallHooks['threw']> {
  const seen = new Map<string, { times: number; quietUntilMs: number }>();
  return (hook, error) => {
    const last = seen.get(hook) ?? { times: 0, quietUntilMs: -Infinity };
    seen.set(hook, last);
    last.times++;
    const nowMs = performance.now();
    if (nowMs < last.quietUntilMs) return;
    last.quietUntilMs = nowMs + QUIET_MS;
    logger.error(
      { hook, times: last.times, error: stackOfThrown(error) ?? textOfThrown(error) },
      'a hook around calls threw an error; the calls are not affected',
    );
    last.times = 0;
  };
}
