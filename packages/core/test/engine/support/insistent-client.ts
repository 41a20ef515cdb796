import { type BranchResult, branchResult, HoldfastError, SUCCESS } from '@holdfast/protocol';
import type { BranchRegistration, Coordinator, TransactionInput } from '../../../src/index.ts';
import type { ManualClock } from '../../support/manual-clock.ts';

export const CONTEXT = { principal: { id: 'test', roles: [] }, namespace: 'default' };
const BYTES = new Uint8Array(0);
const RETRY_MS = 200;
const ATTEMPTS = 6;

type End = 'succeed' | 'failed' | undefined;

/** A node, as its client starts it. */
type Node = Coordinator & { readonly start: () => Promise<void> };

/**
 * A client that starts short transactions of every pattern on a node and repeats each request that
 * failed because of a fault.
 */
export class InsistentClient {
  readonly faults: string[] = [];
  /** The end that each transaction is to have; undefined: it depends on what comes first. */
  readonly ends = new Map<string, End>();
  readonly branches = new Map<string, readonly string[]>();
  /** Transactions that are aborted when their client takes too long. */
  readonly #mayExpire = new Set<string>();
  readonly #engine: Node;
  readonly #clock: ManualClock;

  constructor(engine: Node, clock: ManualClock) {
    this.#engine = engine;
    this.#clock = clock;
  }

