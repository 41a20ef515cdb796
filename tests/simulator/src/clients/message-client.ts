import type { CallContext, TransactionInput } from '@holdfast/core';
import type { Engine } from '@holdfast/core/engine';
import { payloadFor } from '../check/call-watch.ts';
import { commitLocally } from '../parts/barrier.ts';
import type { Case } from '../parts/case.ts';
import { type MessagePlan, urlOf } from '../parts/plan.ts';
import { bytesOf, type Client } from './client.ts';
import { optionsOf } from './input.ts';

/**
 * A two-phase message: prepares, commits its local transaction or not, submits; unless it dies
 * before.
 */
export async function runMessage(client: Client, plan: MessagePlan): Promise<void> {
  const { one, tools } = client;
  const input = messageInput(one, plan);
  if (plan.direct) {
    one.localCommitted = true;
    return submit(client, plan, input);
  }
  const prepared = await client.request('prepare', (engine, context) => engine.prepare(context, input), {
    command: 'prepare',
    done: () => tools.acks.prepared(one),
  });
  if (prepared.kind !== 'done') return;
  await tools.world.sleep(tools.random.delayMs(tools.random.pick([20, 2_000])));
  client.step();
  if (plan.commits && commitLocally(one)) return submit(client, plan, input);
  const abort = (engine: Engine, context: CallContext) => {
    one.requested.add('abort');
    return engine.abort(context, { gid: one.key.gid, pattern: 'msg', reason: 'rolled back locally' });
  };
  await client.request('abort', abort, { command: 'abort', done: () => tools.acks.aborted(one) });
}

async function submit(client: Client, plan: MessagePlan, input: TransactionInput): Promise<void> {
  const { one, tools } = client;
  const call = (engine: Engine, context: CallContext) => {
    one.requested.add('submit');
    one.firstSubmitMs = Math.min(one.firstSubmitMs, tools.world.nowMs);
    return engine.submit(context, { ...input, options: { ...input.options, delayMs: plan.delayMs } });
  };
  await client.request('submit', call, {
    command: 'submit',
    done: (outcome) => tools.acks.submitted(one, outcome),
  });
}

/** The transaction that the client prepares or submits. */
export function messageInput(one: Case, plan: MessagePlan): TransactionInput {
  const { gid } = one.key;
  const steps = new Map(plan.branches.map((branch) => [branch.branchId.split('-')[0] ?? '', branch]));
  return {
    gid,
    pattern: 'msg',
    steps: [...steps.values()].map(({ service, branchId, topic }) => ({
      action: topic === undefined ? urlOf(plan, service, gid, branchId, 'action') : `topic://${topicName(topic)}`,
      compensate: '',
    })),
    payloads: [...steps.values()].map((branch) => bytesOf(payloadFor(one, branch))),
    queryPrepared: urlOf(plan, 'clients', gid, '00', 'msg'),
    options: { ...optionsOf(plan), concurrent: plan.concurrent },
  };
}

/** A subscriber's URL is `http://service/topic/NAME/n`. */
const topicName = (url: string): string => url.split('/')[4] ?? '';
