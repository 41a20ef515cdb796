import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

const alive = new Set<ChildProcess>();

// A runner that ends early must not leave servers behind.
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

/** Makes sure that the child does not outlive this process. */
export function ownChild(child: ChildProcess): void {
  alive.add(child);
  child.once('exit', () => alive.delete(child));
}

/** Returns when the child has ended. */
export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

/** Waits for its end, and kills it after `patienceMs`; resolves to whether that was necessary. */
export async function endedOrKilled(child: ChildProcess, patienceMs: number): Promise<boolean> {
  let outlived = false;
  const timer = setTimeout(() => (outlived = child.kill('SIGKILL')), patienceMs);
  await ended(child);
  clearTimeout(timer);
  return outlived;
}
