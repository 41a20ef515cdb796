import { CHECK_BRANCH_ID, branchResult, type BranchResult, isFinal, SUCCESS } from '@holdfast/protocol';
import type { BranchRequest } from '@holdfast/core';
import type { Action } from './action.ts';
import { Client } from './client.ts';
import { Judge } from './judge.ts';
import { EPOCH_MS, type ModelTime } from './manual-clock.ts';
import { isFlush, ModelNode, SILENCE_MS } from './model-node.ts';
import { Participants } from './participants.ts';
import { Requests } from './requests.ts';
import { type Budget, KEY, OPS, type Scenario } from './scenario.ts';
import { SharedStore } from './shared-store.ts';
import type { Fault, FaultyCall } from './store-port.ts';
import { WorkflowCode } from './workflow-code.ts';

/** A branch call in flight. */
export interface Call {
  readonly session: string;
  readonly branchId: string;
  readonly op: string;
  readonly node: ModelNode;
  /** Undefined: its caller no longer waits, but the request may still arrive. */
  respond: ((result: BranchResult) => void) | undefined;
  /** Workflow: the execution of the code that the call started. */
  code: WorkflowCode | undefined;
}

const UNKNOWN = branchResult('UNKNOWN', 'no response');
const FAILURE = branchResult('FAILURE', 'refused');
/** Maximum number of executions of a workflow's code along one path. */
const MAX_CODES = 2;

/**
 * One state of the model with its possible actions: two nodes, their store, the participants and
 * the client.
 */
export class World {
  readonly scenario: Scenario;
  readonly time: ModelTime = { nowMs: 0 };
  readonly participants: Participants;
  readonly judge: Judge;
  readonly store: SharedStore;
  readonly requests: Requests;
  readonly nodes: ModelNode[] = [];
  readonly calls: Call[] = [];
  readonly codes: WorkflowCode[] = [];
  readonly client: Client | undefined;
  /** The remaining budget. */
  readonly left: Record<keyof Budget, number>;
  #incarnations = 0;
  #made: ReadonlySet<FaultyCall> = new Set();

  constructor(scenario: Scenario) {
    this.scenario = scenario;
    this.left = { ...scenario.budget };
    this.participants = new Participants(scenario);
    this.judge = new Judge(scenario, this.participants, this.time);
    this.store = new SharedStore(this.time, KEY, (before, after) => this.judge.changed(before, after));
    this.requests = new Requests(scenario, this.judge, this.store);
    if (scenario.pattern === 'workflow') this.#startCode('client', 'start');
    else this.client = new Client(scenario, this.participants, this.requests);
  }

