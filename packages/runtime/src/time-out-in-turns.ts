/** What a deadline ends. */
export interface Expiring {
  /** The time is over. What ended while it waited for its turn does nothing. */
  timeOut(): void;
}

/**
 * What is ended before other events get their turn: each closes a connection, and the next call
 * opens another one.
 */
export const SLICE = 8;

const waiting: Expiring[] = [];
let inTurn = 0;

/**
 * Ends a call or a connection attempt whose deadline has passed, in this turn of the event loop or
 * a later one. Node runs all timers that have expired in one turn, and the hundred calls to a host
 * that hangs expire together: 25 ms. The bound is one for all destinations, since several may hang.
 */
export function timeOutInTurns(expiring: Expiring): void {
  if (inTurn >= SLICE) return void waiting.push(expiring);
  if (inTurn++ === 0) setImmediate(nextTurn);
  expiring.timeOut();
}

function nextTurn(): void {
  const next = waiting.splice(0, SLICE);
  inTurn = next.length;
  if (inTurn > 0) setImmediate(nextTurn);
  for (const expiring of next) expiring.timeOut();
}
