/** The helper's side of `Helper`: sends one message to the program that started this process. */
export function sendToParent(message: unknown): void {
  if (process.send === undefined) throw new Error('this program is started by the benchmark, not by hand');
  process.send(message);
}

/** Ends this process when the program that started it has ended. */
export function endWithParent(): void {
  process.on('disconnect', () => process.exit());
}
