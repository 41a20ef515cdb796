import type { WorkflowPlan } from '../parts/plan.ts';
import { type Client, ClientDied } from './client.ts';

/** Heartbeats in one interval of callbacks, as the coordinator states their period. */
const PER_INTERVAL = 3;
/** The longest step, in intervals of callbacks. */
const LONGEST_STEP = 3;

/**
 * Time passes while a step runs: in some seeds more than an interval, in which the code sends
 * heartbeats.
 */
export async function slowly(client: Client, plan: WorkflowPlan): Promise<void> {
  const { slowSteps, world, random } = client.tools;
  if (!slowSteps) return;
  const periods = random.int(0, LONGEST_STEP * PER_INTERVAL);
  for (let i = 0; i < periods; i++) {
    await world.sleep(intervalOf(client, plan) / PER_INTERVAL);
    // As the SDK does, the code does not wait for the response.
    void sendHeartbeat(client, plan).catch((error: unknown) => {
      if (!(error instanceof ClientDied)) throw error;
    });
  }
}

/** A heartbeat of the workflow's code: sent once to any node, and its outcome is ignored. */
export async function sendHeartbeat(client: Client, plan: WorkflowPlan): Promise<void> {
  const { one, tools } = client;
  const { heartbeats } = tools;
  let arrival = heartbeats.arrived(one);
  await client.request(
    'heartbeat',
    (engine, context) => {
      arrival = heartbeats.arrived(one);
      return engine.heartbeat(context, one.key.gid);
    },
    { command: 'heartbeat', done: () => heartbeats.acknowledged(one, arrival, intervalOf(client, plan)) },
    1,
  );
}

const intervalOf = ({ tools }: Client, { retryIntervalMs }: WorkflowPlan): number =>
  retryIntervalMs || tools.retryIntervalMs;
