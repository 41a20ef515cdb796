import { HoldfastError } from '@holdfast/protocol';
import type { Engine } from '@holdfast/core/engine';
import type { Checker } from '../check/checker.ts';
import type { Counters } from '../counters.ts';
import type { Random } from '../kernel/random.ts';
import type { Trace } from '../kernel/trace.ts';
import type { World } from '../kernel/world.ts';
import type { Profile } from '../profile.ts';
import type { SimNode } from './sim-node.ts';

/**
 * `unclear`: no response, or an error after which the request is to be repeated. Whether the
 * request took effect is unknown.
 */
export type Outcome<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'refused'; readonly error: HoldfastError }
  | { readonly kind: 'unclear'; readonly why: string };

export interface Request<T> {
  readonly gid: string;
  readonly label: string;
  /** Runs on the node when the request arrives. */
  readonly call: (engine: Engine) => Promise<T>;
  /** Called when the engine responds, before the response is in flight. */
  readonly acknowledged?: (value: T) => void;
  /** As `acknowledged`, for a rejection. */
  readonly refused?: (error: HoldfastError) => void;
  readonly timeoutMs?: number;
}

interface GatewayDependencies {
  readonly world: World;
  readonly random: Random;
  readonly profile: Profile;
  readonly trace: Trace;
  readonly counters: Counters;
  readonly checker: Checker;
  readonly isHealed: () => boolean;
}

const PATIENCE_MS = 30_000;

/**
 * Delivers clients' requests to coordinators and the responses back; requests, responses and nodes
 * may be lost.
 */
export class Gateway {
  readonly #d: GatewayDependencies;
  readonly #pending = new Map<object, { readonly node: SimNode; readonly gid: string; readonly label: string }>();

  constructor(dependencies: GatewayDependencies) {
    this.#d = dependencies;
  }

  /** Requests to which live nodes have not responded. */
  pending(): string[] {
    return [...this.#pending.values()].flatMap(({ node, gid, label }) =>
      node.domain.state === 'dead' ? [] : [`${label} of ${gid} at ${node.name}`],
    );
  }

  request<T>(node: SimNode, request: Request<T>): Promise<Outcome<T>> {
    const { world, trace, counters, random, profile, isHealed } = this.#d;
    const { gid, label, timeoutMs = PATIENCE_MS } = request;
    return new Promise((resolve) => {
      let open = true;
      const settle = (outcome: Outcome<T>): void => {
        if (!open) return;
        open = false;
        timer.cancel();
        trace.add('', gid, `client receives ${label}: ${textOf(outcome)}`);
        resolve(outcome);
      };
      const timer = world.after(timeoutMs, () => settle({ kind: 'unclear', why: 'no response' }));
      const lost = (): boolean => !isHealed() && random.chance(profile.network.loss);
      if (lost()) return counters.count('requests lost');
      world.after(this.#latencyMs(), () => {
        if (node.domain.state === 'dead')
          return void world.after(this.#latencyMs(), () => settle({ kind: 'unclear', why: 'connection refused' }));
        world.after(
          0,
          () =>
            this.#arrive(node, request, (outcome) => {
              if (lost()) return counters.count('responses lost');
              world.after(this.#latencyMs(), () => settle(outcome));
            }),
          node.domain,
        );
      });
    });
  }

  #arrive<T>(
    node: SimNode,
    { gid, label, call, acknowledged, refused }: Request<T>,
    reply: (outcome: Outcome<T>) => void,
  ): void {
    const { trace, checker } = this.#d;
    trace.add(node.name, gid, `receives: ${label}`);
    const ticket = {};
    this.#pending.set(ticket, { node, gid, label });
    // A response of a process that has died is not delivered; its microtasks may still run, but no
    // events happen to it.
    const over = (then: () => void): void => {
      this.#pending.delete(ticket);
      then();
    };
    invoke(call, node.engine).then(
      (value) =>
        over(() => {
          acknowledged?.(value);
          reply({ kind: 'done', value });
        }),
      (thrown: unknown) =>
        over(() => {
          const error = HoldfastError.from(thrown);
          checker.expect(
            thrown instanceof HoldfastError && error.code !== 'internal',
            'DEF1',
            gid,
            () => `${label} threw ${describe(thrown)}`,
          );
          const again = error.code === 'unavailable' || error.code === 'overloaded';
          if (!again) refused?.(error);
          reply(again ? { kind: 'unclear', why: error.message } : { kind: 'refused', error });
        }),
    );
  }

  #latencyMs(): number {
    return this.#d.random.delayMs(this.#d.profile.network.latencyMs);
  }
}

async function invoke<T>(call: (engine: Engine) => Promise<T>, engine: Engine): Promise<T> {
  return call(engine);
}

function textOf(outcome: Outcome<unknown>): string {
  switch (outcome.kind) {
    case 'done':
      return 'done';
    case 'refused':
      return `${outcome.error.code}: ${outcome.error.message}`;
    case 'unclear':
      return outcome.why;
  }
}

const describe = (thrown: unknown): string =>
  thrown instanceof Error
    ? `${thrown.name}: ${thrown.message} ${thrown.stack?.split('\n')[1]?.trim() ?? ''}`
    : String(thrown);
