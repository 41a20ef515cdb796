import { setImmediate } from 'node:timers/promises';

/** Steps of a transaction, or elements of a list, that are handled in one turn of the event loop with what comes next. */
export const FEW = 100;

/** How long elements are mapped before other events get their turn. */
const TURN_MS = 2;

/** `items.map(map)`; other events get their turns in between. The longest stall is that of the costliest element. */
export async function mapInTurns<T, U>(items: readonly T[], map: (item: T) => U): Promise<U[]> {
  if (items.length <= FEW) return items.map((item) => map(item));
  const mapped: U[] = [];
  // What made the list took its time, too.
  await setImmediate();
  let startedMs = performance.now();
  for (const item of items) {
    if (performance.now() - startedMs > TURN_MS) {
      await setImmediate();
      startedMs = performance.now();
    }
    mapped.push(map(item));
  }
  await setImmediate();
  return mapped;
}
