import { BranchOngoing } from '@holdfast/client/node-http';
import type { Order } from '../order.ts';
import type { BranchWork, ServiceDefinition } from './open-service.ts';

export interface DeliveryState {
  /** Gids of the orders that are delivered. */
  readonly booked: readonly string[];
  /** When the courier who was called for an order comes, by gid. */
  readonly couriers: Readonly<Record<string, number>>;
}

export type DeliveryEffect =
  | { readonly kind: 'called'; readonly gid: string; readonly comesAtMs: number }
  | { readonly kind: 'booked' | 'called-off'; readonly gid: string };

/**
 * Couriers. A slow one is "not done yet" until he is there; that he was called is durable like
 * everything else.
 */
export const deliveryService: ServiceDefinition<DeliveryState, DeliveryEffect, Order> = {
  name: 'delivery',
  initial: { booked: [], couriers: {} },
  apply(state, effect) {
    const booked = state.booked.filter((gid) => gid !== effect.gid);
    const { [effect.gid]: _comes, ...couriers } = state.couriers;
    switch (effect.kind) {
      case 'called':
        return { booked, couriers: { ...couriers, [effect.gid]: effect.comesAtMs } };
      case 'booked':
        return { booked: [...booked, effect.gid], couriers };
      case 'called-off':
        return { booked, couriers };
    }
  },
  branches: {
    book: async (ledger, call) => {
      await waitForCourier(ledger, call);
      await ledger.settle(call, () => ({ kind: 'booked', gid: call.gid }));
    },
    'call-off': (ledger, call) => ledger.settle(call, () => ({ kind: 'called-off', gid: call.gid })),
  },
};

const waitForCourier: BranchWork<DeliveryState, DeliveryEffect, Order> = async (ledger, { gid, payload }) => {
  if (payload.courierMs === 0 || ledger.state.booked.includes(gid)) return;
  const comesAtMs = Date.now() + payload.courierMs;
  await ledger.record(({ couriers }) => (gid in couriers ? undefined : { kind: 'called', gid, comesAtMs }));
  const leftMs = (ledger.state.couriers[gid] ?? 0) - Date.now();
  if (leftMs > 0) throw new BranchOngoing(`the courier comes in ${Math.ceil(leftMs / 1_000)} s`);
};
