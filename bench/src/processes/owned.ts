import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

const alive = new Set<ChildProcess>();

// However this program exits, the processes that it started end with it.
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

/** Ends the child when this process ends. */
export function own(child: ChildProcess): void {
  alive.add(child);
  child.once('exit', () => alive.delete(child));
  // A program that cannot be started emits no `exit`.
  child.once('error', () => alive.delete(child));
}

export const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

/** Sends SIGTERM to the child, and SIGKILL after `patienceMs`. */
export async function stop(child: ChildProcess, patienceMs = 5_000): Promise<void> {
  if (hasEnded(child)) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
  await exit;
  clearTimeout(timer);
}
