import { rssAnonMb } from './process-figures.ts';

const SAMPLE_INTERVAL_MS = 100;

/**
 * Samples a process's memory periodically; the returned function stops this and returns the
 * maximum.
 */
export function watchMemory(pid: number | undefined): () => number | undefined {
  let most: number | undefined;
  const sample = (): void => {
    const now = pid === undefined ? undefined : rssAnonMb(pid);
    if (now !== undefined) most = Math.max(most ?? 0, now);
  };
  const timer = setInterval(sample, SAMPLE_INTERVAL_MS);
  return () => {
    clearInterval(timer);
    sample();
    return most;
  };
}
