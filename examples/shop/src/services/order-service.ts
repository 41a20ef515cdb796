import type { Order } from '../order.ts';
import type { ServiceDefinition } from './open-service.ts';

/** Orders by gid. */
export type OrderState = Readonly<
  Record<string, { readonly customer: string; readonly status: 'placed' | 'cancelled' }>
>;

export interface OrderEffect {
  readonly gid: string;
  readonly customer: string;
  readonly status: 'placed' | 'cancelled';
}

/** Keeps the book of orders. */
export const orderService: ServiceDefinition<OrderState, OrderEffect, Order> = {
  name: 'order',
  initial: {},
  apply: (state, { gid, customer, status }) => ({ ...state, [gid]: { customer, status } }),
  branches: {
    place: (ledger, call) =>
      ledger.settle(call, () => ({ gid: call.gid, customer: call.payload.customer, status: 'placed' })),
    cancel: (ledger, call) =>
      ledger.settle(call, () => ({ gid: call.gid, customer: call.payload.customer, status: 'cancelled' })),
  },
};
