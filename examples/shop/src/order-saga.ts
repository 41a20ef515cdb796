import type { Holdfast, Saga } from '@holdfast/client';
import type { Order } from './order.ts';
import type { Shop } from './shop.ts';

const RETRY_INTERVAL_MS = 400;
/** A slow courier is polled at most once per interval. */
const COURIER_INTERVAL_MS = 1_000;

/** An order as a saga of five steps in five services: all of them succeed, or all are undone. */
export function orderSaga(hf: Holdfast, { order, stock, coupon, payment, delivery }: Shop, content: Order): Saga {
  return hf
    .saga()
    .step({
      action: `${order.http.url}/order/place`,
      compensate: `${order.http.url}/order/cancel`,
      payload: content,
    })
    .step({
      action: `${stock.http.url}/stock/take`,
      compensate: `${stock.http.url}/stock/put-back`,
      payload: content,
    })
    .step({
      action: `${coupon.http.url}/coupon/redeem`,
      compensate: `${coupon.http.url}/coupon/give-back`,
      payload: content,
    })
    .step({
      action: `${payment.http.url}/payment/charge`,
      compensate: `${payment.http.url}/payment/refund`,
      payload: content,
    })
    .step({
      action: `${delivery.http.url}/delivery/book`,
      compensate: `${delivery.http.url}/delivery/call-off`,
      payload: content,
    })
    .options({ retryIntervalMs: content.courierMs > 0 ? COURIER_INTERVAL_MS : RETRY_INTERVAL_MS });
}
