import { BranchFailure } from '@holdfast/client/node-http';
import { money, type Order } from '../order.ts';
import type { ServiceDefinition } from './open-service.ts';

/** Cents in each customer's wallet. */
export type PaymentState = Readonly<Record<string, number>>;

export interface PaymentEffect {
  readonly customer: string;
  readonly cents: number;
}

/** The customers' wallets. */
export const paymentService: ServiceDefinition<PaymentState, PaymentEffect, Order> = {
  name: 'payment',
  initial: {},
  apply: (state, { customer, cents }) => ({ ...state, [customer]: (state[customer] ?? 0) + cents }),
  branches: {
    charge: (ledger, call) =>
      ledger.settle(call, (wallets) => {
        const { customer, cents } = call.payload;
        const held = wallets[customer] ?? 0;
        if (held < cents) {
          throw new BranchFailure(`${customer}'s wallet holds ${money(held)}, not ${money(cents)}`);
        }
        return { customer, cents: -cents };
      }),
    refund: (ledger, call) =>
      ledger.settle(call, () => ({ customer: call.payload.customer, cents: call.payload.cents })),
  },
};