  async start(): Promise<void> {
    for (const name of ['A', 'B']) this.nodes.push(await this.#boot(name));
  }

  async #boot(name: string): Promise<ModelNode> {
    const node = new ModelNode(name, ++this.#incarnations, {
      time: this.time,
      store: this.store,
      call: (caller, request) => this.#called(caller, request),
    });
    await node.start();
    return node;
  }

  /**
   * Takes one action by its label; ` ! ` followed by a call and a fault makes the first such store
   * call fail.
   */
  async take(label: string): Promise<void> {
    const [name = '', fault] = label.split(' ! ');
    const action = this.actions().find((one) => one.label === name);
    if (action === undefined) throw new Error(`no such action: ${name}`);
    const [call, what] = (fault ?? '').split(' ');
    const armed = fault === undefined ? undefined : { call: call as FaultyCall, fault: what as Fault };
    for (const { port } of this.nodes) port.arm(armed);
    if (action.spends !== undefined) this.left[action.spends]--;
    if (fault !== undefined) this.left.store--;
    try {
      await action.run();
      await settled();
    } catch (error) {
      this.judge.violate('DEF1', String(error));
    }
    this.#made = new Set(this.nodes.flatMap(({ port }) => [...port.called]));
    for (const { port } of this.nodes) port.arm(undefined);
    this.#judgeState();
  }

  /** The faulty store calls that the last action made. */
  faultyCalls(): ReadonlySet<FaultyCall> {
    return this.#made;
  }

  actions(): Action[] {
    const actions = [
      ...(this.client?.actions(this.nodes) ?? []),
      ...this.codes.flatMap((code, i) => code.actions(this.nodes[i % 2] ?? this.#first, i === 0)),
      ...this.#callActions(),
      ...this.nodes.flatMap((node) => this.#nodeActions(node)),
      ...this.#commandActions(),
    ].filter(({ spends }) => spends === undefined || this.left[spends] > 0);
    return unique(actions);
  }

  get #first(): ModelNode {
    const [node] = this.nodes;
    if (node === undefined) throw new Error('the world has not started');
    return node;
  }

  #startCode(name: string, at: 'start' | 'view'): WorkflowCode {
    const code = new WorkflowCode(name, at, {
      scenario: this.scenario,
      participants: this.participants,
      requests: this.requests,
      store: this.store,
      time: this.time,
    });
    this.codes.push(code);
    return code;
  }

  // ---- branch calls

  #called(node: ModelNode, { branchId, op, ...request }: BranchRequest): Promise<BranchResult> {
    const session = node.session.id;
    const running = this.calls
      .filter((call) => call.session === session && call.respond !== undefined)
      .map((call) => `${call.branchId} ${call.op}`);
    this.judge.called(session, { branchId, op, ...request }, this.store.record, running);
    return new Promise((resolve) => {
      const call: Call = { session, branchId, op, node, respond: undefined, code: undefined };
      call.respond = (result) => {
        call.respond = undefined;
        if (node.alive) resolve(result);
      };
      this.calls.push(call);
    });
  }

  #remove(call: Call): void {
    this.calls.splice(this.calls.indexOf(call), 1);
  }

  #callActions(): Action[] {
    return this.calls.flatMap((call) =>
      call.branchId === CHECK_BRANCH_ID ? this.#questionActions(call) : this.#branchActions(call),
    );
  }

  #branchActions(call: Call): Action[] {
    const { branchId, op, node, respond } = call;
    const work = (): void => this.participants.work(branchId, op);
    const through = (result: BranchResult | undefined, before = (): void => {}): (() => void) => {
      return () => {
        this.#remove(call);
        before();
        if (result !== undefined) respond?.(result);
      };
    };
    const what = `${branchId} ${op}`;
    if (respond === undefined)
      return [
        { label: `the ${what} that ${call.session} sent arrives late`, voluntary: true, run: through(undefined, work) },
      ];
    const from = `${what} of ${node.name}`;
    const reasonedFailure = (): void => void this.judge.reasons.add('failure');
    const unsure = (): void => this.#unsure();
    const isForward = op === OPS[this.scenario.pattern].forward;
    const actions: Action[] = [
      { label: `${from}: done`, run: through(SUCCESS, work) },
      {
        label: `${from}: done, the response is lost`,
        spends: 'calls',
        run: through(UNKNOWN, () => {
          work();
          unsure();
        }),
      },
      { label: `${from}: the request is lost`, spends: 'calls', run: through(UNKNOWN, unsure) },
      {
        label: `${from}: times out`,
        spends: 'calls',
        run: () => {
          unsure();
          respond(UNKNOWN);
        },
      },
    ];
    if (!isForward) actions.push({ label: `${from}: FAILURE`, spends: 'calls', run: through(FAILURE) });
    else if (this.scenario.pattern === 'msg')
      actions.push({ label: `${from}: FAILURE`, spends: 'refusals', run: through(FAILURE) });
    else if (!this.participants.hasRun(branchId, op))
      actions.push({ label: `${from}: FAILURE`, spends: 'refusals', run: through(FAILURE, reasonedFailure) });
    return actions;
  }

  /** With a retry limit, a response that decides nothing counts. */
  #unsure(): void {
    if ((this.scenario.retryLimit ?? 0) > 0) this.judge.reasons.add('unsure');
  }

  #questionActions(call: Call): Action[] {
    const { respond, node } = call;
    const about = `question of ${node.name}`;
    if (respond === undefined) return this.scenario.pattern === 'workflow' ? this.#callbackActions(call, about) : [];
    if (this.scenario.pattern === 'workflow') {
      const lost: Action = { label: `${about}: no response`, spends: 'calls', run: () => respond(UNKNOWN) };
      return [...this.#callbackActions(call, about), lost];
    }
    return [
      {
        label: `${about}: the client reads the status`,
        run: () => {
          this.#remove(call);
          const committed = this.participants.checkLocally();
          this.judge.reasons.add(committed ? 'check success' : 'check failure');
          respond(committed ? SUCCESS : FAILURE);
        },
      },
      {
        label: `${about}: no response`,
        spends: 'calls',
        run: () => {
          this.#remove(call);
          respond(UNKNOWN);
        },
      },
    ];
  }

  #callbackActions(call: Call, about: string): Action[] {
    const { code } = call;
    const over = (result: BranchResult) => (): void => {
      this.#remove(call);
      call.respond?.(result);
    };
    if (code === undefined) {
      if (this.codes.length < MAX_CODES)
        return [
          { label: `${about}: the code starts`, run: () => void (call.code = this.#startCode('callback', 'view')) },
        ];
      // Beyond the limit of executions the client never responds.
      return [];
    }
    if (!code.over) return [];
    return [{ label: `${about}: the code is over`, run: over(code.ended ? SUCCESS : UNKNOWN) }];
  }

  // ---- nodes

  #nodeActions(node: ModelNode): Action[] {
    const { name, clocks, port, session } = node;
    const { record } = this.store;
    const actions: Action[] = clocks.runs.pending.map((timer) => ({
      label: `${name}: ${isFlush(timer.delayMs) ? 'writes progress' : 'a timer fires'}`,
      run: () => clocks.runs.fire(timer),
    }));
    for (const timer of clocks.committer.pending)
      actions.push({ label: `${name}: writes again`, run: () => clocks.committer.fire(timer) });
    for (const held of port.held)
      actions.push({ label: `${name}: the slow ${held.name} comes to its end`, run: () => held.release() });
    for (const limbo of port.limbo)
      actions.push({
        label: `a write of ${name} arrives late`,
        voluntary: true,
        run: () => {
          port.limbo.splice(port.limbo.indexOf(limbo), 1);
          return limbo.arrive();
        },
      });
    if (!session.leaseHeld())
      actions.push({ label: `${name}: heartbeat`, run: () => clocks.session.fire(clocks.session.pending[0], true) });
    const unfinished = record !== undefined && !isFinal(record.status);
    if (
      unfinished &&
      record.owner === null &&
      record.dueAtMs !== null &&
      clocks.claimer.pending.length > 0 &&
      session.leaseHeld()
    )
      actions.push({ label: `${name}: claims`, run: () => this.#claim(node) });
    if (unfinished && record.owner !== null && !this.#isHeld(record.owner) && session.leaseHeld())
      actions.push({ label: `${name}: takes over`, run: () => this.#takeOver(node) });
    const { run } = node;
    if (run !== undefined && run.phase === 'open' && record !== undefined && record.version > run.version)
      actions.push({ label: `${name}: polls for changes`, run: () => this.#watch(node) });
    if (!node.idle) {
      actions.push({ label: `${name} crashes`, spends: 'crashes', run: () => this.#crash(node) });
      if (session.leaseHeld())
        actions.push({ label: `${name} is paused`, spends: 'pauses', run: () => this.#pause(node) });
    }
    return actions;
  }

  /** Whether the session is that of a node whose lease holds. */
  #isHeld(owner: string): boolean {
    return this.nodes.some(({ session }) => session.id === owner && session.leaseHeld());
  }

  #claim({ clocks }: ModelNode): void {
    const dueAtMs = this.store.record?.dueAtMs ?? 0;
    this.time.nowMs = Math.max(this.time.nowMs, dueAtMs - EPOCH_MS);
    clocks.claimer.fire(clocks.claimer.pending[0], true);
  }

  async #takeOver(node: ModelNode): Promise<void> {
    const owner = this.store.record?.owner ?? '';
    if (this.store.living.has(owner)) {
      // The node observes that the owner's heartbeat stays unchanged.
      node.clocks.janitor.fire(node.clocks.janitor.pending[0], true);
      await settled();
      await this.#passSilence();
    }
    node.clocks.janitor.fire(node.clocks.janitor.pending[0], true);
  }

  /** Time passes while a node does nothing, until its lease has lapsed. */
  async #pause(paused: ModelNode): Promise<void> {
    await this.#passSilence(paused);
  }

  /** More than the silence limit passes; every node except `silent` sends its heartbeats. */
  async #passSilence(silent?: ModelNode): Promise<void> {
    for (let quarters = 0; quarters < 5; quarters++) {
      this.time.nowMs += SILENCE_MS / 4;
      for (const { session, clocks } of this.nodes.filter((node) => node !== silent && node.session.leaseHeld()))
        if (session.leaseHeld()) clocks.session.fire(clocks.session.pending[0], true);
      await settled();
    }
  }

  async #watch({ clocks }: ModelNode): Promise<void> {
    // The first check only records the version.
    for (let looks = 0; looks < 2; looks++) {
      clocks.watcher.fire(clocks.watcher.pending[0], true);
      await settled();
    }
  }

  async #crash(node: ModelNode): Promise<void> {
    node.kill();
    for (const call of this.calls) if (call.node === node) call.respond = undefined;
    for (const request of this.requests.open) if (request.node === node) this.requests.open.delete(request);
    this.nodes[this.nodes.indexOf(node)] = await this.#boot(node.name);
  }

  #commandActions(): Action[] {
    const { record } = this.store;
    if (record === undefined || isFinal(record.status) || this.left.commands === 0) return [];
    const { requests } = this;
    const actions: Action[] = [];
    for (const node of this.nodes) {
      const command = (label: string, run: () => void): void =>
        void actions.push({
          label: `operator: ${label} at ${node.name}`,
          spends: 'commands',
          voluntary: true,
          run: () => {
            this.judge.commanded();
            run();
          },
        });
      command('retry', () => requests.command(node, { kind: 'retry' }, 'retry', undefined, () => {}));
      command('stop', () => requests.command(node, { kind: 'stop', reason: 'an operator' }, 'stop', 'stop', () => {}));
      // An abort of a prepared message would contradict its client; an abort of a submitted message
      // must be rejected.
      if (this.scenario.pattern !== 'msg' || record.status === 'submitted')
        command('abort', () =>
          requests.command(
            node,
            { kind: 'abort', reason: 'by an operator', byOperator: true },
            'abort',
            'abort',
            () => {},
          ),
        );
    }
    return actions;
  }

  #judgeState(): void {
    this.judge.judgeEffects(this.store.record);
    const owner = this.store.record?.owner ?? null;
    const node = this.nodes.find(({ session }) => session.id === owner);
    if (node !== undefined && node.session.leaseHeld() && node.idle)
      this.judge.violate('OWN9', `${owner ?? ''} owns the record, and ${node.name} does not drive it`);
  }
}

/** Resolves when every promise that can continue has done so. */
export const settled = (): Promise<void> => new Promise((resolve) => queueMicrotask(() => process.nextTick(resolve)));

/** Equal labels get a number. */
function unique(actions: readonly Action[]): Action[] {
  const seen = new Map<string, number>();
  return actions.map((action) => {
    const times = (seen.get(action.label) ?? 0) + 1;
    seen.set(action.label, times);
    return times === 1 ? action : { ...action, label: `${action.label} #${times}` };
  });
}
