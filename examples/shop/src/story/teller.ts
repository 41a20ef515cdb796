import { type Holdfast, type TransactionDetails, TransactionFailed, TransactionPending } from '@holdfast/client';
import type { OrderBook } from '../durable/order-book.ts';
import type { Shop } from '../shop.ts';
import type { Screen } from './screen.ts';

/** What every part of the story works with. */
export interface Teller {
  readonly hf: Holdfast;
  readonly shop: Shop;
  readonly book: OrderBook;
  readonly screen: Screen;
  /** Ends what is waiting when the shop closes. */
  readonly closing: AbortSignal;
}

/** How an order ended; undefined when it did not within the time. */
export async function endOf(
  { hf, closing }: Teller,
  gid: string,
  timeoutMs: number,
): Promise<TransactionDetails | undefined> {
  try {
    return await hf.wait(gid, { timeoutMs, signal: closing });
  } catch (error) {
    if (error instanceof TransactionFailed) return error.details();
    if (error instanceof TransactionPending) return undefined;
    throw error;
  }
}
