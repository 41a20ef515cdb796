import type { HoldfastError, Pattern } from '@holdfast/protocol';
import type { BranchRegistration, CallContext, TransactionInput } from '@holdfast/core';
import type { Engine } from '@holdfast/core/engine';
import { type Case, nameOf } from '../parts/case.ts';
import { OPS_OF, type Plan, type TwoPhasePlan } from '../parts/plan.ts';
import { bytesOf, type ClientTools } from './client.ts';
import { messageInput } from './message-client.ts';
import { sagaInput } from './saga-client.ts';
import { registrationOf, twoPhaseInput } from './two-phase-client.ts';
import { workflowInput } from './workflow-client.ts';

const PATTERNS: readonly Pattern[] = ['saga', 'tcc', 'xa', 'msg', 'workflow'];

/** A request that must be rejected in every state. */
interface Contradiction {
  readonly what: string;
  readonly call: (engine: Engine, context: CallContext) => Promise<unknown>;
}

/**
 * Clients with a bug: they repeat requests, or use the gid of an existing transaction for different
 * content. Each acts only on an existing record: the first content under a gid is the valid one.
 */
export class Contradictor {
  readonly #tools: ClientTools;

  constructor(tools: ClientTools) {
    this.#tools = tools;
  }

  /** Sends one request about one transaction. */
  async act(one: Case): Promise<void> {
    if (one.record === undefined) return;
    const kind = this.#tools.random.weighted({ repeat: 3, content: 3, pattern: 3, branch: 3 });
    if (kind === 'repeat') return this.#repeat(one);
    const contradiction =
      kind === 'content'
        ? this.#otherContent(one)
        : kind === 'pattern'
          ? this.#otherPattern(one)
          : this.#wrongBranch(one);
    await this.#contradict(one, contradiction);
  }

  /** The same content again must get the response that the first submission would get now. */
  async #repeat(one: Case): Promise<void> {
    const { acks, counters } = this.#tools;
    const input = inputOf(one);
    const submits = one.plan.pattern === 'saga' || one.requested.has('submit');
    let before = one.record?.status;
    await this.#request(one, submits ? 'repeated submit' : 'repeated prepare', {
      call: async (engine, context) => {
        before = one.record?.status;
        if (submits) return engine.submit(context, submissionOf(one.plan, input));
        await (input.pattern === 'workflow' ? engine.prepareWorkflow(context, input) : engine.prepare(context, input));
        return undefined;
      },
      done: (outcome) => {
        counters.count('repeats acknowledged');
        if (outcome === undefined) acks.prepared(one);
        else acks.repeated(one, outcome, before);
      },
      refused: (error) => {
        counters.count('repeats rejected');
        acks.refused(one, submits ? 'submit' : input.pattern === 'workflow' ? 'prepare workflow' : 'prepare', error);
      },
    });
  }

  #otherContent(one: Case): Contradiction {
    const { random } = this.#tools;
    const input = inputOf(one);
    const { pattern } = input;
    const other = { ...input, ...random.pick(variationsOf(input)) };
    if (pattern === 'workflow')
      return { what: 'another workflow', call: (engine, context) => engine.prepareWorkflow(context, other) };
    const submits = pattern === 'saga' || (one.plan.pattern === 'msg' && one.plan.direct);
    if (pattern === 'msg' && !submits && random.chance(0.5)) {
      // The submission of a prepared message has its own options, but not other steps.
      const steps = { ...input, ...random.pick(otherSteps(input)) };
      return { what: 'a submit of other steps', call: (engine, context) => engine.submit(context, steps) };
    }
    if (submits)
      return {
        what: 'a submit of other content',
        call: (engine, context) => engine.submit(context, submissionOf(one.plan, other)),
      };
    return { what: 'a prepare of other content', call: (engine, context) => engine.prepare(context, other) };
  }

  #otherPattern(one: Case): Contradiction {
    const { random } = this.#tools;
    const { gid } = one.key;
    const pattern = random.pick(PATTERNS.filter((other) => other !== one.plan.pattern));
    const input: TransactionInput = { gid, pattern };
    switch (random.pick(['submit', 'prepare', 'abort', 'finish'])) {
      case 'submit':
        return { what: `a submit as ${pattern}`, call: (engine, context) => engine.submit(context, input) };
      case 'prepare':
        return { what: `a prepare as ${pattern}`, call: (engine, context) => engine.prepare(context, input) };
      case 'abort':
        return {
          what: `an abort as ${pattern}`,
          call: (engine, context) => engine.abort(context, { gid, pattern, reason: 'of another pattern' }),
        };
      default:
        return one.plan.pattern === 'workflow'
          ? this.#otherContent(one)
          : {
              what: 'an end as a workflow',
              call: (engine, context) =>
                engine.finishWorkflow(context, { gid, status: 'succeed', rollbackReason: '', result: '' }),
            };
    }
  }

  /**
   * A registration for another pattern, after the decision, or of another call under a name in use.
   */
  #wrongBranch(one: Case): Contradiction {
    const { random, counters } = this.#tools;
    const { gid } = one.key;
    const { plan } = one;
    const register = (what: string, pattern: Pattern, branches: BranchRegistration[]): Contradiction => ({
      what,
      call: (engine, context) => engine.registerBranch(context, { gid, pattern, branches }),
    });
    if (plan.pattern === 'tcc' || plan.pattern === 'xa') {
      const known = takenBranch(one, plan);
      if (known !== undefined && random.chance(0.5)) {
        const others = known.map((branch) => ({ ...branch, url: `${branch.url}/other` }));
        counters.count('registrations of other calls');
        return register('a registration of another call', plan.pattern, others);
      }
      if (one.record?.status !== 'prepared') {
        counters.count('registrations after the decision');
        return register('a registration after the decision', plan.pattern, strangeBranch(plan.pattern));
      }
    }
    const pattern = random.pick((['tcc', 'xa', 'workflow'] as const).filter((other) => other !== plan.pattern));
    counters.count('registrations of another pattern');
    return register(`a registration as ${pattern}`, pattern, strangeBranch(pattern));
  }

  async #contradict(one: Case, { what, call }: Contradiction): Promise<void> {
    const { acks, counters } = this.#tools;
    await this.#request(one, what, {
      call,
      done: () => acks.contradicted(one, what),
      refused: (error) => {
        counters.count('contradictions rejected');
        acks.contradictionRefused(one, what, error);
      },
    });
  }

  async #request<T>(
    one: Case,
    label: string,
    {
      call,
      done,
      refused,
    }: {
      readonly call: (engine: Engine, context: CallContext) => Promise<T>;
      readonly done: (value: T) => void;
      readonly refused: (error: HoldfastError) => void;
    },
  ): Promise<void> {
    const { gateway, random, nodes } = this.#tools;
    const context = { principal: { id: 'another client', roles: [] }, namespace: one.key.namespace };
    await gateway.request(random.pick(nodes()), {
      gid: nameOf(one.key),
      label,
      call: (engine) => call(engine, context),
      acknowledged: done,
      refused,
    });
  }
}

