import type { TransactionInput } from '@holdfast/core';
import { payloadFor } from '../check/call-watch.ts';
import type { Case } from '../parts/case.ts';
import { type SagaPlan, urlOf } from '../parts/plan.ts';
import { bytesOf, type Client } from './client.ts';
import { optionsOf } from './input.ts';

/** Submits a saga until a node accepts it, and sometimes once more. */
export async function runSaga(client: Client, plan: SagaPlan): Promise<void> {
  const { one, tools } = client;
  const submit = (engine: Parameters<Parameters<Client['request']>[1]>[0], context: Client['context']) => {
    one.requested.add('submit');
    return engine.submit(context, sagaInput(one, plan));
  };
  const response = await client.request('submit', submit, {
    command: 'submit',
    done: (outcome) => tools.acks.submitted(one, outcome),
  });
  if (response.kind !== 'done' || !tools.random.chance(0.15)) return;
  await tools.world.sleep(tools.random.between(0, 3_000));
  await client.request('submit again', submit, {
    command: 'submit',
    done: (outcome) => tools.acks.submitted(one, outcome),
  });
}

/** The transaction that the client submits. */
export function sagaInput(one: Case, plan: SagaPlan): TransactionInput {
  const { gid } = one.key;
  return {
    gid,
    pattern: 'saga',
    steps: plan.branches.map(({ service, branchId, lasting }) => ({
      action: urlOf(plan, service, gid, branchId, 'action'),
      compensate: lasting ? '' : urlOf(plan, service, gid, branchId, 'compensate'),
    })),
    payloads: plan.branches.map((branch) => bytesOf(payloadFor(one, branch))),
    orders: plan.orders,
    options: { ...optionsOf(plan), retryLimit: plan.retryLimit, concurrent: plan.concurrent },
  };
}
