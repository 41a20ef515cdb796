import type { Evidence } from '../src/evidence.ts';
import type { JournalLine, Placed } from '../src/journal.ts';
import { judge, type Judged } from '../src/judge.ts';
import type { ClientResponse, ClientCall, Note } from '../src/notes.ts';
import { madeFor } from '../src/participant-urls.ts';
import { NO_FAULT } from '../src/fault.ts';
import type { BranchPlan, MessagePlan, Plan, SagaPlan, TccPlan, WorkflowPlan } from '../src/plan.ts';
import type { SecurityEvidence } from '../src/secured/security-judge.ts';

/** Hand-written journals of one run, in the order in which things happen. */
export class Story {
  readonly #journal: Placed<JournalLine>[] = [];
  readonly #notes: Placed<Note>[] = [];
  readonly #unfinished = new Set<string>();
  #bytes = 0;
  #security: SecurityEvidence | undefined;

  /** From now on calls are signed; in the times of doubt, tokens may be invalid. */
  secured(doubts: SecurityEvidence['doubts'] = []): this {
    this.#security = { doubts };
    return this;
  }

  /** A client begins. */
  planned(plan: Plan): this {
    return this.#note({ kind: 'planned', gid: plan.gid, plan, atMs: this.#bytes });
  }

  /** A response of the coordinator to a client. */
  responded(gid: string, call: ClientCall, response: Partial<ClientResponse> = {}, repeated = false): this {
    const whole = { outcome: 'success', status: '', waited: false, ...response } as const;
    return this.#note({ kind: 'responded', gid, call, response: whole, repeated, journalBytes: this.#bytes });
  }

  /** A call of a participant; by default at the URL made for it. */
  called(gid: string, branchId: string, op: string, url = madeFor({ gid, branchId, op })): this {
    return this.#line({
      ...(this.#security !== undefined && { signedBy: 'hmac' }),
      kind: 'call',
      gid,
      branchId,
      op,
      madeFor: url,
      from: '127.0.0.1',
      protocol: 'http',
      atMs: this.#bytes,
    });
  }

  /** A participant receives a call without a valid signature. */
  unverified(gid: string, branchId: string, op: string): this {
    const call = { gid, branchId, op, from: '127.0.0.1', protocol: 'http' } as const;
    return this.#line({ kind: 'unverified', ...call, reason: 'not signed', atMs: this.#bytes });
  }

  /** A participant is called and changes its data. */
  effect(gid: string, branchId: string, op: string, change = { account: `account-${branchId}`, amount: 10 }): this {
    this.called(gid, branchId, op);
    return this.#line({ kind: 'commit', gid, branchId, op, rows: [], skipped: '', effect: change });
  }

  /** A participant is called, and its barrier leaves the work out. */
  skipped(gid: string, branchId: string, op: string, why: 'empty' | 'repeated'): this {
    this.called(gid, branchId, op);
    return this.#line({ kind: 'commit', gid, branchId, op, rows: [], skipped: why, effect: null });
  }

  /**
   * The coordinator still reports the transaction as unfinished when the waiting time has expired.
   */
  unfinished(gid: string): this {
    this.#unfinished.add(gid);
    return this;
  }

  judge(): readonly Judged[] {
    const evidence: Evidence = { journal: this.#journal, notes: this.#notes, unfinished: this.#unfinished };
    return judge(this.#security === undefined ? evidence : { ...evidence, security: this.#security });
  }

  /** The violations found, as `kind gid`. */
  found(): readonly string[] {
    return this.judge().flatMap(({ violations }) => violations.map(({ kind, gid }) => `${kind} ${gid}`));
  }

  #note(line: Note): this {
    this.#notes.push({ line, text: JSON.stringify(line), endByte: this.#notes.length });
    return this;
  }

  #line(line: JournalLine): this {
    this.#bytes += 100;
    this.#journal.push({ line, text: JSON.stringify(line), endByte: this.#bytes });
    return this;
  }
}

const common = { number: 0, freshGid: false, waitResult: false, impatient: false, submission: 'http' } as const;

export function saga(gid: string, steps: number, more: Partial<SagaPlan> = {}): SagaPlan {
  const plan = { pattern: 'saga', flavour: 'plain', concurrent: false, orders: {} } as const;
  return { ...common, ...plan, gid, branches: branches(steps), ...more };
}

export function tcc(gid: string, count: number, more: Partial<TccPlan> = {}): TccPlan {
  return { ...common, pattern: 'tcc', flavour: 'submit', diesAfter: 100, gid, branches: branches(count), ...more };
}

export function message(gid: string, steps: number, more: Partial<MessagePlan> = {}): MessagePlan {
  const sender = { account: 'account-00', amount: 10 };
  const plan = {
    pattern: 'msg',
    flavour: 'submit',
    concurrent: false,
    sender,
    checkFault: NO_FAULT,
    checkProtocol: 'http',
  } as const;
  return { ...common, ...plan, gid, branches: branches(steps), ...more };
}

export function workflow(gid: string, steps: number, more: Partial<WorkflowPlan> = {}): WorkflowPlan {
  const plan = { pattern: 'workflow', flavour: 'plain', diesBefore: 100, callbackProtocol: 'http' } as const;
  return { ...common, ...plan, gid, branches: branches(steps), ...more };
}

function branches(count: number): readonly BranchPlan[] {
  return Array.from({ length: count }, (_, index) => {
    const branchId = `0${index + 1}`;
    return { branchId, account: `account-${branchId}`, amount: 10, protocol: 'http', faults: {} };
  });
}
