import { BranchFailure } from '@holdfast/client/node-http';
import type { Order } from '../order.ts';
import type { ServiceDefinition } from './open-service.ts';

export interface StockState {
  readonly bottles: number;
}

export interface StockEffect {
  readonly bottles: number;
}

/** Bottles on the shelf. */
export const stockService: ServiceDefinition<StockState, StockEffect, Order> = {
  name: 'stock',
  initial: { bottles: 0 },
  apply: (state, change) => ({ bottles: state.bottles + change.bottles }),
  branches: {
    take: (ledger, call) =>
      ledger.settle(call, ({ bottles }) => {
        if (bottles < call.payload.bottles) throw new BranchFailure(`only ${bottles} bottles are left`);
        return { bottles: -call.payload.bottles };
      }),
    'put-back': (ledger, call) => ledger.settle(call, () => ({ bottles: call.payload.bottles })),
  },
};
