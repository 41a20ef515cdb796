let count = 0;
let isCounting = false;

/**
 * Number of turns of the event loop that were counted because a callback was to run at their end.
 * The loop polls its sockets between two counts; turns without such a callback are not counted.
 */
export const turnsCounted = (): number => count;

/** Runs a callback at the end of this turn of the event loop, after the ready sockets were read. */
export function atEndOfTurn(callback: () => void): void {
  if (isCounting) return void setImmediate(callback);
  isCounting = true;
  setImmediate(countAndRun, callback);
}

function countAndRun(callback: () => void): void {
  isCounting = false;
  count++;
  callback();
}
