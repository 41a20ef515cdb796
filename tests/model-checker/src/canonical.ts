import { hash } from 'node:crypto';
import { transactionOf } from '@holdfast/core/engine';
import type { StoredTransaction } from '@holdfast/core/store';
import { EPOCH_MS } from './manual-clock.ts';
import { isFlush, type ModelNode } from './model-node.ts';
import type { World } from './world.ts';

/**
 * Fields that do not affect future behaviour: history, counters that only lengthen an interval,
 * values that are the same in all states.
 */
const LEFT_OUT = new Set([
  'timeline',
  'timelineOmitted',
  'definition',
  'options',
  'payload',
  'key',
  'id',
  'group',
  'attempts',
  'failures',
  'retries',
  'checkFailures',
  'createdAtMs',
  'updatedAtMs',
  'finishedAtMs',
  'submittedAtMs',
  'rollbackAtMs',
  'durationMs',
  'lastResult',
  'rollbackReason',
  'reason',
  'conflicts',
  'url',
]);

const VERSIONS = new Set(['version', 'expectVersion', 'watchedVersion']);

/**
 * A short text for a state of the model: states with the same text have the same futures. Times are
 * represented by their order (all due times are equal), versions by their distance from the
 * record's, write IDs and sessions by which of them are equal.
 */
export function canonical(world: World): string {
  // The nodes are interchangeable, except that each execution of a workflow sends its requests to a
  // given node.
  const { nodes, scenario, store } = world;
  const inOrder =
    scenario.pattern === 'workflow'
      ? nodes
      : nodes.toSorted((a, b) => (summaryOf(a, store.record) < summaryOf(b, store.record) ? -1 : 1));
  return hash('md5', new Canon(world, inOrder).text(), 'base64');
}

/** A cheap summary, equal for nodes in equal states. */
function summaryOf(
  { session, runs, committer, port, clocks }: ModelNode,
  record: StoredTransaction | undefined,
): string {
  const run = runs.registry.all()[0];
  return [
    record?.owner === session.id,
    session.leaseHeld(),
    run?.phase,
    run?.queue.length,
    run?.transaction?.running.join(),
    (run?.version ?? 0) - (record?.version ?? 0),
    committer.outstanding.size,
    port.held.length,
    port.limbo.length,
    clocks.runs.pending.length,
  ].join(' ');
}

class Canon {
  readonly #world: World;
  readonly #nodes: readonly ModelNode[];
  readonly #parts: (string | number)[] = [];
  readonly #names = new Map<string, number>();
  readonly #version: number;
  readonly #nowMs: number;

  constructor(world: World, nodes: readonly ModelNode[]) {
    this.#world = world;
    this.#nodes = nodes;
    this.#version = world.store.record?.version ?? 0;
    this.#nowMs = EPOCH_MS + world.time.nowMs;
  }

