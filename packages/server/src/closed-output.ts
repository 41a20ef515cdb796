/**
 * What reads the output may end before this process does. Its lines are lost then, and nothing else: without a listener the error (EPIPE) would end the
 * process in the middle of its work.
 */
export function surviveClosedOutput(): void {
  for (const output of [process.stdout, process.stderr]) output.on('error', () => undefined);
}
