import type { TransactionKey } from '@holdfast/protocol';
import type { StoredTransaction } from '@holdfast/core';
import type { BranchPlan, Plan } from './plan.ts';

/** What really happened to one branch: seen from its participant and from the network. */
export class BranchFacts {
  readonly plan: BranchPlan;
  /** Calls that coordinators started, by op. */
  readonly sent = new Map<string, number>();
  /** Calls that reached the participant. */
  readonly arrived = new Map<string, number>();
  /** Calls that the participant completed: it did the work, or found it done or not needed. */
  readonly completed = new Map<string, number>();
  /** How often its effect was made, undone and confirmed. */
  did = 0;
  undid = 0;
  confirmed = 0;

  constructor(plan: BranchPlan) {
    this.plan = plan;
  }
}

export type Ack = 'prepare' | 'submit' | 'abort' | 'stop' | 'abort-order' | 'finish-succeed' | 'finish-failed';

/** Everything there is to know about one transaction, beside what the coordinator says of it. */
export class Case {
  readonly key: TransactionKey;
  readonly plan: Plan;
  /** Time-out that applies when the plan has none. */
  readonly defaultTimeoutMs: number;
  readonly branches: ReadonlyMap<string, BranchFacts>;
  /** Rows of the barrier in the participants' databases. */
  readonly barrier = new Set<string>();
  /** The record as it is in the store now. */
  record: StoredTransaction | undefined;
  /** It was purged after its end. */
  purged = false;
  /** What callers were told. */
  readonly acks = new Set<Ack>();
  /** Keys of the registrations that were acknowledged. */
  readonly registered = new Set<string>();
  /** What reached a coordinator: orders of the client and of operators, whether answered or not. */
  readonly asked = new Set<
    'submit' | 'abort' | 'stop' | 'retry' | 'abort-order' | 'finish-succeed' | 'finish-failed'
  >();
  /** Simulated time at which the first request about it reached a coordinator, and the first submit. */
  firstAskedMs = Infinity;
  firstSubmitMs = Infinity;
  /** What branches answered to coordinators. */
  failuresHeard = 0;
  uncertainHeard = 0;
  /** What the client answered to the coordinator's question about its local transaction. */
  checkedSuccess = false;
  checkedFailure = false;
  localCommitted = false;

  constructor(key: TransactionKey, plan: Plan, defaultTimeoutMs: number) {
    this.defaultTimeoutMs = defaultTimeoutMs;
    this.key = key;
    this.plan = plan;
    this.branches = new Map(plan.branches.map((branch) => [branch.branchId, new BranchFacts(branch)]));
  }

  get stopped(): boolean {
    return this.asked.has('stop');
  }
}

export const count = (map: Map<string, number>, name: string): void => void map.set(name, (map.get(name) ?? 0) + 1);

/** All transactions of a run, by namespace and gid. */
export class Cases {
  readonly #byId = new Map<string, Case>();
  /** Those in the store that are not final. */
  readonly unfinished = new Set<Case>();

  add(one: Case): Case {
    this.#byId.set(idOf(one.key), one);
    return one;
  }

  find(key: TransactionKey): Case | undefined {
    return this.#byId.get(idOf(key));
  }

  all(): IterableIterator<Case> {
    return this.#byId.values();
  }
}

/** Namespaces and gids of the simulation hold no slash. */
const idOf = (key: TransactionKey): string => `${key.namespace}/${key.gid}`;

/** As it is written in traces; transactions outside the default namespace show it. */
export const nameOf = (key: TransactionKey): string =>
  key.namespace === 'default' ? key.gid : `${key.namespace}/${key.gid}`;
