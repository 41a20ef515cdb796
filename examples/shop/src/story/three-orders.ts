import type { TransactionDetails } from '@holdfast/client';
import { setTimeout } from 'node:timers/promises';
import { money, type Order, orderOf } from '../order.ts';
import { orderSaga } from '../order-saga.ts';
import { endOf, type Teller } from './teller.ts';

const BOTTLES = 6;
const LONGEST_ORDER_MS = 10_000;
/** Number of calls of the delivery service that fail before it is switched on again. */
const FAILED_CALLS = 2;
const LOOK_MS = 50;

/** All steps succeed. */
export async function orderThatSucceeds(teller: Teller): Promise<void> {
  const order = orderOf('Ana', BOTTLES);
  teller.screen.heading('Order 1: everything goes well');
  teller.screen.line(`${introductionOf(order)}.`);
  await tellEnd(teller, await submit(teller, order));
}

/** The fourth step is rejected, and the first three are compensated. */
export async function orderThatIsRejected(teller: Teller): Promise<void> {
  const order = orderOf('Ben', BOTTLES);
  const wallet = teller.shop.payment.ledger.state[order.customer] ?? 0;
  teller.screen.heading('Order 2: the payment is rejected');
  teller.screen.line(`${introductionOf(order)}; his wallet holds ${money(wallet)}.`);
  teller.screen.line('Order, stock and coupon have done their part by then: it is undone, newest first. The refund');
  teller.screen.line('finds nothing to give back, because the payment service knows that it took nothing.');
  await tellEnd(teller, await submit(teller, order));
}

/** The fifth service is down: its step is retried until the service is back. */
export async function orderThatIsRetried(teller: Teller): Promise<void> {
  const { http } = teller.shop.delivery;
  const order = orderOf('Cleo', BOTTLES);
  teller.screen.heading('Order 3: the delivery service is down');
  teller.screen.line(`${introductionOf(order)}. The delivery service is`);
  teller.screen.line(`switched off, and on again after ${FAILED_CALLS} failed calls. No second order is needed.`);
  await http.switchOff();
  try {
    const gid = await submit(teller, order);
    await failedCalls(teller, gid);
    await http.switchOn();
    await tellEnd(teller, gid);
  } catch (error) {
    // Also after an error: the service must be off for the next start, and closed as if it were on.
    await http.switchOff();
    throw error;
  }
}

const introductionOf = (order: Order): string =>
  `${order.customer}'s group buys ${order.bottles} bottles of cold brew, with a coupon for ${money(order.cents)}`;

async function submit({ hf, shop, book, closing }: Teller, order: Order): Promise<string> {
  const saga = orderSaga(hf, shop, order);
  await book.take(saga.gid);
  await saga.submit({ signal: closing });
  return saga.gid;
}

/** Waits until the coordinator has recorded the failed calls. */
async function failedCalls({ hf, closing }: Teller, gid: string): Promise<void> {
  const abandon = AbortSignal.any([closing, AbortSignal.timeout(LONGEST_ORDER_MS)]);
  for (;;) {
    const details = await hf.get(gid, { signal: abandon });
    if (details !== undefined && countFailed(details) >= FAILED_CALLS) return;
    await setTimeout(LOOK_MS, undefined, { signal: abandon });
  }
}

const countFailed = (details: TransactionDetails): number =>
  details.timeline.filter((line) => line.kind === 'call' && line.result === 'UNKNOWN').length;

async function tellEnd(teller: Teller, gid: string): Promise<void> {
  const details = await endOf(teller, gid, LONGEST_ORDER_MS);
  if (details === undefined) throw new Error(`order ${gid} has not ended within ${LONGEST_ORDER_MS / 1_000} s`);
  teller.screen.timeline(details);
  await teller.book.reported(gid);
}
