import type { Action } from './action.ts';
import type { ModelNode } from './model-node.ts';
import type { Participants } from './participants.ts';
import type { Outcome, Requests } from './requests.ts';
import { branchId, OPS, type Scenario } from './scenario.ts';

/**
 * The client of a saga, message, TCC or XA: performs its steps one after the other, each request at
 * either node, and may stop for good after any of them.
 */
export class Client {
  readonly #scenario: Scenario;
  readonly #participants: Participants;
  readonly #requests: Requests;
  readonly #steps: readonly string[];
  #at = 0;
  #waits = false;
  /** The outcome of the last request is unknown. */
  #unclear = false;
  #over = false;
  #late: 'not sent' | 'sent' = 'not sent';

  constructor(scenario: Scenario, participants: Participants, requests: Requests) {
    this.#scenario = scenario;
    this.#participants = participants;
    this.#requests = requests;
    this.#steps = stepsOf(scenario);
  }

  /** The part of the client's state that affects its future. */
  get state(): readonly unknown[] {
    return [this.#at, this.#waits, this.#unclear, this.#over, this.#late];
  }

  actions(nodes: readonly ModelNode[]): Action[] {
    const actions: Action[] = [];
    const everywhere = (label: string, run: (node: ModelNode) => void, spends?: Action['spends']): void => {
      for (const node of nodes)
        actions.push({
          label: `client: ${label} at ${node.name}`,
          voluntary: true,
          run: () => run(node),
          ...(spends !== undefined && { spends }),
        });
    };
    const prepared = this.#steps[0] === 'prepare' && this.#at > 0;
    if (prepared && this.#late === 'not sent' && OPS[this.#scenario.pattern].confirm !== '')
      everywhere('registers one more branch', (node) => this.#registerLate(node), 'lateBranches');
    if (this.#waits || this.#over) return actions;
    const next = this.#steps[this.#at];
    if (next === undefined) {
      everywhere('submits again', (node) => this.#send(node, 'submit'), 'repeats');
      return actions;
    }
    const spends = this.#unclear ? 'repeats' : undefined;
    if (next === 'prepare' || next === 'submit') everywhere(`${next}s`, (node) => this.#send(node, next), spends);
    else if (next.startsWith('register'))
      everywhere(`${next}s`, (node) => this.#register(node, next.slice(-2)), spends);
    else actions.push({ label: `client: ${next}`, voluntary: true, run: () => this.#locally(next) });
    const mayAbort = prepared && next !== 'prepare' && (this.#scenario.pattern !== 'msg' || next === 'commit locally');
    if (mayAbort) everywhere('aborts', (node) => this.#abort(node), spends);
    return actions;
  }

  #settled(outcome: Outcome): void {
    this.#waits = false;
    this.#unclear = outcome === 'unclear';
    if (outcome === 'done') this.#at++;
    if (outcome === 'refused') this.#over = true;
  }

  #send(node: ModelNode, what: 'prepare' | 'submit'): void {
    this.#waits = true;
    this.#requests.create(node, what, (outcome) => this.#settled(outcome));
  }

  #register(node: ModelNode, id: string): void {
    this.#waits = true;
    this.#requests.register(node, id, {}, (outcome) => this.#settled(outcome));
  }

  #registerLate(node: ModelNode): void {
    this.#late = 'sent';
    this.#requests.register(node, branchId(this.#scenario.branches), {}, () => {});
  }

  #abort(node: ModelNode): void {
    this.#waits = true;
    // A local transaction that was rolled back never commits later.
    if (this.#scenario.pattern === 'msg') this.#participants.checkLocally();
    const event = { kind: 'abort', reason: 'the client aborted', byOperator: false } as const;
    this.#requests.command(
      node,
      event,
      'abort',
      this.#scenario.pattern === 'msg' ? 'check failure' : 'abort',
      (outcome) => {
        this.#waits = false;
        this.#over = outcome !== 'unclear';
      },
    );
  }

  #locally(step: string): void {
    if (step === 'commit locally') {
      if (this.#participants.commitLocally()) this.#at++;
      else this.#over = true;
      return;
    }
    const id = step.slice(-2);
    const { forward } = OPS[this.#scenario.pattern];
    this.#participants.of(id).sent.add(forward);
    this.#participants.work(id, forward);
    this.#at++;
  }
}

function stepsOf({ pattern, branches, direct }: Scenario): readonly string[] {
  if (pattern === 'msg' && direct !== true) return ['prepare', 'commit locally', 'submit'];
  if (pattern !== 'tcc' && pattern !== 'xa') return ['submit'];
  const each = Array.from({ length: branches }, (_, i) => [`register ${branchId(i)}`, `try ${branchId(i)}`]);
  return ['prepare', ...each.flat(), 'submit'];
}
