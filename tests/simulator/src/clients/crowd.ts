import type { Case } from '../parts/case.ts';
import { Client, ClientDied, type ClientTools } from './client.ts';
import { runMessage } from './message-client.ts';
import { Contradictor } from './contradictor.ts';
import { Operator } from './operator.ts';
import { runSaga } from './saga-client.ts';
import { runTwoPhase } from './two-phase-client.ts';
import { respondToCallback, runWorkflow } from './workflow-client.ts';
import type { Reply } from '../parts/participants.ts';

/** All clients and operators of a run. */
export class Crowd {
  readonly #tools: ClientTools;
  readonly #operator: Operator;
  readonly #contradictor: Contradictor;
  #busy = 0;

  constructor(tools: ClientTools) {
    this.#tools = tools;
    this.#operator = new Operator(tools);
    this.#contradictor = new Contradictor(tools);
  }

  /** Number of scripts in progress. */
  get busy(): number {
    return this.#busy;
  }

  /** Starts the clients of a transaction. */
  begin(one: Case): void {
    const { plan } = one;
    this.#tools.counters.count(`transactions ${plan.pattern}`);
    const clients = plan.pattern === 'saga' ? plan.clients : 1;
    for (let i = 0; i < clients; i++) this.#start(() => run(new Client(this.#tools, one, plan.diesAfter)));
  }

  /** The coordinator calls back a workflow's client. */
  callback(one: Case, reply: Reply): void {
    const { plan } = one;
    if (plan.pattern === 'workflow')
      this.#start(() => respondToCallback(new Client(this.#tools, one, Infinity), plan, reply));
  }

  /** An operator acts on a transaction. */
  interfere(one: Case): void {
    this.#start(() => this.#operator.act(one));
  }

  /** A client with a bug uses the gid of an existing transaction. */
  contradict(one: Case): void {
    this.#start(() => this.#contradictor.act(one));
  }

  /** An operator retries a parked transaction. */
  retry(one: Case): void {
    this.#start(() => this.#operator.retry(one));
  }

  #start(script: () => Promise<void>): void {
    this.#busy++;
    void script()
      .catch((error: unknown) => {
        if (!(error instanceof ClientDied)) throw error;
      })
      .finally(() => this.#busy--);
  }
}

async function run(client: Client): Promise<void> {
  const { plan } = client.one;
  switch (plan.pattern) {
    case 'saga':
      return runSaga(client, plan);
    case 'tcc':
    case 'xa':
      return runTwoPhase(client, plan);
    case 'msg':
      return runMessage(client, plan);
    case 'workflow':
      return runWorkflow(client, plan);
  }
}
