import { rssAnonMb } from './process-figures.ts';

const SAMPLE_INTERVAL_MS = 100;

/** Looks at a process's memory from time to time; the function it gives ends the watch and tells the most that was seen. */
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
