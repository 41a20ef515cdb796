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
export type Answer<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'refused'; readonly error: HoldfastError }
  | { readonly kind: 'unclear'; readonly why: string };

export interface Request<T> {
  readonly gid: string;
  readonly label: string;
  /** Runs on the node when the request arrives. */
  readonly call: (engine: Engine) => Promise<T>;
  /** Called when the engine responds, before the response is in flight. */
  readonly answered?: (value: T) => void;
  /** As `answered`, for a rejection. */
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
  readonly #unanswered = new Map<object, { readonly node: SimNode; readonly gid: string; readonly label: string }>();

  constructor(dependencies: GatewayDependencies) {
    this.#d = dependencies;
  }

  /** Requests to which live nodes have not responded. */
  unanswered(): string[] {
    return [...this.#unanswered.values()].flatMap(({ node, gid, label }) =>
      node.domain.state === 'dead' ? [] : [`${label} of ${gid} at ${node.name}`],
    );
  }

  request<T>(node: SimNode, request: Request<T>): Promise<Answer<T>> {
    const { world, trace, counters, random, profile, isHealed } = this.#d;
    const { gid, label, timeoutMs = PATIENCE_MS } = request;
    return new Promise((resolve) => {
      let open = true;
      const settle = (answer: Answer<T>): void => {
        if (!open) return;
        open = false;
        timer.cancel();
        trace.add('', gid, `client receives ${label}: ${tell(answer)}`);
        resolve(answer);
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
            this.#arrive(node, request, (answer) => {
              if (lost()) return counters.count('responses lost');
              world.after(this.#latencyMs(), () => settle(answer));
            }),
          node.domain,
        );
      });
    });
  }

  #arrive<T>(
    node: SimNode,
    { gid, label, call, answered, refused }: Request<T>,
    reply: (answer: Answer<T>) => void,
  ): void {
    const { trace, checker } = this.#d;
    trace.add(node.name, gid, `receives: ${label}`);
    const ticket = {};
    this.#unanswered.set(ticket, { node, gid, label });
    // A response of a process that has died is not delivered; its microtasks may still run, but no
    // events happen to it.
    const over = (then: () => void): void => {
      this.#unanswered.delete(ticket);
      then();
    };
    invoke(call, node.engine).then(
      (value) =>
        over(() => {
          answered?.(value);
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

function tell(answer: Answer<unknown>): string {
  switch (answer.kind) {
    case 'done':
      return 'done';
    case 'refused':
      return `${answer.error.code}: ${answer.error.message}`;
    case 'unclear':
      return answer.why;
  }
}

const describe = (thrown: unknown): string =>
  thrown instanceof Error
    ? `${thrown.name}: ${thrown.message} ${thrown.stack?.split('\n')[1]?.trim() ?? ''}`
    : String(thrown);