function inputOf(one: Case): TransactionInput {
  const { plan } = one;
  switch (plan.pattern) {
    case 'saga':
      return sagaInput(one, plan);
    case 'msg':
      return messageInput(one, plan);
    case 'tcc':
    case 'xa':
      return twoPhaseInput(one, plan);
    case 'workflow':
      return workflowInput(one, plan);
  }
}

/** The delay of a message belongs to its submission. */
const submissionOf = (plan: Plan, input: TransactionInput): TransactionInput =>
  plan.pattern === 'msg' ? { ...input, options: { ...input.options, delayMs: plan.delayMs } } : input;

/** Changes, each of which makes the content that of another transaction. */
function variationsOf(input: TransactionInput): Partial<TransactionInput>[] {
  const { pattern, options = {} } = input;
  if (pattern === 'workflow') return [{ workflowName: 'another' }, { workflowData: bytesOf('other') }];
  const timeout = { options: { ...options, timeoutToFailMs: (options.timeoutToFailMs ?? 0) + 1_000 } };
  if (input.steps === undefined) return [timeout];
  return [timeout, ...otherSteps(input), { options: { ...options, concurrent: options.concurrent !== true } }];
}

function otherSteps({ steps = [], payloads = [] }: TransactionInput): Partial<TransactionInput>[] {
  const other = { action: 'http://stock/other', compensate: '' };
  return [
    { payloads: [bytesOf('50'), ...payloads.slice(1)] },
    { steps: [other, ...steps.slice(1)] },
    { steps: [...steps, other], payloads: [...payloads, bytesOf('50')] },
  ];
}

/** A branch whose registration was acknowledged. */
function takenBranch(one: Case, plan: TwoPhasePlan): BranchRegistration[] | undefined {
  const { undo } = OPS_OF[plan.pattern];
  const branch = plan.branches.find(({ branchId }) => one.registered.has(`branch:${branchId}:${undo}`));
  return branch && registrationOf(one, plan, branch);
}

/** A branch that is in no plan. */
const strangeBranch = (pattern: Pattern): BranchRegistration[] =>
  [OPS_OF[pattern].undo, ...(pattern === 'workflow' ? [] : [OPS_OF[pattern].confirm])].map((op) => ({
    branchId: '97',
    op,
    url: `http://stock/strange/${op}`,
    payload: bytesOf('97'),
    status: pattern === 'workflow' ? 'succeed' : 'prepared',
  }));
