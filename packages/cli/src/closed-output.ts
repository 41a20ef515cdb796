/**
 * The reader of the output may exit before this process. Only the lines are lost then: without a
 * listener, the error (EPIPE) would terminate the process.
 */
export function surviveClosedOutput(): void {
  for (const output of [process.stdout, process.stderr]) output.on('error', () => undefined);
}