  text(): string {
    const { store, scenario, participants, judge, calls, codes, client, requests, left } = this.#world;
    const { record } = store;
    if (record !== undefined) {
      const { state, registered } = transactionOf(record);
      const { status, version, writeId, owner, claims, dueAtMs, attention, entries } = record;
      this.#value({ status, version, writeId, owner, claims: Math.min(claims, 5), dueAtMs, attention, state });
      this.#value([registered.map(({ branchId, op, status: recorded }) => [branchId, op, recorded])]);
      this.#value(
        entries.map(({ key }) => (key.startsWith('order:retry:') ? ['order', key.slice(12)] : key)),
        'entryIds',
      );
      // A fault may make a read return the previous version.
      if (left.store > 0)
        for (const before of store.earlier)
          this.#value(before && { version: before.version, owner: before.owner, writeId: before.writeId });
      if (scenario.timeoutToFailMs !== undefined || scenario.pattern !== 'saga')
        this.#time(record.createdAtMs + (scenario.timeoutToFailMs ?? 100_000));
    }
    for (const node of this.#nodes) this.#node(node);
    const inFlight = calls.map((call) => [
      call.branchId,
      call.op,
      this.#numberOf(call.session),
      call.respond !== undefined,
      call.code?.name ?? '',
    ]);
    this.#value(inFlight.map((call) => call.join(' ')).sort());
    this.#value(codes.map(({ state }) => state));
    this.#value(client?.state);
    this.#value(Object.values(left));
    this.#value([judge.noCallbackMs === 0 ? 0 : this.#nowMs + judge.noCallbackMs], 'noCallbackMs');
    this.#value([...participants.barrier].sort());
    this.#value(
      [...participants.facts]
        .map(([id, { sent, completed, did, undid }]) =>
          [id, did, undid, ...[...sent].sort(), '/', ...[...completed].sort()].join(' '),
        )
        .sort(),
    );
    this.#value([
      [...judge.reasons].sort(),
      [...judge.acks].sort(),
      [...judge.registered].sort(),
      [...requests.open].map(({ what, node }) => `${what} ${this.#nodes.indexOf(node)}`),
    ]);
    return this.#ranked();
  }

  #node({ session, clocks, port, committer, runs }: ModelNode): void {
    this.#value([session.leaseHeld(), this.#world.store.living.has(session.id)]);
    this.#name(session.id);
    for (const run of runs.registry.all()) this.#value(run.snapshot());
    for (const { atMs, delayMs } of clocks.runs.pending) {
      if (isFlush(delayMs)) this.#parts.push('flush');
      else this.#time(EPOCH_MS + atMs);
    }
    this.#value([
      clocks.committer.pending.length,
      clocks.claimer.pending.length,
      runs.doubts.size,
      port.held.map((held) => [held.name, held.stalled]),
    ]);
    for (const held of port.held) this.#value(held.items);
    for (const limbo of port.limbo) this.#value(limbo.items);
    for (const { item } of committer.outstanding) this.#value(item);
  }

  #value(value: unknown, key = ''): void {
    const parts = this.#parts;
    if (value === null || value === undefined) return void parts.push('-');
    switch (typeof value) {
      case 'number':
        if (key.endsWith('Ms')) return this.#time(value);
        return void parts.push(VERSIONS.has(key) && value !== 0 ? `v${value - this.#version}` : `${value}`);
      case 'string':
        return key === 'writeId' || key === 'owner' || key === 'entryIds' ? this.#name(value) : void parts.push(value);
      case 'boolean':
        return void parts.push(value ? 't' : 'f');
      case 'function':
        return void parts.push('fn');
      case 'object':
        return this.#object(value, key);
      default:
        return;
    }
  }

  #object(value: object, key: string): void {
    const parts = this.#parts;
    if (value instanceof Uint8Array) {
      // States and definitions in flight to the store follow from the memory that wrote them.
      return;
    }
    if (Array.isArray(value)) {
      parts.push('[');
      for (const one of value) this.#value(one, key);
      return void parts.push(']');
    }
    if (key === 'timer') return void parts.push('timer');
    if (key === 'transaction') {
      const { state, running, checking, registered } = value as {
        state: unknown;
        running: unknown;
        checking: unknown;
        registered: readonly unknown[];
      };
      this.#value([state, running, checking, registered.length]);
      return;
    }
    if ('entries' in value && 'definition' in value) {
      const { version, owner, writeId, claims, entries } = value as StoredTransaction;
      return this.#object({ version, owner, writeId, claims, entries: entries.length }, key);
    }
    parts.push('{');
    for (const [name, one] of Object.entries(value)) {
      if (LEFT_OUT.has(name)) continue;
      parts.push(name);
      this.#value(one, name);
    }
    parts.push('}');
  }

  #name(text: string): void {
    this.#parts.push(`n${this.#numberOf(text)}`);
  }

  #numberOf(text: string): number {
    const known = this.#names.get(text);
    if (known !== undefined) return known;
    this.#names.set(text, this.#names.size);
    return this.#names.size - 1;
  }

  /** Times are kept as numbers among the texts until all are known. */
  #time(ms: number): void {
    if (ms === 0) this.#parts.push('0');
    else this.#parts.push(ms <= this.#nowMs ? 'due' : ms);
  }

  #ranked(): string {
    const times = this.#parts.filter((part) => typeof part === 'number');
    const ranks = new Map([...new Set(times)].sort((a, b) => a - b).map((ms, rank) => [ms, `t${rank}`]));
    return this.#parts.map((part) => (typeof part === 'number' ? (ranks.get(part) ?? '') : part)).join(' ');
  }
}
