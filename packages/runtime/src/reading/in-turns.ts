import { turns } from './turns.ts';

/**
 * Steps of a transaction, or elements of a list, that are handled in one turn of the event loop
 * with what comes next.
 */
export const FEW = 100;

/**
 * `items.map(map)`; other events get their turns in between. The longest stall is that of the
 * costliest element.
 */
export async function mapInTurns<T, U>(items: readonly T[], map: (item: T) => U): Promise<U[]> {
  if (items.length <= FEW) return items.map((item) => map(item));
  const mapped: U[] = [];
  // What made the list took its time, too.
  await turns.next();
  for (const item of items) {
    if (turns.isSpent) await turns.next();
    mapped.push(map(item));
  }
  await turns.next();
  return mapped;
}
