import { turns } from '@holdfast/branches/event-loop';

/**
 * Number of steps or list elements that are processed in the same turn of the event loop as the
 * code that follows.
 */
export const FEW = 100;

/**
 * `items.map(map)`, with other events handled in between. The longest stall is that of the most
 * expensive element.
 */
export async function mapInTurns<T, U>(items: readonly T[], map: (item: T) => U): Promise<U[]> {
  if (items.length <= FEW) return items.map((item) => map(item));
  const mapped: U[] = [];
  // Creating the list took time as well.
  await turns.next();
  for (const item of items) {
    if (turns.isSpent) await turns.next();
    mapped.push(map(item));
  }
  await turns.next();
  return mapped;
}
