import { BranchFailure } from '@holdfast/client/node-http';
import type { Order } from '../order.ts';
import type { ServiceDefinition } from './open-service.ts';

export interface CouponState {
  readonly coupons: number;
}

export interface CouponEffect {
  readonly coupons: number;
}

/** Coupons of the group-buy campaign that are not used yet. */
export const couponService: ServiceDefinition<CouponState, CouponEffect, Order> = {
  name: 'coupon',
  initial: { coupons: 0 },
  apply: (state, change) => ({ coupons: state.coupons + change.coupons }),
  branches: {
    redeem: (ledger, call) =>
      ledger.settle(call, ({ coupons }) => {
        if (coupons < 1) throw new BranchFailure('all coupons are used');
        return { coupons: -1 };
      }),
    'give-back': (ledger, call) => ledger.settle(call, () => ({ coupons: 1 })),
  },
};
