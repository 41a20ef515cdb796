import type { BranchPlan, Plan, Protocol } from './plan.ts';
import type { Random } from './random.ts';

/** A plan whose calls have no protocols yet. */
export type WithoutProtocols<P extends Plan> = P extends Plan
  ? Omit<P, 'submission' | 'branches' | 'checkProtocol' | 'callbackProtocol'> & {
      readonly branches: readonly Omit<BranchPlan, 'protocol'>[];
    }
  : never;

const GRPC_SUBMISSIONS = 0.4;

/**
 * Chooses the protocol of each call of a plan. The protocol of the submission does not decide those
 * of the branches: a third of the transactions has gRPC branches only, and a third has both.
 */
export function withProtocols(random: Random, plan: WithoutProtocols<Plan>): Plan {
  const submission: Protocol = random.chance(GRPC_SUBMISSIONS) ? 'grpc' : 'http';
  const share = random.weighted([
    [1, 0],
    [1, 0.5],
    [1, 1],
  ]);
  const one = (): Protocol => (random.chance(share) ? 'grpc' : 'http');
  const branches = plan.branches.map((branch) => ({ ...branch, protocol: one() }));
  switch (plan.pattern) {
    case 'saga':
    case 'tcc':
      return { ...plan, submission, branches };
    case 'msg':
      // The gRPC request has no field for it.
      return {
        ...plan,
        submission,
        branches,
        checkProtocol: one(),
        concurrent: plan.concurrent && submission === 'http',
      };
    case 'workflow':
      return { ...plan, submission, branches, callbackProtocol: one() };
  }
}

/** The protocols of all calls of a transaction. */
export function protocolsOf(plan: Plan): readonly Protocol[] {
  const own = [plan.submission, ...plan.branches.map(({ protocol }) => protocol)];
  if (plan.pattern === 'msg') return [...own, plan.checkProtocol];
  return plan.pattern === 'workflow' ? [...own, plan.callbackProtocol] : own;
}

/** Whether each call of the transaction is made over gRPC. */
export function isGrpcOnly(plan: Plan): boolean {
  return protocolsOf(plan).every((protocol) => protocol === 'grpc');
}
