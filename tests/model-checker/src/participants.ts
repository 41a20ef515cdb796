import { OPS, type Scenario } from './scenario.ts';

/** The facts about one branch, from the participant's point of view. */
export interface Facts {
  /** Ops that a node sent (forward ops of TCC, XA and workflow: that the client sent). */
  readonly sent: Set<string>;
  /** Ops that the participant completed: it did the work, or found nothing to do. */
  readonly completed: Set<string>;
  did: number;
  undid: number;
  confirmed: number;
}

const ORIGIN_OF: Readonly<Record<string, string>> = { cancel: 'try', compensate: 'action', rollback: 'action' };

/** The services behind the branches, each with its data and the barrier of the protocol page. */
export class Participants {
  readonly facts = new Map<string, Facts>();
  readonly barrier = new Set<string>();
  /** Message: whether the client's local transaction is committed. */
  localCommitted = false;
  readonly #scenario: Scenario;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  of(branchId: string): Facts {
    let facts = this.facts.get(branchId);
    if (facts === undefined) {
      facts = { sent: new Set(), completed: new Set(), did: 0, undid: 0, confirmed: 0 };
      this.facts.set(branchId, facts);
    }
    return facts;
  }

  /** A call arrives: the business data and the barrier's rows commit together. */
  work(branchId: string, op: string): void {
    const facts = this.of(branchId);
    const { forward, confirm, undo } = OPS[this.#scenario.pattern];
    facts.completed.add(op);
    const origin = ORIGIN_OF[op];
    const empty = origin !== undefined && this.#inserted(branchId, origin);
    if (!this.#inserted(branchId, op) || empty) return;
    if (op === forward) facts.did++;
    else if (op === confirm) facts.confirmed++;
    else if (op === undo) facts.undid++;
  }

  hasRun(branchId: string, op: string): boolean {
    return this.barrier.has(`${branchId} ${op}`);
  }

  /** Commits the client's local transaction, unless a check-back came first. */
  commitLocally(): boolean {
    if (!this.#inserted('00', 'msg')) return false;
    this.localCommitted = true;
    return true;
  }

  /** Whether the local transaction was committed; if not, it never will be. */
  checkLocally(): boolean {
    this.barrier.add('00 msg');
    return this.localCommitted;
  }

  #inserted(branchId: string, op: string): boolean {
    const row = `${branchId} ${op}`;
    if (this.barrier.has(row)) return false;
    this.barrier.add(row);
    return true;
  }
}
