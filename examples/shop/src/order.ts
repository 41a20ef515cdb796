/** What a customer orders: the payload of every step. */
export interface Order {
  readonly customer: string;
  readonly bottles: number;
  /** What is to be paid, in cents, the coupon already taken off. */
  readonly cents: number;
  /** How long the courier takes to come, for those who want to watch. */
  readonly courierMs: number;
}

const CENTS_A_BOTTLE = 440;
/** A group that buys together pays a fifth less. */
const COUPON_SHARE = 0.2;

/** An order at the shop's prices. */
export const orderOf = (customer: string, bottles: number, courierMs = 0): Order => ({
  customer,
  bottles,
  cents: Math.round(bottles * CENTS_A_BOTTLE * (1 - COUPON_SHARE)),
  courierMs,
});

/** Cents as people write them. */
export const money = (cents: number): string => (cents / 100).toFixed(2);
