let count = 0;
let isCounting = false;

/**
 * Turns of the event loop that were counted, because something was to be run at their end. Between
 * two counts the loop has polled its sockets; turns at whose end nothing was to be run are not
 * counted.
 */
export const turnsCounted = (): number => count;

/**
 * Runs a callback at the end of this turn of the event loop: when the sockets that were ready have
 * been read.
 */
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
