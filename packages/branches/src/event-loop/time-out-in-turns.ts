/** Work with a deadline. */
export interface Expiring {
  /** The deadline has passed. Does nothing if the work has ended while it waited for its turn. */
  timeOut(): void;
}

/**
 * Number of timeouts handled before other events: each closes a connection, and the next call opens
 * another one.
 */
export const SLICE = 8;

const waiting: Expiring[] = [];
let inTurn = 0;

/**
 * Times out a call or connection attempt, in this turn of the event loop or a later one. Node runs
 * all expired timers in one turn, and the hundred calls to a host that hangs expire together: 25
 * ms. The limit applies to all destinations together, since several may hang.
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
