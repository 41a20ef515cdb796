import { money } from '../order.ts';
import type { Shop } from '../shop.ts';

/** One figure of one service. */
export interface Balance {
  readonly service: string;
  readonly what: string;
  readonly value: number;
  readonly write: (value: number) => string;
}

export const CUSTOMERS = ['Ana', 'Ben', 'Cleo', 'Dora'] as const;

/** The figures that each service reports. */
export function balancesOf(shop: Shop): Balance[] {
  const orders = Object.values(shop.order.ledger.state);
  const wallets = shop.payment.ledger.state;
  const count = (service: string, what: string, value: number): Balance => ({ service, what, value, write: String });
  return [
    count('order', 'orders placed', orders.filter((order) => order.status === 'placed').length),
    count('', 'orders cancelled', orders.filter((order) => order.status === 'cancelled').length),
    count('stock', 'bottles on the shelf', shop.stock.ledger.state.bottles),
    count('coupon', 'coupons not used', shop.coupon.ledger.state.coupons),
    ...CUSTOMERS.slice(0, 3).map((customer, index): Balance => ({
      service: index === 0 ? 'payment' : '',
      what: `${customer}'s wallet`,
      value: wallets[customer] ?? 0,
      write: money,
    })),
    count('delivery', 'deliveries booked', shop.delivery.ledger.state.booked.length),
  ];
}

/** A table of the figures before and after. */
export function balanceTable(before: readonly Balance[], after: readonly Balance[]): string[] {
  const rows = after.map((balance, index) => {
    const earlier = before[index]?.value ?? 0;
    const change = balance.value - earlier;
    const sign = change > 0 ? '+' : change < 0 ? '−' : '';
    return [
      balance.service.padEnd(10),
      balance.what.padEnd(22),
      balance.write(earlier).padStart(9),
      balance.write(balance.value).padStart(9),
      change === 0 ? '        ·' : (sign + balance.write(Math.abs(change))).padStart(9),
    ].join(' ');
  });
  const head = [
    'service'.padEnd(10),
    'holds'.padEnd(22),
    'before'.padStart(9),
    'after'.padStart(9),
    'change'.padStart(9),
  ];
  return [head.join(' '), ...rows];
}