  async play(): Promise<void> {
    const engine = this.#engine;
    await this.insist('start', () => engine.start());
    await this.insist('topic', () => engine.subscribe(CONTEXT, { topic: 't', url: 'http://s/t', remark: '' }));
    await Promise.all([this.#sagas(), this.#messages(), this.#registered(), this.#workflows(), this.#questions()]);
  }

  async #sagas(): Promise<void> {
    const urls = { action: 'http://s/a', compensate: 'http://s/c' };
    const saga = (gid: string, end: End, options = {}): Promise<void> =>
      this.#submit({ gid, pattern: 'saga', steps: [urls, urls], payloads: [BYTES, BYTES], options }, end);
    await Promise.all([
      saga('plain', 'succeed'),
      saga('rolled back', 'failed'),
      saga('slow', 'succeed').then(() => this.insist('wait', () => this.#engine.wait(CONTEXT, 'slow', 10_000))),
      saga('aborted', undefined),
      saga('retried', 'succeed'),
      saga('concurrent', 'succeed', { concurrent: true }),
      saga('awaited', 'succeed', { waitResult: true }),
      this.#stopped(),
    ]);
  }

  /** Nothing of it is undone. */
  async #stopped(): Promise<void> {
    const gid = 'stopped';
    const steps = [{ action: 'http://s/a', compensate: 'http://s/c' }];
    this.#expect(gid, 'failed', []);
    await this.insist(gid, () => this.#engine.submit(CONTEXT, { gid, pattern: 'saga', steps, payloads: [BYTES] }));
    await this.insist(gid, () => this.#engine.forceStop(CONTEXT, { gid, reason: 'an operator' }));
  }

  async #messages(): Promise<void> {
    const pattern = 'msg';
    const steps = [{ action: 'http://s/a', compensate: '' }];
    const payloads = [BYTES];
    const wanted = { gid: 'asked', pattern, steps, payloads, queryPrepared: 'http://c/q' } as const;
    this.#expect('asked', 'succeed', ['01']);
    await Promise.all([
      this.#submit({ gid: 'message', pattern, steps, payloads }, 'succeed'),
      this.#submit({ gid: 'topic', pattern, steps: [{ action: 'topic://t', compensate: '' }], payloads }, 'succeed'),
      this.insist('asked', () => this.#engine.prepare(CONTEXT, wanted)),
    ]);
  }

  async #registered(): Promise<void> {
    await Promise.all([
      this.#register('tcc', 'tcc', 'succeed'),
      this.#register('cancelled', 'tcc', 'failed'),
      this.#register('xa', 'xa', 'succeed'),
      this.#register('xa rolled back', 'xa', 'failed'),
    ]);
  }

  /** A tcc or xa; without its client, the node aborts it at its timeout. */
  async #register(gid: string, pattern: 'tcc' | 'xa', end: 'succeed' | 'failed'): Promise<void> {
    const ops = pattern === 'tcc' ? ['cancel', 'confirm'] : ['rollback', 'commit'];
    const branches = ops.map((op): BranchRegistration => ({
      branchId: '01',
      op,
      url: 'http://s/b',
      payload: BYTES,
      status: 'prepared',
    }));
    this.#expect(gid, end, ['01']);
    this.#mayExpire.add(gid);
    await this.insist(gid, () => this.#engine.prepare(CONTEXT, { gid, pattern }));
    await this.insist(gid, () => this.#engine.registerBranch(CONTEXT, { gid, pattern, branches }));
    await this.insist(gid, () =>
      end === 'succeed'
        ? this.#engine.submitPrepared(CONTEXT, { gid, pattern })
        : this.#engine.abort(CONTEXT, { gid, pattern, reason: 'a try failed' }),
    );
  }

  async #workflows(): Promise<void> {
    for (const [gid, end] of [
      ['w', 'succeed'],
      ['w failed', 'failed'],
    ] as const) {
      this.#expect(gid, end, []);
      const input = { gid, pattern: 'workflow', workflowName: 'transfer', queryPrepared: 'http://c/w' } as const;
      await this.insist(gid, () => this.#engine.prepareWorkflow(CONTEXT, input));
    }
  }

  /** The program of a workflow, called back. */
  async endWorkflow(gid: string): Promise<BranchResult> {
    const step = { branchId: '01', op: 'action', url: '', payload: BYTES, status: 'succeed' } as const;
    const status = gid === 'w failed' ? 'failed' : 'succeed';
    try {
      await this.#engine.registerBranch(CONTEXT, { gid, pattern: 'workflow', branches: [step] });
      await this.#engine.finishWorkflow(CONTEXT, { gid, status, rollbackReason: '', result: '' });
      return SUCCESS;
    } catch (error) {
      return branchResult('UNKNOWN', String(error));
    }
  }

  async #questions(): Promise<void> {
    const engine = this.#engine;
    await Promise.all([
      this.insist('gid', async () => engine.newGid()),
      this.insist('ready', () => engine.ready()),
      this.insist('list', () => engine.list(CONTEXT, { limit: 10 })),
      this.insist('counts', () => engine.counts(CONTEXT)),
      this.insist('nodes', () => engine.nodes(CONTEXT)),
      this.insist('topics', () => engine.scanKeyValues(CONTEXT, { category: 'topics', limit: 10 })),
      this.insist('topic', () => engine.queryKeyValue(CONTEXT, { category: 'topics', key: 't' })),
      this.insist('waiting', () => engine.retryWaiting(CONTEXT, { laterThanMs: 0, limit: 10 })),
    ]);
    await this.insist('topic', () => engine.subscribe(CONTEXT, { topic: 'other', url: 'http://s/t', remark: '' }));
    await this.insist('no topic', () => engine.deleteTopic(CONTEXT, 'other'));
  }

  async #submit(input: TransactionInput, end: End): Promise<void> {
    const { gid, steps = [] } = input;
    this.#expect(
      gid,
      end,
      steps.map((_, i) => `0${i + 1}`),
    );
    await this.insist(gid, () => this.#engine.submit(CONTEXT, input));
  }

  #expect(gid: string, end: End, branchIds: readonly string[]): void {
    this.ends.set(gid, end);
    this.branches.set(gid, branchIds);
  }

  /** Repeats a request until it succeeds or is rejected for good. */
  async insist(what: string, send: () => Promise<unknown>): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      try {
        await send();
        return;
      } catch (error) {
        if (!(error instanceof HoldfastError)) this.faults.push(`${what}: ${String(error)} is not a HoldfastError`);
        else if (error.code === 'refused' || error.code === 'not_found') {
          // Either the first attempt was carried out and its response lost, or the transaction had
          // reached its timeout before.
          if (attempt === 0) this.faults.push(`${what}: ${error.message}`);
          if (this.#mayExpire.has(what)) this.ends.set(what, undefined);
          return;
        }
      }
      await new Promise<void>((resolve) => this.#clock.setTimer(RETRY_MS, resolve));
    }
    this.faults.push(`${what}: was never carried out`);
  }
}
