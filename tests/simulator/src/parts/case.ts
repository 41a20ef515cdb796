import type { TransactionKey } from '@holdfast/protocol';
import type { StoredTransaction } from '@holdfast/core/store';
import type { BranchPlan, Plan } from './plan.ts';

/** The facts about one branch, from its participant and the network. */
export class BranchFacts {
  readonly plan: BranchPlan;
  /** Calls started by coordinators, by op. */
  readonly sent = new Map<string, number>();
  /** Calls that reached the participant, by op. */
  readonly arrived = new Map<string, number>();
  /**
   * Calls that the participant completed, by op: it did the work, or found it done or unnecessary.
   */
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

/** All facts about one transaction, independent of the coordinator's statements. */
export class Case {
  readonly key: TransactionKey;
  readonly plan: Plan;
  /** The timeout if the plan has none. */
  readonly defaultTimeoutMs: number;
  readonly branches: ReadonlyMap<string, BranchFacts>;
  /** Rows of the barrier in the participants' databases. */
  readonly barrier = new Set<string>();
  /** The current record in the store. */
  record: StoredTransaction | undefined;
  /** Whether the record was purged after it finished. */
  purged = false;
  /** The acknowledgements that callers received. */
  readonly acks = new Set<Ack>();
  /** Keys of the acknowledged registrations. */
  readonly registered = new Set<string>();
  /**
   * Requests and commands of the client and of operators that reached a coordinator, with or
   * without a response.
   */
  readonly requested = new Set<
    'submit' | 'abort' | 'stop' | 'retry' | 'abort-order' | 'finish-succeed' | 'finish-failed'
  >();
  /**
   * Simulated time when the first request about the transaction, and the first submission, reached
   * a coordinator.
   */
  firstRequestedMs = Infinity;
  firstSubmitMs = Infinity;
  /** Numbers of results of branch calls that coordinators received. */
  failuresHeard = 0;
  uncertainHeard = 0;
  /** Workflow: when a callback may start, after the last heartbeat that postponed it. */
  noCallbackBeforeMs = 0;
  /** Whether an operator made what waits due. */
  madeDue = false;
  /** The client's responses to check-backs. */
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
    return this.requested.has('stop');
  }
}

export const count = (map: Map<string, number>, name: string): void => void map.set(name, (map.get(name) ?? 0) + 1);

/** All transactions of a run, by namespace and gid. */
export class Cases {
  readonly #byId = new Map<string, Case>();
  /** Stored transactions that are not finished. */
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

/** Namespaces and gids of the simulation contain no slash. */
const idOf = (key: TransactionKey): string => `${key.namespace}/${key.gid}`;

/** The transaction's name in traces, with the namespace unless it is the default one. */
export const nameOf = (key: TransactionKey): string =>
  key.namespace === 'default' ? key.gid : `${key.namespace}/${key.gid}`;
