import type { Shop } from '../shop.ts';

const BOTTLES = 48;
const COUPONS = 10;
/** Cents in the wallets at opening: Ben's is nearly empty. */
const WALLETS: Readonly<Record<string, number>> = { Ana: 6_000, Ben: 500, Cleo: 6_000, Dora: 20_000 };

/**
 * Fills up what earlier runs used, so that the demo can be run again and again on the same data.
 */
export async function openDoors(shop: Shop): Promise<void> {
  await shop.stock.ledger.record(({ bottles }) => (bottles < BOTTLES ? { bottles: BOTTLES - bottles } : undefined));
  await shop.coupon.ledger.record(({ coupons }) => (coupons < COUPONS ? { coupons: COUPONS - coupons } : undefined));
  for (const [customer, wanted] of Object.entries(WALLETS)) {
    await shop.payment.ledger.record((wallets) => {
      const held = wallets[customer] ?? 0;
      return held < wanted ? { customer, cents: wanted - held } : undefined;
    });
  }
}
