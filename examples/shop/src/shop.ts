import type { Order } from './order.ts';
import { couponService } from './services/coupon-service.ts';
import { deliveryService } from './services/delivery-service.ts';
import { openService, type Service, type ServiceDefinition } from './services/open-service.ts';
import { orderService } from './services/order-service.ts';
import { paymentService } from './services/payment-service.ts';
import { stockService } from './services/stock-service.ts';

/** Five services, each with its own port, its own journal, and no knowledge of the others. */
export interface Shop {
  readonly order: ServiceOf<typeof orderService>;
  readonly stock: ServiceOf<typeof stockService>;
  readonly coupon: ServiceOf<typeof couponService>;
  readonly payment: ServiceOf<typeof paymentService>;
  readonly delivery: ServiceOf<typeof deliveryService>;
}

type ServiceOf<Definition> =
  Definition extends ServiceDefinition<infer State, infer Effect, Order> ? Service<State, Effect> : never;

export const servicesOf = (shop: Shop) => [shop.order, shop.stock, shop.coupon, shop.payment, shop.delivery];

/** Opens the services on the ports from `firstPort`. */
export async function openShop(
  firstPort: number,
  folder: string,
  onError: (service: string, error: unknown) => void,
  closeLater: (close: () => Promise<void>) => void,
): Promise<Shop> {
  const open = async <State, Effect>(definition: ServiceDefinition<State, Effect, Order>, offset: number) => {
    const place = { port: firstPort + offset, folder, onError: (error: unknown) => onError(definition.name, error) };
    const service = await openService(definition, place);
    closeLater(async () => {
      await service.http.switchOff();
      await service.ledger.close();
    });
    return service;
  };
  return {
    order: await open(orderService, 0),
    stock: await open(stockService, 1),
    coupon: await open(couponService, 2),
    payment: await open(paymentService, 3),
    delivery: await open(deliveryService, 4),
  };
}

/** How a URL of the shop is called in a timeline: `stock: take`. */
export const nameOfUrl = (url: string): string =>
  new URL(url).pathname.slice(1).replace('/', ': ').replaceAll('-', ' ');
